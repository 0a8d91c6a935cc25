"""A bad way to each desk: one change at most, and whoever says that none was made is right."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from adapters import registry
from adapters.contract import Reconcile
from adapters.errors import AdapterError
from adapters.shared import InProcess
from bot.conversion.verdicts import surely_not_done
from bot.sandbox.demo import STAND_INS, stand_in
from tests.faults.proxy import Trouble, proxy_to
from tests.faults.test_faults_between_parts import draft as drafted

MARKER = "TL-AAAABBBBCCCC"
OVERCOME = {"latency": {"latency": 0.02}, "slow drip": {"drip": 0.0002}}
BROKEN = {
    "reset": {"reset": True, "drop_after": 0},
    "half closed": {"half_close": True, "drop_after": 1},
    "stalled": {"stall": True},
    "dropped after bytes": {"drop_after": 40},
    "answer lost": {"lose_answers": 1},
}
PATIENCE, LONG = 1.0, 60.0
"""Seconds that the adapter waits for an answer: where none comes, and where one comes late on a busy machine."""


def draft():
    """One that each desk takes."""
    return replace(drafted(MARKER), priority=None)


@pytest.fixture(params=sorted(STAND_INS))
async def way(request):
    """A desk that is reached through a proxy, the proxy, and the desk's stand-in."""
    other = stand_in(request.param)
    async with other.serve() as table, AsyncExitStack() as stack:
        address = urlsplit(next(v for v in table.values() if isinstance(v, str) and v.startswith("http://")))

        def dial():
            return asyncio.open_connection(address.hostname, address.port)

        proxy = await stack.enter_async_context(proxy_to(dial))
        through = json.loads(json.dumps(table).replace(address.netloc, proxy.address))
        settings = registry.settings_for(
            "desk", {**through, "timeout": PATIENCE if "broken" in request.node.name else LONG}
        )
        desk = await stack.enter_async_context(registry.make("desk", settings, InProcess()))
        await desk.check()  # signed in
        yield desk, proxy, other


async def opening(way, trouble):
    """The error of opening a ticket over a way like that, and how many were opened."""
    desk, proxy, other = way
    before = len(await other.tickets())
    proxy.trouble = Trouble(**trouble)
    try:
        await desk.open_ticket(draft())
    except AdapterError as error:
        return error, len(await other.tickets()) - before
    finally:
        proxy.trouble = Trouble()
    return None, len(await other.tickets()) - before


@pytest.mark.parametrize("trouble", OVERCOME)
async def test_a_slow_way_to_a_desk_changes_nothing(way, trouble):
    assert (None, 1) == await opening(way, OVERCOME[trouble])


@pytest.mark.parametrize("trouble", BROKEN)
async def test_what_a_broken_way_to_a_desk_did_is_known_or_said_not_to_be_known(way, trouble):
    desk = way[0]

    error, made = await opening(way, BROKEN[trouble])

    assert error is not None
    assert made in ({0} if surely_not_done(error) else {0, 1})
    if desk.reconcile is not Reconcile.NONE:
        assert made == (await desk.find_ticket(MARKER, draft()) is not None)


async def test_an_answer_of_a_desk_that_comes_twice_is_one_answer(way):
    error, made = await opening(way, {"double_answers": 1})

    assert made == 1
    assert error is None or not surely_not_done(error)
