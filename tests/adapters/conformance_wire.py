"""The contract as tests for desks behind a server: faults on the way, secrets, and what a check says.

A subclass gives ``adapter`` and ``stand_in()``, and says where it differs:

- ``extra``: settings beyond those that the stand-in's table holds, so that all claimed capabilities work.
- ``before_opening``, ``before_adding``: how many requests the adapter makes before the one that changes something,
  once it is warm (logged in, lists known); a fault is planned for the request after those.
- ``on_change``, ``on_read``: which errors a fault may become. A call that changes something may only raise
  `OutcomeUnknown`, unless nothing was surely done.
- ``unreachable(table)``: the same settings with an address where nobody listens.
- ``broken(table)``: settings that are wrong, by a word that the check must say about each.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from pydantic import BaseModel, SecretStr

from adapters.contract import Capability, TicketAdapter
from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
)
from adapters.model import ChoiceList, TicketRef
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.sandbox.desks.base import StandIn
from bot.sandbox.faults import Fault
from tests.adapters.conformance import AdapterConformance
from tests.adapters.drafts import Pair, file_at, needs

Errors = tuple[type[AdapterError], ...]
MISDIRECTED: Errors = (Misconfigured, NotAuthorised, UnexpectedReply)
CANARY = "canary-text-1d3f"


class WireConformance(AdapterConformance):
    """What every desk behind a server must do besides."""

    extra: ClassVar[Mapping[str, Any]] = {}
    before_opening: ClassVar[int] = 0
    before_adding: ClassVar[int] = 0
    on_change: ClassVar[Mapping[Fault, Errors]] = {
        Fault.REFUSE: (OutcomeUnknown,),
        Fault.STALL: (OutcomeUnknown,),
        Fault.CUT_AFTER: (OutcomeUnknown,),
        Fault.LATE: (OutcomeUnknown,),
        Fault.TRUNCATE: (OutcomeUnknown,),
        Fault.ERROR_BEFORE: (OutcomeUnknown, Unavailable),
        Fault.ERROR_AFTER: (OutcomeUnknown,),
        Fault.HTML: (OutcomeUnknown,),
        Fault.EMPTY: (OutcomeUnknown,),
        Fault.RATE_LIMIT: (Unavailable,),
        Fault.REDIRECT: MISDIRECTED,
    }
    on_read: ClassVar[Mapping[Fault, Errors]] = {
        Fault.REFUSE: (Unavailable,),
        Fault.STALL: (Unavailable,),
        Fault.TRUNCATE: (Unavailable, UnexpectedReply),
        Fault.ERROR_BEFORE: (Unavailable,),
        Fault.ERROR_AFTER: (Unavailable,),
        Fault.HTML: MISDIRECTED,
        Fault.EMPTY: (UnexpectedReply,),
        Fault.RATE_LIMIT: (Unavailable,),
        Fault.REDIRECT: MISDIRECTED,
    }

    def stand_in(self) -> StandIn:
        """A fresh stand-in of the desk's server."""
        raise NotImplementedError

    def unreachable(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """*table* with an address where nobody listens."""
        return {**table, "url": "http://127.0.0.1:9"}

    def broken(self, table: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Words that a check must say, each with settings that are wrong in that way."""
        raise NotImplementedError

    @pytest.fixture
    async def pair(self) -> AsyncIterator[Pair]:
        """The desk and its stand-in."""
        async with self.served() as (pair, _table):
            yield pair

    @asynccontextmanager
    async def served(self, **settings: Any) -> AsyncIterator[tuple[Pair, dict[str, Any]]]:
        """The desk set up with *settings* besides, its stand-in, and the table of settings."""
        stand_in = self.stand_in()
        async with stand_in.serve() as address:
            table = {**address, **self.extra, **settings}
            async with entered(table) as desk:
                yield Pair(desk, stand_in), table

    @asynccontextmanager
    async def hasty(self, fault: Fault | None) -> AsyncIterator[Pair]:
        """The desk, warm, with a short patience where *fault* takes time."""
        patience = {"timeout": 0.5} if fault in {Fault.STALL, Fault.LATE} else {}
        async with self.served() as (pair, table):
            faults(pair).stall = 1.5
            await pair.open()
            async with entered({**table, **patience}) as desk:
                hasty = Pair(desk, pair.agents)
                await read_something(hasty)
                yield hasty

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Gives the tests about faults each fault, and what may become of it."""
        super().pytest_generate_tests(metafunc)
        for name, table in (("changing", self.on_change), ("reading", self.on_read)):
            if name in metafunc.fixturenames:
                metafunc.parametrize(f"{name},errors", list(table.items()), ids=[fault.name for fault in table])

    # A fault may only be called harmless where nothing was done.

    async def test_a_fault_while_opening_is_named_by_what_may_have_happened(self, changing: Fault, errors: Errors):
        async with self.hasty(changing) as pair:
            before = await pair.agents.tickets()
            faults(pair).plan.extend([*[None] * self.before_opening, changing])
            draft = await pair.draft(department=pair.desk.settings.department or None)
            faults(pair).met.clear()
            with pytest.raises(errors) as caught:
                await pair.desk.open_ticket(draft)

            assert {changing: 1} == faults(pair).met
            assert isinstance(caught.value, OutcomeUnknown) or before == await pair.agents.tickets()

    async def test_a_fault_while_adding_is_named_by_what_may_have_happened(self, changing: Fault, errors: Errors):
        async with self.hasty(changing) as pair:
            ticket = (await pair.agents.tickets())[0]
            ref = TicketRef(id=ticket.id, number=ticket.number)
            before = await pair.seen(ref)
            faults(pair).plan.extend([*[None] * self.before_adding, changing])
            with pytest.raises(errors) as caught:
                await pair.desk.add_message(ref, pair.message(visibility=pair.reply_kind()))

            assert {changing: 1} == faults(pair).met
            assert isinstance(caught.value, OutcomeUnknown) or before == await pair.seen(ref)

    async def test_a_fault_while_reading_is_named_and_the_next_call_works(self, reading: Fault, errors: Errors):
        async with self.hasty(reading) as pair:
            faults(pair).plan.append(reading)
            with pytest.raises(errors):
                await read_something(pair)

            assert {reading: 1} == faults(pair).met
            await read_something(pair)

    async def test_a_desk_that_asks_to_slow_down_says_for_how_long(self):
        async with self.hasty(None) as pair:
            faults(pair).plan.append(Fault.RATE_LIMIT)
            with pytest.raises(Unavailable) as caught:
                await read_something(pair)

            assert timedelta(seconds=1) == caught.value.retry_after

    async def test_where_nobody_listens_nothing_was_done(self):
        async with self.served() as (pair, table), entered(self.unreachable(table)) as desk:
            draft = await pair.draft()
            with pytest.raises(Unavailable):
                await desk.open_ticket(draft)

    @needs(reconcile=True)
    @pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.TRUNCATE, Fault.ERROR_AFTER, Fault.LATE])
    async def test_a_ticket_whose_answer_was_lost_is_found_by_its_marker(self, fault: Fault):
        async with self.hasty(fault) as pair:
            draft = await pair.draft(first=pair.message(marker="TL-LOST00000001"))
            faults(pair).plan.extend([*[None] * self.before_opening, fault])
            with pytest.raises(OutcomeUnknown):
                await pair.desk.open_ticket(draft)
            while len(tickets := await pair.agents.tickets()) < 2:  # noqa: ASYNC110 - a late commit is seen by looking
                await asyncio.sleep(0.02)

            found = await pair.desk.find_ticket("TL-LOST00000001", draft)
            assert found is not None
            assert (tickets[0].id, tickets[0].number) == (found.ticket.id, found.ticket.number)

    @needs(reconcile=True)
    async def test_a_message_whose_answer_was_lost_is_found_by_its_marker(self):
        async with self.hasty(None) as pair:
            ticket = await pair.open()
            faults(pair).plan.extend([*[None] * self.before_adding, Fault.CUT_AFTER])
            draft = pair.message(marker="TL-LOST00000001", visibility=pair.reply_kind())
            with pytest.raises(OutcomeUnknown):
                await pair.desk.add_message(ticket, draft)

            found = await pair.desk.find_message(ticket, "TL-LOST00000001")
            assert found is not None
            assert 2 == len(await pair.seen(ticket))

    @needs(Capability.FILES)
    async def test_files_that_one_request_cannot_carry_are_refused_before_anything_is_done(
        self, pair: Pair, tmp_path: Path
    ):
        limits = pair.desk.limits
        most = limits.file or int((limits.request or 30_000_000) / limits.file_overhead)
        if limits.file or limits.request:
            draft = await pair.draft(first=pair.message(files=(file_at(tmp_path, "big", b"\0" * (most + 1)),)))
            with pytest.raises(Rejected) as caught:
                await pair.open(draft)

            assert ("files", ()) == (caught.value.field, await pair.agents.tickets())

    async def test_no_secret_and_no_text_is_in_any_error_or_log(self, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.DEBUG)
        async with self.served() as (pair, _table):
            said = [repr(pair.desk.settings)]
            draft = await pair.draft(CANARY, CANARY)
            for fault in (*Fault, None):
                if fault in {Fault.STALL, Fault.LATE}:
                    continue
                faults(pair).always = fault
                for attempt in (pair.desk.open_ticket(draft), pair.desk.get_ticket(self.missing)):
                    try:
                        await attempt
                    except AdapterError as error:
                        said += [str(error), repr(error), repr(error.__cause__), error.code]

            said += [record.getMessage() for record in caplog.records if not record.name.startswith("asyncio")]
            secrets = [CANARY, *secrets_of(pair.desk.settings)]
            assert len(said) > len(Fault)
            assert [] == [secret for secret in secrets for text in said if secret in text]

    async def test_a_check_of_a_desk_that_cannot_be_reached_says_so(self):
        async with self.served() as (_pair, table), entered(self.unreachable(table)) as desk:
            failing = [finding for finding in await desk.check() if not finding.ok]

            assert failing
            assert all(finding.detail and finding.remedy for finding in failing)

    async def test_a_check_names_what_is_wrong_with_the_settings_or_rights(self):
        async with self.served() as (_pair, table):
            for word, wrong in self.broken(table):
                async with entered(wrong) as desk:
                    failing = [finding for finding in await desk.check() if not finding.ok]

                    assert any(word in f"{one.subject} {one.detail} {one.remedy}" for one in failing), (word, failing)
                    assert all(finding.remedy for finding in failing)


@asynccontextmanager
async def entered(table: Mapping[str, Any]) -> AsyncIterator[TicketAdapter[Any]]:
    """The adapter of *table*, entered."""
    async with make("acme", settings_for("acme", table), InProcess()) as desk:
        yield desk


def faults(pair: Pair) -> Any:
    """The faults of the stand-in of *pair*."""
    return cast(StandIn, pair.agents).faults


async def read_something(pair: Pair) -> None:
    """A call that changes nothing, by what the desk can be asked."""
    desk = pair.desk
    ticket = (await pair.agents.tickets())[0]
    if desk.has(Capability.READ_TICKET):
        await desk.get_ticket(TicketRef(id=ticket.id, number=ticket.number))
    else:
        await desk.choices(ChoiceList.DEPARTMENTS)


def secrets_of(settings: BaseModel) -> Iterator[str]:
    """Every secret in *settings* that is not empty."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
