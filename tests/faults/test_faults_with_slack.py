"""A bad way between Slack or a calling desk and us: kept once, posted once, or said to be unknown."""

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import web as server

from bot.conversion.ports import SlackOutcomeUnknown, SlackTrouble
from bot.sandbox.serving import serving
from bot.sandbox.slack import SlackServer, Workspace
from bot.slack.batch import StoreFirst
from bot.slack.front import Front
from bot.slack.socket import SocketMode
from bot.slack.web import Web
from tests.doors.conftest import THREAD, call, desks, doors_server, hooks, link, store
from tests.doors.test_doors_hooks import looked_at
from tests.faults.proxy import Trouble, proxy_to
from tests.slack.doors import serve
from tests.slack.test_slack_front_wire import Store, Talk, greet
from tests.slack.test_slack_socket import quick

__all__ = ["desks", "doors_server", "hooks", "link", "store"]
PATIENCE = 0.5


def to(address):
    parts = urlsplit(address)
    return proxy_to(lambda: asyncio.open_connection(parts.hostname, parts.port))


# --- our calls to Slack ----------------------------------------------------------------------------------------------


async def calling(method, trouble, **arguments):
    """What a call over a bad way came to, and how often Slack did what it asks."""
    done = []

    async def answer(request):
        done.append(await request.post())
        return server.json_response({"ok": True, "ts": "1.2"})

    patience = 60.0 if trouble.latency or trouble.drip or trouble.double_answers else PATIENCE
    async with (
        serve({"/api/{method}": answer}) as url,
        to(url) as proxy,
        Web("xoxb-1", api_url=f"http://{proxy.address}/api", timeout=patience) as web,
    ):
        proxy.trouble = trouble
        try:
            await web.call(method, **arguments)
        except (SlackTrouble, SlackOutcomeUnknown) as error:
            return type(error), len(done)
        return None, len(done)


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ({"latency": 0.02}, (None, 1)),
        ({"drip": 0.0005}, (None, 1)),
        ({"double_answers": 1}, (None, 1)),
        ({"lose_answers": 1}, (SlackOutcomeUnknown, 1)),
        ({"drop_after": 40}, (SlackOutcomeUnknown, 1)),
        ({"half_close": True, "drop_after": 1}, (SlackOutcomeUnknown, 1)),
        ({"stall": True}, (SlackOutcomeUnknown, 1)),
        ({"reset": True}, (SlackOutcomeUnknown, 0)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
async def test_a_post_over_a_bad_way_is_made_once_and_its_fate_is_known_or_said_not_to_be(trouble, expected):
    assert expected == await calling("chat.postMessage", Trouble(**trouble), channel="C1", text="hi")


async def test_a_read_whose_answer_is_lost_on_the_way_is_read_again():
    assert (None, 2) == await calling("users.info", Trouble(lose_answers=1), user="U1")


# --- Slack's deliveries to us ----------------------------------------------------------------------------------------

WAYS_IN: dict[str, dict[str, Any]] = {
    "latency": {"latency": 0.02},
    "slow drip": {"drip": 0.0005},
    "answer lost": {"lose_answers": 1},
    "reset": {"reset": True},
    "dropped after bytes": {"drop_after": 5},
    "half closed": {"half_close": True, "drop_after": 1},
    "stalled": {"stall": True},
}


async def kept_after(talk, kept, proxy, trouble):
    """Which of three messages are kept, of which the second came over a bad way that was mended a moment later."""
    said = [await talk.workspace.post(talk.ada, talk.channel, "before")]
    await talk.server.deliveries.idle()
    proxy.trouble = Trouble(**trouble)
    said.append(await talk.workspace.post(talk.ada, talk.channel, "meanwhile"))
    await asyncio.sleep(0.2)
    proxy.trouble = Trouble()
    said.append(await talk.workspace.post(talk.ada, talk.channel, "after"))
    await talk.server.deliveries.idle()
    return [one["ts"] for one in said], sorted(name.rpartition(":")[2] for name in kept if ":msg:" in f":{name}")


@pytest.mark.parametrize("trouble", WAYS_IN)
async def test_an_event_over_a_bad_way_to_the_front_is_kept_once(trouble):
    workspace, kept = Workspace(), Store()
    async with serving(Front(workspace.signing_secret, StoreFirst(kept.add, greet))) as address, to(address) as proxy:
        url = f"http://{proxy.address}/slack/events"
        slack = SlackServer(workspace, delivery="http", request_url=url, scale=0.02, ack_seconds=0.3)
        async with slack.serve():
            said, found = await kept_after(Talk(workspace, slack), kept.kept, proxy, WAYS_IN[trouble])

    assert said == found


@pytest.mark.parametrize("trouble", [*WAYS_IN, "arrives twice"])
async def test_an_event_over_a_bad_way_to_socket_mode_is_kept_once(trouble, monkeypatch):
    """The connection may be lost with it, or seem to live: then there is a new one, and Slack sends it again."""
    monkeypatch.setattr("bot.slack.socket._HANDSHAKE", 1.0)
    workspace, kept = Workspace(), Store()
    slack = SlackServer(workspace, delivery="socket", scale=0.02, ack_seconds=0.3)
    async with slack.serve() as address, to(address) as proxy:
        workspace.state.set_base_url(f"http://{proxy.address}")
        async with Web(workspace.bot_token, api_url=slack.api_url, clock=quick) as web:
            socket = SocketMode(workspace.app_token, web, StoreFirst(kept.add, greet), watch=0.05)
            await socket.start()
            run = asyncio.create_task(socket.run())
            try:
                wrong = WAYS_IN.get(trouble, {"double_answers": 1})
                said, found = await kept_after(Talk(workspace, slack), kept.kept, proxy, wrong)
            finally:
                await socket.stop(1)
                await asyncio.gather(run, return_exceptions=True)

    assert said == found


# --- a desk's calls to us --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", WAYS_IN)
async def test_a_call_of_a_desk_over_a_bad_way_is_one_wish_when_it_calls_again(hooks, store, link, trouble):
    raw, headers = call()
    async with serving(hooks) as address, to(address) as proxy:
        proxy.trouble = Trouble(**WAYS_IN[trouble])
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            with suppress(httpx.HTTPError):
                await client.post(f"http://{proxy.address}/hooks/billing", content=raw, headers=headers)
            proxy.trouble = Trouble()
            answer = await client.post(f"http://{proxy.address}/hooks/billing", content=raw, headers=headers)
        assert 200 == answer.status_code

    assert [THREAD] == await looked_at(store)
