"""How the pretend Slack tells the app: Socket Mode with the real client, signed HTTP, retries and what goes wrong."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient
from starlette.requests import Request
from starlette.responses import Response

from bot.sandbox.serving import serving
from bot.sandbox.slack import SlackServer, Workspace

COMMANDS = [{"command": "/ticket", "should_escape": True}]
SHORTCUTS = [
    {"name": "Create ticket", "type": "message", "callback_id": "create_ticket"},
    {"name": "New ticket", "type": "global", "callback_id": "new_ticket"},
]
QUICK: dict[str, Any] = {"scale": 0.0005, "ack_seconds": 0.3}


def demo(**options):
    return Workspace.demo(commands=COMMANDS, shortcuts=SHORTCUTS, **options)


def ids_of(workspace):
    people = {person.name: person.id for person in workspace.people.values()}
    return people | {channel.name: channel.id for channel in workspace.channels.values()}


@dataclass
class App:
    """An app at a request URL: records what comes and answers what it is told to."""

    answer: object = ""
    status: list[int] = field(default_factory=list)  # of the next requests; 200 when used up
    headers: dict[str, str] = field(default_factory=dict)
    stall: list[float] = field(default_factory=list)  # seconds, of the next requests
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        self.got.append((dict(request.headers), await request.body()))
        await asyncio.sleep(self.stall.pop(0) if self.stall else 0)
        status = self.status.pop(0) if self.status else 200
        body = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        await Response(body, status, self.headers)(scope, receive, send)

    def events(self):
        return [json.loads(body) for _, body in self.got]


@asynccontextmanager
async def over_http(app, **options):
    async with serving(app) as address:
        server = SlackServer(demo(), delivery="http", request_url=f"{address}/slack/events", **(QUICK | options))
        async with server.serve():
            yield server


@asynccontextmanager
async def over_socket(listener, *, connections=1, **options):
    """A pretend Slack and so many of the real clients, whose requests go to *listener*."""
    server = SlackServer(demo(), **(QUICK | options))
    async with server.serve():
        clients = []
        for _ in range(connections):
            client = SocketModeClient(
                app_token=server.workspace.app_token,
                web_client=AsyncWebClient(base_url=server.api_url),
                ping_interval=0.2,
            )
            client.socket_mode_request_listeners.append(listener)
            await client.connect()
            clients.append(client)
        await server.sockets.connected(connections)
        try:
            yield server
        finally:
            for client in clients:
                await client.close()
                await client.aiohttp_client_session.close()


class Acking:
    """A listener that acknowledges all but the first *ignored* requests."""

    def __init__(self, ignored=0, payload=None):
        self.requests, self.ignored, self.payload = [], ignored, payload

    async def __call__(self, client, request):
        self.requests.append(request)
        if self.ignored:
            self.ignored -= 1
        else:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))


# --- HTTP ---


async def test_an_event_is_signed_as_slacks_own_verifier_wants_it():
    app = App()
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        message = await slack.workspace.post(ids["eva"], ids["it-help"], "*hello* :wave:")
        await slack.deliveries.idle()

    headers, body = app.got[0]
    event = json.loads(body)
    assert SignatureVerifier(slack.workspace.signing_secret).is_valid_request(body, headers)
    assert not SignatureVerifier("other").is_valid_request(body, headers)
    assert ("event_callback", slack.workspace.team_id) == (event["type"], event["team_id"])
    assert slack.workspace.bot_user_id == event["authorizations"][0]["user_id"]
    assert (message["ts"], "channel", True) == (
        event["event"]["ts"],
        event["event"]["channel_type"],
        event["is_ext_shared_channel"],
    )
    assert "rich_text" == event["event"]["blocks"][0]["type"]


async def test_a_request_url_is_verified_by_a_challenge():
    async with over_http(App("3eZbrw1aBm2rZgRNFdxV2595")) as slack:
        right = await slack.http.verify_url()
    async with over_http(App("something else")) as slack:
        wrong = await slack.http.verify_url()

    assert (True, False) == (right, wrong)


async def test_an_event_that_fails_comes_three_more_times_with_its_number_and_reason():
    app = App(status=[500, 503, 302, 400])
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    retries = [(got.get("x-slack-retry-num"), got.get("x-slack-retry-reason")) for got, _ in app.got]
    assert [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "too_many_redirects")] == retries
    assert 1 == len({event["event_id"] for event in app.events()})
    assert [app.events()[0]] == slack.deliveries.given_up


async def test_an_app_can_ask_not_to_be_sent_an_event_again():
    app = App(status=[500], headers={"x-slack-no-retry": "1"})
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    assert 1 == len(app.got)


async def test_a_slow_app_gets_the_event_again_because_of_its_time_out():
    app = App(stall=[0.6])
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    assert "http_timeout" == app.got[1][0]["x-slack-retry-reason"]


async def test_a_command_comes_as_a_form_with_mentions_escaped():
    app = App("done & dusted")
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(
            ids["eva"], ids["it-help"], "/ticket", "API payload for @ben in #random <b>"
        )

        form = {name: values[0] for name, values in parse_qs(app.got[0][1].decode()).items()}
        assert "application/x-www-form-urlencoded" == app.got[0][0]["content-type"]
        assert ("/ticket", "false", "it-help", ids["eva"]) == tuple(
            form[key] for key in ("command", "is_enterprise_install", "channel_name", "user_id")
        )
        assert f"API payload for <@{ids['ben']}|ben> in <#{ids['random']}|random> &lt;b&gt;" == form["text"]
        assert (200, "done & dusted", "") == (answer.status, answer.body, answer.error)
        shown = slack.workspace.ephemerals(ids["eva"], ids["it-help"])
        assert ["done &amp; dusted"] == [message["text"] for message in shown]


async def test_an_answer_in_channel_is_for_everyone():
    async with over_http(App({"response_type": "in_channel", "text": "all see this"})) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.command(ids["eva"], ids["it-help"], "/ticket", "")

        assert "all see this" == slack.workspace.history(ids["it-help"])[-1]["text"]


@pytest.mark.parametrize(
    ("app", "status", "words"),
    [
        (App(status=[500]), 500, '/ticket failed with the error "dispatch_failed"'),
        (App(status=[404]), 404, '/ticket failed with the error "dispatch_failed"'),
        (App(stall=[0.6]), 0, '/ticket failed with the error "operation_timeout"'),
    ],
)
async def test_a_command_that_the_app_does_not_answer_fails_in_slacks_words(app, status, words):
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(ids["eva"], ids["it-help"], "/ticket", "")

    assert (status, words, 1) == (answer.status, answer.error, len(app.got))


async def test_an_unregistered_command_never_reaches_the_app():
    app = App()
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(ids["eva"], ids["it-help"], "/tickets", "")

    assert ([], "/tickets is not a valid command") == (app.got, answer.error[:31])


async def test_a_shortcut_on_a_message_works_where_the_bot_is_not_a_member():
    app = App()
    async with over_http(app) as slack:
        ids = ids_of(slack.workspace)
        message = await slack.workspace.post(ids["ben"], ids["it-private"], "secret")
        answer = await slack.workspace.message_shortcut(ids["ben"], ids["it-private"], message["ts"], "create_ticket")
        refused = await slack.workspace.global_shortcut(ids["ben"], "new_ticket")

    payload = json.loads(parse_qs(app.got[0][1].decode())["payload"][0])
    assert ("message_action", "privategroup", "secret") == (
        payload["type"],
        payload["channel"]["name"],
        payload["message"]["text"],
    )
    assert ("", "") == (answer.error, refused.error)
    assert "channel" not in json.loads(parse_qs(app.got[1][1].decode())["payload"][0])


# --- sockets ---


async def test_events_arrive_in_envelopes_and_end_with_their_acknowledgement():
    listener = Acking()
    async with over_socket(listener) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    (request,) = listener.requests
    assert ("events_api", "hello", 0) == (request.type, request.payload["event"]["text"], request.retry_attempt)
    assert {"sent": 1, "acked": 1} == slack.deliveries.counts


async def test_an_event_without_acknowledgement_comes_again_under_the_same_event_id():
    listener = Acking(ignored=2)
    async with over_socket(listener) as slack:
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    attempts = [(request.retry_attempt, request.retry_reason) for request in listener.requests]
    assert [(0, ""), (1, "timeout"), (2, "timeout")] == attempts
    assert 1 == len({request.payload["event_id"] for request in listener.requests})


async def test_a_command_is_answered_in_the_acknowledgement():
    async with over_socket(Acking(payload={"text": "pong"})) as slack:
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(ids["eva"], ids["it-help"], "/ticket", "ping")

    assert ({"text": "pong"}, "") == (answer.body, answer.error)


async def test_a_command_that_nobody_acknowledges_is_not_sent_twice():
    listener = Acking(ignored=9)
    async with over_socket(listener) as slack:
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(ids["eva"], ids["it-help"], "/ticket", "ping")

    assert ('/ticket failed with the error "operation_timeout"', 1) == (answer.error, len(listener.requests))


async def test_without_a_connection_a_command_fails_and_an_event_is_given_up_after_its_retries():
    slack = SlackServer(demo(), **QUICK)
    async with slack.serve():
        ids = ids_of(slack.workspace)
        answer = await slack.workspace.command(ids["eva"], ids["it-help"], "/ticket", "ping")
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    assert '/ticket failed with the error "dispatch_failed"' == answer.error
    assert {"sent": 4, "retried": 3, "given_up": 1} == slack.deliveries.counts


@pytest.mark.parametrize("how", ["refresh_requested", "cut"])
async def test_the_client_comes_back_after_a_disconnect_and_gets_the_next_event(how):
    listener = Acking()
    async with over_socket(listener) as slack:
        ids = ids_of(slack.workspace)
        await (slack.sockets.cut() if how == "cut" else slack.sockets.disconnect(how))
        await slack.sockets.connected()
        await slack.workspace.post(ids["eva"], ids["it-help"], "still there?")
        await slack.deliveries.idle()

    assert ["still there?"] == [request.payload["event"]["text"] for request in listener.requests]
    assert 2 == slack.calls["apps.connections.open"]


async def test_several_connections_share_the_events():
    listener = Acking()
    async with over_socket(listener, connections=2) as slack:
        ids = ids_of(slack.workspace)
        used = {id(connection) for connection in slack.sockets.connections}
        for number in range(6):
            await slack.workspace.post(ids["eva"], ids["it-help"], f"{number}")
        await slack.deliveries.idle()

    assert (2, 6) == (len(used), len(listener.requests))


async def test_after_a_warning_the_connection_still_takes_work():
    slack = SlackServer(demo(), **QUICK)
    async with slack.serve(), aiohttp.ClientSession() as session:
        socket = await session.ws_connect(slack.sockets.address())
        await slack.sockets.connected()
        await slack.sockets.disconnect("warning")
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "still here")
        said = [await socket.receive_json() for _ in range(3)]
        await socket.close()

    assert ["hello", "disconnect", "events_api"] == [item["type"] for item in said]
    assert ("warning", "still here") == (said[1]["reason"], said[2]["payload"]["event"]["text"])


async def test_an_eleventh_connection_is_one_too_many():
    slack = SlackServer(demo(), **QUICK)
    async with slack.serve(), aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(slack.sockets.address()) for _ in range(11)]
        said = [await socket.receive_json() for socket in sockets]
        for socket in sockets:
            await socket.close()

    assert ["hello"] * 10 + ["disconnect"] == [item["type"] for item in said]
    assert "too_many_websockets" == said[-1]["reason"]


async def test_an_address_serves_one_connection_only():
    slack = SlackServer(demo(), **QUICK)
    async with slack.serve():
        client = AsyncWebClient(token=slack.workspace.app_token, base_url=slack.api_url)
        url = (await client.apps_connections_open(app_token=slack.workspace.app_token))["url"]
        async with aiohttp.ClientSession() as session:
            first = await session.ws_connect(url)
            hello = await first.receive_json()
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)
            await first.close()

    assert ("hello", 3600) == (hello["type"], hello["debug_info"]["approximate_connection_time"])


# --- trouble ---


async def test_an_event_can_come_several_times_although_it_is_acknowledged():
    app = App()
    async with over_http(app) as slack:
        slack.deliveries.trouble.duplicate = 5
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    assert (5, 1) == (len(app.got), len({event["event_id"] for event in app.events()}))


async def test_a_lost_acknowledgement_brings_the_event_again():
    app = App()
    async with over_http(app) as slack:
        slack.deliveries.trouble.drop_acks = 1
        ids = ids_of(slack.workspace)
        await slack.workspace.post(ids["eva"], ids["it-help"], "hello")
        await slack.deliveries.idle()

    assert [None, "1"] == [headers.get("x-slack-retry-num") for headers, _ in app.got]


async def test_of_two_events_the_later_can_come_first():
    listener = Acking()
    async with over_socket(listener) as slack:
        slack.deliveries.trouble.reorder = True
        ids = ids_of(slack.workspace)
        for text in ("one", "two", "three"):
            await slack.workspace.post(ids["eva"], ids["it-help"], text)
        await slack.deliveries.idle()

    assert ["two", "one", "three"] == [request.payload["event"]["text"] for request in listener.requests]
