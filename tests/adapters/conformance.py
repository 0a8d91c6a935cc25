"""The contract of `TicketAdapter` as tests, which every desk's test class inherits.

To inherit, for a desk behind a stand-in (`conformance_wire` adds faults, secrets, checks)::

    from tests.adapters.conformance_wire import WireConformance


    class TestWhmcs(WireConformance):
        adapter = WhmcsDesk

        def stand_in(self):
            return WhmcsStandIn()

For a desk without a server: subclass `AdapterConformance` and give a fixture ``pair`` that yields a
`tests.adapters.drafts.Pair` of an entered adapter and the agents' side of the same desk.

What differs between desks is said in class attributes, never asked in tests. The capabilities that the class claims
decide which tests there are: each claimed one must work as the desk of ``pair`` is set up, each other must raise
`UnsupportedFeature`. Attributes:

- ``known``: a person whom the desk knows by exactly this address, where FIND_REQUESTER is claimed.
- ``fields``: values of custom fields to send, and ``shown``: what `SeenTicket.fields` then holds at least.
- ``missing``: a ticket that is not there.
- ``text_of(seen)``: the text of a message as agents see it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from adapters.contract import Capability
from adapters.errors import UnsupportedFeature
from adapters.model import Act, Attachment, Change, ChoiceList, MessageRef, Visibility
from tests.adapters.conformance_messages import MessageConformance
from tests.adapters.conformance_opening import OpeningConformance
from tests.adapters.conformance_tickets import TicketConformance
from tests.adapters.drafts import ADA, HERE, Pair, body_of, file_at

Attempt = Callable[[Pair], Awaitable[object]]


def _change(act: Act, value: str = "") -> Attempt:
    return lambda pair: pair.desk.change(HERE, Change(act=act, value=value))


def _list(which: ChoiceList) -> Attempt:
    return lambda pair: pair.desk.choices(which)


ATTEMPTS: Mapping[Capability, Attempt] = {
    Capability.REPLY: lambda pair: pair.desk.add_message(HERE, pair.message()),
    Capability.NOTE: lambda pair: pair.desk.add_message(HERE, pair.message(visibility=Visibility.INTERNAL)),
    Capability.UPLOAD_FIRST: lambda pair: pair.desk.upload(file_at(Path("/tmp"), "a", b"a"), "TL-UPLOAD000001"),
    Capability.READ_TICKET: lambda pair: pair.desk.get_ticket(HERE),
    Capability.READ_MESSAGES: lambda pair: pair.desk.messages(HERE),
    Capability.READ_FILES: lambda pair: pair.desk.attachment(HERE, Attachment(id="1", name="a"), limit=9),
    Capability.CLOSE: _change(Act.CLOSE),
    Capability.REOPEN: _change(Act.REOPEN),
    Capability.SET_STATUS: _change(Act.STATUS, "Open"),
    Capability.ASSIGN: _change(Act.ASSIGN, "1"),
    Capability.SET_PRIORITY: _change(Act.PRIORITY, "High"),
    Capability.MOVE_DEPARTMENT: _change(Act.DEPARTMENT, "1"),
    Capability.SET_SUBJECT: _change(Act.SUBJECT, "Other"),
    Capability.DEPARTMENTS: _list(ChoiceList.DEPARTMENTS),
    Capability.PRIORITIES: _list(ChoiceList.PRIORITIES),
    Capability.STATUSES: _list(ChoiceList.STATUSES),
    Capability.AGENTS: _list(ChoiceList.AGENTS),
    Capability.FIND_REQUESTER: lambda pair: pair.desk.find_requester("ada@example.com"),
    Capability.CREATE_REQUESTER: lambda pair: pair.desk.create_requester(ADA),
    Capability.SEARCH: lambda pair: pair.desk.search("printer"),
    Capability.CHANGED_SINCE: lambda pair: pair.desk.changed_since(""),
    Capability.EDIT_MESSAGE: lambda pair: pair.desk.edit_message(HERE, MessageRef(id="1"), body_of("b"), "TL-E"),
    Capability.DELETE_MESSAGE: lambda pair: pair.desk.delete_message(HERE, MessageRef(id="1")),
    Capability.WEBHOOK: lambda pair: asyncio.to_thread(pair.desk.webhook, {}, b"{}"),
}
"""How each capability that has a method of its own is used. The others only change what a draft may carry."""


class AdapterConformance(OpeningConformance, MessageConformance, TicketConformance):
    """What every desk must do, by what it claims."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Gives the tests about capabilities those that this desk does not claim."""
        if "unclaimed" in metafunc.fixturenames:
            metafunc.parametrize("unclaimed", [one for one in ATTEMPTS if one not in self.adapter.capabilities])

    def test_the_desk_as_set_up_here_can_do_all_that_its_class_claims(self, pair: Pair):
        assert [] == [claimed for claimed in sorted(self.adapter.capabilities) if not pair.desk.has(claimed)]

    async def test_what_is_not_claimed_is_refused_as_unsupported(self, pair: Pair, unclaimed: Capability):
        with pytest.raises(UnsupportedFeature) as caught:
            await ATTEMPTS[unclaimed](pair)

        assert str(caught.value).startswith(f"{pair.desk.name}: {pair.desk.system}")

    async def test_its_own_check_finds_nothing_wrong_and_changes_nothing(self, pair: Pair):
        before = await pair.agents.tickets()

        findings = await pair.desk.check()

        assert [] == [finding for finding in findings if not finding.ok]
        assert findings
        assert before == await pair.agents.tickets()
