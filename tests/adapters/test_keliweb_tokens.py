"""Tokens of the Keliweb desk: one is got, shared and renewed; a dead pair is replaced; a refused token ends it."""

import asyncio
import gc
import json
import time
import weakref
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import pytest

from adapters.errors import NotAuthorised, NotFound, Unavailable
from adapters.keliweb import KeliwebDesk
from adapters.keliweb.tokens import json_object
from adapters.model import TicketRef
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.sandbox.desks.keliweb import KeliwebStandIn
from bot.sandbox.faults import Fault
from tests.adapters.drafts import Pair

NOWHERE = TicketRef(id="99", number="99")


@asynccontextmanager
async def desks(count=1, *, newer=False, shared=None, **settings):
    """A stand-in and so many desks of it, as if in processes that share what is shared."""
    stand_in = KeliwebStandIn()
    stand_in.tokens.newer = newer
    async with AsyncExitStack() as stack:
        table = {**await stack.enter_async_context(stand_in.serve()), "department": "1", **settings}
        kept = shared or InProcess()
        made = [make("acme", settings_for("acme", table), kept) for _ in range(count)]
        yield stand_in, [await stack.enter_async_context(desk) for desk in made]
    assert [] == stand_in.violations


async def read(desk):
    """A call that needs a token."""
    with pytest.raises(NotFound):
        await desk.get_ticket(NOWHERE)


async def test_one_token_does_for_many_calls_and_for_every_process():
    async with desks(3) as (stand_in, made):
        for desk in made * 2:
            await read(desk)

    assert ["password"] == stand_in.tokens.grants


async def test_processes_that_need_a_token_at_once_ask_for_one():
    async with desks(4) as (stand_in, made):
        await asyncio.gather(*[read(desk) for desk in made * 3])
        stand_in.tokens.end()
        await asyncio.gather(*[read(desk) for desk in made * 3])

    assert ["password", "refresh_token"] == stand_in.tokens.grants


async def test_a_token_that_is_over_by_our_clock_is_renewed_before_it_is_refused():
    shared = InProcess()
    async with desks(shared=shared) as (stand_in, (desk,)):
        await read(desk)
        kept = json.loads(await shared.get(desk._key) or "")
        await shared.put(desk._key, json.dumps({**kept, "ends": 0.0}), ttl=timedelta(days=1))
        good_there = stand_in.tokens.accepts(f"Bearer {kept['access']}")
        await read(desk)

    assert (True, ["password", "refresh_token"]) == (good_there, stand_in.tokens.grants)


@pytest.mark.parametrize("newer", [False, True])
async def test_a_pair_that_was_revoked_is_replaced_by_the_password(newer):
    async with desks(newer=newer) as (stand_in, (desk,)):
        await read(desk)
        stand_in.tokens.revoke()
        await read(desk)

    assert ["password", "password"] == stand_in.tokens.grants


async def test_a_token_that_is_refused_in_the_middle_opens_one_ticket():
    async with desks() as (stand_in, (desk,)):
        await read(desk)
        stand_in.tokens.end()
        await Pair(desk, stand_in).open()

    assert (1, ["password", "refresh_token"]) == (len(stand_in.state.tickets), stand_in.tokens.grants)


async def test_a_pair_that_never_arrived_is_replaced():
    async with desks() as (stand_in, (desk,)):
        await read(desk)
        stand_in.tokens.end()
        stand_in.faults.only = "/oauth/token"
        stand_in.faults.plan.append(Fault.CUT_AFTER)
        with pytest.raises(Unavailable):
            await Pair(desk, stand_in).open()
        await Pair(desk, stand_in).open()

    assert (1, ["password", "refresh_token", "password"]) == (len(stand_in.state.tickets), stand_in.tokens.grants)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMIT, Fault.ERROR_BEFORE, Fault.REFUSE])
async def test_a_token_endpoint_in_trouble_costs_neither_the_pair_nor_the_message(fault):
    async with desks() as (stand_in, (desk,)):
        await read(desk)
        stand_in.tokens.end()
        stand_in.faults.only = "/oauth/token"
        stand_in.faults.plan.append(fault)
        with pytest.raises(Unavailable):
            await Pair(desk, stand_in).open()
        await Pair(desk, stand_in).open()

    assert (1, ["password", "refresh_token"]) == (len(stand_in.state.tickets), stand_in.tokens.grants)


async def test_a_token_made_by_hand_is_used_as_it_is_and_nothing_else_is_asked_for():
    stand_in = KeliwebStandIn()
    async with stand_in.serve() as served:
        by_hand = {**served, **dict.fromkeys(("client_id", "client_secret", "username", "password"), "")}
        by_hand["token"] = stand_in.tokens.by_hand()
        async with make("acme", settings_for("acme", by_hand), InProcess()) as desk:
            await read(desk)
            stand_in.tokens.revoke()
            with pytest.raises(NotAuthorised, match="token is not accepted"):
                await desk.get_ticket(NOWHERE)

    assert [] == stand_in.tokens.grants


async def test_another_account_never_uses_this_ones_token():
    shared = InProcess()
    async with desks(shared=shared) as (_, (desk,)):
        await read(desk)
        table = {**desk.settings.model_dump(), "username": "other@example.com"}
        other = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(table), shared)
        async with other:
            with pytest.raises(NotAuthorised, match="password"):
                await other.get_ticket(NOWHERE)


async def test_what_is_kept_is_found_by_no_secret():
    async with desks() as (stand_in, (desk,)):
        assert not [one for one in (stand_in.tokens.password, stand_in.tokens.client_secret) if one in desk._key]
        assert desk._key.startswith("keliweb:acme:")


async def test_who_waited_for_a_token_that_could_not_be_had_is_told_so_at_once():
    async with desks(timeout=0.3) as (stand_in, (desk,)):
        stand_in.faults.always, stand_in.faults.only, stand_in.faults.stall = Fault.STALL, "token", 0.6
        began = time.monotonic()
        raised = await asyncio.gather(*[desk.get_ticket(NOWHERE) for _ in range(8)], return_exceptions=True)
        took = time.monotonic() - began

    assert ({Unavailable}, True) == ({type(error) for error in raised}, took < 4 * 0.3)


async def test_a_token_beside_an_error_of_null_is_a_token(monkeypatch):
    monkeypatch.setattr("adapters.keliweb.tokens.json_object", lambda content: {**json_object(content), "error": None})
    async with desks() as (stand_in, (desk,)):
        await read(desk)

    assert ["password"] == stand_in.tokens.grants


async def test_a_failure_holds_on_to_no_earlier_one_however_long_the_token_endpoint_is_in_trouble():
    """An error whose traceback leads to the one before it, and so on, is memory that grows for as long as it lasts."""
    failures = []
    async with desks() as (stand_in, (desk,)):
        stand_in.faults.always, stand_in.faults.only = Fault.ERROR_BEFORE, "/oauth/token"
        for _ in range(3):
            try:
                await desk.get_ticket(NOWHERE)
            except Unavailable as error:
                failures.append(weakref.ref(error))
        gc.collect()

        assert [None] * 3 == [failure() for failure in failures]
