"""The door for Socket Mode, against a small real WebSocket server that speaks as Slack does."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import WSMsgType, web as server
from hypothesis import given, settings, strategies as st
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.conversion.ports import SlackRefused, SlackTrouble, StoreAway
from bot.slack.front import Answer
from bot.slack.socket import SocketMode
from bot.slack.web import Web
from tests.slack.doors import Taken, serve

EVENT = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "hi"}}
COMMAND = {"command": "/ticket", "text": "API payload too large", "trigger_id": "1.2.3"}


class Slack:
    """Gives addresses and holds the connections made to them."""

    def __init__(self):
        self.error = ""
        self.opened = 0
        self.tokens = []
        self.connections = []
        self.arrived: asyncio.Queue[server.WebSocketResponse] = asyncio.Queue()
        self.acks: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ended: asyncio.Queue[server.WebSocketResponse] = asyncio.Queue()
        self.url = ""
        self.lets_in = asyncio.Event()
        self.lets_in.set()

    async def open(self, request):
        self.opened += 1
        await self.lets_in.wait()
        self.tokens.append(request.headers["Authorization"])
        if self.error:
            return server.json_response({"ok": False, "error": self.error})
        return server.json_response({"ok": True, "url": self.url.replace("http", "ws") + f"/link?ticket={self.opened}"})

    async def link(self, request):
        connection = server.WebSocketResponse()
        await connection.prepare(request)
        self.connections.append(connection)
        await connection.send_json({"type": "hello", "num_connections": 1})
        self.arrived.put_nowait(connection)
        async for message in connection:
            if message.type == WSMsgType.TEXT:
                self.acks.put_nowait(json.loads(message.data))
        self.ended.put_nowait(connection)
        return connection

    async def send(self, kind, payload, *, envelope="E1", **more):
        await self.connections[-1].send_json({"type": kind, "envelope_id": envelope, "payload": payload, **more})

    async def ack(self):
        return await asyncio.wait_for(self.acks.get(), 5)

    async def connection(self):
        return await asyncio.wait_for(self.arrived.get(), 10)


def quick():
    """Seconds by which Slack's minutes are over before a test is."""
    return time.monotonic() * 100_000


@asynccontextmanager
async def connected(taken, **options):
    slack = Slack()
    async with serve({"/api/apps.connections.open": slack.open, "/link": slack.link}) as url:
        slack.url = url
        async with Web("xoxb-1", api_url=url + "/api", clock=quick) as web:
            socket = SocketMode("xapp-1", web, taken, **{"watch": 0.05, "budget": 0.2, **options})
            await socket.start()
            run = asyncio.create_task(socket.run())
            try:
                yield slack, socket
            finally:
                await socket.stop(1)
                await asyncio.gather(run, return_exceptions=True)


async def test_an_event_is_stored_and_then_acknowledged(taken):
    async with connected(taken) as (slack, socket):
        await slack.send("events_api", EVENT, retry_attempt=2, retry_reason="timeout")

        assert {"envelope_id": "E1"} == await slack.ack()
        assert await socket.is_connected()

    assert ([EVENT], [2]) == (taken.events, taken.retries)
    assert ["Bearer xapp-1"] == slack.tokens


@pytest.mark.parametrize("trouble", [ConnectionError(), TimeoutError()])
async def test_an_event_that_is_not_stored_is_not_acknowledged(taken, trouble):
    async with connected(taken) as (slack, _):
        taken.fails = trouble
        await slack.send("events_api", EVENT, envelope="not stored")
        await asyncio.sleep(0.3)
        taken.fails = None
        await slack.send("events_api", EVENT, envelope="stored")

        assert {"envelope_id": "stored"} == await slack.ack()
        assert slack.acks.empty()


async def test_an_interaction_is_answered_with_what_it_said(taken):
    async with connected(taken) as (slack, _):
        taken.answer = Answer(200, {"content-type": "application/json;charset=utf-8"}, b'{"response_action":"clear"}')
        await slack.send("interactive", {"type": "view_submission"}, accepts_response_payload=True)
        said_json = await slack.ack()
        taken.answer = Answer(200, {}, b"")
        await slack.send("slash_commands", COMMAND, accepts_response_payload=True)
        said_nothing = await slack.ack()
        taken.answer = Answer(200, {"content-type": "text/plain"}, b"hello")
        await slack.send("slash_commands", COMMAND)
        said_text = await slack.ack()

    assert {"envelope_id": "E1", "payload": {"response_action": "clear"}} == said_json
    assert {"envelope_id": "E1"} == said_nothing
    assert {"envelope_id": "E1", "payload": {"text": "hello"}} == said_text
    assert [{"type": "view_submission"}, COMMAND, COMMAND] == taken.interactions


async def test_a_person_who_waits_gets_words_when_it_fails(taken):
    taken.fails = RuntimeError()
    async with connected(taken) as (slack, _):
        await slack.send("slash_commands", COMMAND)

        assert "Threadline could not" in (await slack.ack())["payload"]["text"]


async def test_wild_frames_do_not_disturb_the_connection(taken):
    async with connected(taken) as (slack, _):
        for frame in ("", "[]", "null", "{", '{"type":1}', '{"a":' * 5000, '{"type":"events_api","envelope_id":"x"}'):
            await slack.connections[-1].send_str(frame)
        payloads: tuple[Any, ...] = ("text", None, 5, [], {}, {"a": "\ud800", "type": "event_callback"})
        for payload in payloads:
            await slack.send("events_api", payload, envelope="wild")
        await slack.send("events_api", EVENT, envelope="last")
        acks = [await slack.ack()]
        while acks[-1] != {"envelope_id": "last"}:
            acks.append(await slack.ack())

    assert [EVENT] == taken.events


@pytest.mark.parametrize("end", ["Slack says so", "a close frame", "the network"])
async def test_a_connection_that_ends_is_renewed_and_the_gap_is_told(taken, end):
    """To its end, although the SDK renews a broken one in a task that it cancels."""
    gaps: asyncio.Queue[int] = asyncio.Queue()

    async def told():
        await asyncio.sleep(0.05)  # as the store lets wait
        gaps.put_nowait(1)

    async with connected(taken, on_reconnect=told, watch=5) as (slack, _):
        first = await slack.connection()
        await asyncio.sleep(0.1)
        assert gaps.empty()
        if end == "Slack says so":
            await first.send_json({"type": "disconnect", "reason": "refresh_requested"})
        elif end == "a close frame":
            await first.close()
        else:
            first._req.transport.abort()
        await asyncio.wait_for(slack.arrived.get(), 25)
        await asyncio.wait_for(gaps.get(), 5)
        await slack.send("events_api", EVENT)

        assert {"envelope_id": "E1"} == await slack.ack()


async def logged(caplog, words):
    async with asyncio.timeout(25):
        while words not in caplog.messages:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)


async def test_the_log_says_once_that_no_connection_stands_and_why_and_once_that_one_does_again(taken, caplog):
    async with connected(taken) as (slack, _):
        first = await slack.connection()
        slack.error = "internal_error"
        first._req.transport.abort()
        await logged(caplog, "Slack cannot be reached: internal_error")
        slack.error = ""
        await logged(caplog, "a connection to Slack stands again")

    away = "no connection to Slack stands, so nothing arrives; it is opened again by itself"
    assert [away, "a connection to Slack stands again"] == [text for text in caplog.messages if "stands" in text]


async def test_a_gap_that_cannot_be_told_is_logged_and_the_connection_goes_on(taken, caplog):
    async def told():
        raise StoreAway

    async with connected(taken, on_reconnect=told) as (slack, _):
        first = await slack.connection()
        await first.send_json({"type": "disconnect", "reason": "refresh_requested"})
        await slack.connection()
        await slack.send("events_api", EVENT)

        assert {"envelope_id": "E1"} == await slack.ack()
    assert "what was missed meanwhile is looked for later: StoreAway" in caplog.text


async def test_two_connections_are_held_and_opened_a_minute_apart(taken):
    """Slack takes one apps.connections.open a minute; until the second stands, the first does all."""
    now = [1000.0]
    monotonic = lambda: now[0]  # noqa: E731
    slack = Slack()
    async with serve({"/api/apps.connections.open": slack.open, "/link": slack.link}) as url:
        slack.url = url
        async with Web("xoxb-1", api_url=url + "/api", clock=monotonic) as web:
            socket = SocketMode("xapp-1", web, taken, connections=2)
            await socket.start()
            now[0] += 59
            await socket._look()
            assert 1 == slack.opened
            now[0] += 17
            await socket._look()
            await socket._look()
            assert (2, True) == (slack.opened, await socket.is_connected())
            await socket.stop(1)


async def test_a_connection_that_does_not_come_back_is_replaced(taken, monkeypatch):
    from bot.slack.socket import _Client

    async def lost(self):
        return False

    async with connected(taken) as (slack, socket):
        await slack.connection()
        old = socket._clients[0]
        monkeypatch.setattr(old, "is_connected", lost.__get__(old, _Client))
        await slack.connection()
        await slack.send("events_api", EVENT)

        assert {"envelope_id": "E1"} == await slack.ack()
        assert old is not socket._clients[0]


class Nobody:
    """Stands for a connection; keeps what was acknowledged."""

    def __init__(self):
        self.sent = []

    async def send_socket_mode_response(self, response):
        self.sent.append(json.dumps(response))


PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "event", "view", "command", "x"]), inner),
    max_leaves=12,
)
OBJECTS = st.fixed_dictionaries(
    {}, optional={name: PAYLOADS | st.sampled_from(["event_callback", "view_submission"]) for name in ("type", "event")}
)


@settings(max_examples=200, deadline=None)
@given(OBJECTS, st.sampled_from([Answer(200, {}, b""), Answer(500, {}, b"x"), Answer(404, {}, b"")]))
def test_no_payload_makes_the_door_fail(payload, answer):
    async def receive():
        taken = Taken(answer=answer)
        client = Nobody()
        request = SocketModeRequest(type="interactive", envelope_id="E1", payload=payload)
        await SocketMode("xapp-1", Web("xoxb-1"), taken)._receive(cast(SocketModeClient, client), request)
        return taken, client

    taken, client = asyncio.run(receive())

    assert 1 == len(taken.events) + len(taken.interactions)
    assert len(client.sent) <= 1
    for body in taken.events + taken.interactions:
        assert json.dumps(body, ensure_ascii=False).encode()


async def test_a_start_within_a_minute_of_the_last_one_waits_instead_of_ending(taken):
    """A process that was restarted at once is told 429: it opens its connection when Slack lets it."""
    slack, asked = Slack(), []

    async def open_later(request):
        asked.append(request)
        if len(asked) == 1:
            return server.json_response({"ok": False}, status=429, headers={"Retry-After": "30"})
        return await slack.open(request)

    async with serve({"/api/apps.connections.open": open_later, "/link": slack.link}) as url:
        slack.url = url
        async with Web("xoxb-1", api_url=url + "/api", clock=quick) as web:
            socket = SocketMode("xapp-1", web, taken, watch=0.05)
            await asyncio.wait_for(socket.start(), 10)
            assert (2, True) == (len(asked), await socket.is_connected())
            await socket.stop(1)


async def test_a_second_connection_that_slack_refuses_ends_the_run_with_words(taken):
    async with connected(taken, connections=2) as (slack, socket):
        slack.error = "invalid_auth"
        with pytest.raises(SlackRefused, match="connections:write"):
            await asyncio.wait_for(socket.run(), 10)


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("invalid_auth", SlackRefused, "connections:write"),
        ("not_allowed_token_type", SlackRefused, "xapp-"),
        ("missing_scope", SlackRefused, "permission"),
        ("internal_error", SlackTrouble, "internal_error"),
    ],
)
async def test_a_start_that_slack_refuses_says_what_to_do(taken, code, error, words):
    slack = Slack()
    slack.error = code
    async with (
        serve({"/api/apps.connections.open": slack.open}) as url,
        Web("xoxb-1", api_url=url + "/api") as web,
    ):
        with pytest.raises(error, match=words):
            await SocketMode("xapp-1", web, taken).start()


async def test_a_token_that_is_revoked_later_ends_the_run_with_words(taken):
    async with connected(taken) as (slack, socket):
        run = asyncio.create_task(socket.run())
        first = await slack.connection()
        slack.error = "token_revoked"
        await first.send_json({"type": "disconnect", "reason": "link_disabled"})

        with pytest.raises(SlackRefused, match="revoked"):
            await asyncio.wait_for(run, 10)


async def test_a_connection_that_is_being_opened_while_the_door_stops_is_closed_too(taken):
    async with connected(taken, connections=2) as (slack, socket):
        slack.lets_in.clear()
        while slack.opened < 2:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        await socket.stop(1)
        slack.lets_in.set()

        for _ in range(2):
            await asyncio.wait_for(slack.ended.get(), 5)


async def test_stopping_finishes_what_is_in_hand_and_takes_nothing_more(taken):
    async with connected(taken, budget=5) as (slack, socket):
        taken.stalls = asyncio.Event()
        await slack.send("events_api", EVENT, envelope="in hand")
        await asyncio.sleep(0.1)
        stop = asyncio.create_task(socket.stop(5))
        await asyncio.sleep(0.05)
        await slack.send("events_api", EVENT | {"event_id": "Ev2"}, envelope="too late")
        taken.stalls.set()
        await stop

        assert {"envelope_id": "in hand"} == await slack.ack()
        assert slack.acks.empty()

    assert ["Ev1"] == [event["event_id"] for event in taken.events]
