"""Conformance of tickets: reading, changing, people, search and what changed."""

import pytest

from adapters.contract import Capability
from adapters.errors import NotFound
from adapters.model import (
    Act,
    Change,
    ChoiceList,
    Person,
    Status,
    Ticket,
)
from tests.adapters.drafts import DeskFacts, Pair, needs


class TicketConformance(DeskFacts):
    """A ticket can be read and changed as the desk claims."""

    @needs(Capability.READ_TICKET)
    async def test_a_ticket_is_read_back_with_what_people_want_to_know(self, pair: Pair):
        ticket = await pair.open(subject="Größe & <b>")
        read = await pair.desk.get_ticket(ticket)

        assert (ticket, "Größe & <b>", Status.OPEN) == (read.ref, read.subject, read.status)
        assert read.status_name == (await pair.agents.ticket(ticket.id)).status
        assert read.created_at is None or read.created_at.tzinfo
        assert read == await pair.desk.find_by_number(ticket.number)

    @needs(Capability.READ_TICKET)
    async def test_a_ticket_that_is_not_there_is_not_found(self, pair: Pair):
        for attempt in (pair.desk.get_ticket(self.missing), pair.desk.find_by_number(self.missing.number)):
            with pytest.raises(NotFound):
                await attempt

    async def test_a_message_to_a_ticket_that_is_not_there_is_not_found(self, pair: Pair):
        with pytest.raises(NotFound):
            await pair.desk.add_message(self.missing, pair.message(visibility=pair.reply_kind()))

    @needs(Capability.CLOSE, Capability.REOPEN)
    async def test_closing_and_reopening_twice_is_the_same_as_once(self, pair: Pair):
        ticket = await pair.open()
        for act, closed in ((Act.CLOSE, True), (Act.CLOSE, True), (Act.REOPEN, False), (Act.REOPEN, False)):
            await pair.desk.change(ticket, Change(act=act))

            assert closed is (await pair.agents.ticket(ticket.id)).closed

    @needs(Capability.READ_TICKET)
    async def test_what_agents_close_is_read_as_closed(self, pair: Pair):
        ticket = await pair.open()
        await pair.agents.set_closed(ticket.id, closed=True)
        closed = (await pair.desk.get_ticket(ticket)).status
        await pair.agents.set_closed(ticket.id, closed=False)

        assert (Status.CLOSED, Status.OPEN) == (closed, (await pair.desk.get_ticket(ticket)).status)

    @needs(Capability.SET_STATUS, Capability.STATUSES)
    async def test_every_status_of_the_list_can_be_set(self, pair: Pair):
        ticket = await pair.open()
        for choice in await pair.desk.choices(ChoiceList.STATUSES):
            await pair.desk.change(ticket, Change(act=Act.STATUS, value=choice.id))

            assert (await pair.agents.ticket(ticket.id)).status in {choice.id, choice.label}

    @needs(Capability.ASSIGN, Capability.AGENTS)
    async def test_a_ticket_is_assigned_and_given_back(self, pair: Pair):
        ticket = await pair.open()
        agent = (await pair.desk.choices(ChoiceList.AGENTS))[-1]
        await pair.desk.change(ticket, Change(act=Act.ASSIGN, value=agent.id))
        owner = (await pair.agents.ticket(ticket.id)).owner
        await pair.desk.change(ticket, Change(act=Act.ASSIGN))

        assert owner in {agent.id, agent.label}
        assert (await pair.agents.ticket(ticket.id)).owner not in {agent.id, agent.label}

    @needs(Capability.SET_PRIORITY, Capability.PRIORITIES)
    async def test_a_priority_is_changed(self, pair: Pair):
        ticket = await pair.open()
        for choice in await pair.desk.choices(ChoiceList.PRIORITIES):
            await pair.desk.change(ticket, Change(act=Act.PRIORITY, value=choice.id))

            assert (await pair.agents.ticket(ticket.id)).priority in {choice.id, choice.label}

    @needs(Capability.MOVE_DEPARTMENT, Capability.DEPARTMENTS)
    async def test_a_ticket_is_moved_to_another_department(self, pair: Pair):
        ticket = await pair.open()
        choice = (await pair.desk.choices(ChoiceList.DEPARTMENTS))[-1]
        await pair.desk.change(ticket, Change(act=Act.DEPARTMENT, value=choice.id))

        assert (await pair.agents.ticket(ticket.id)).department in {choice.id, choice.label}

    @needs(Capability.SET_SUBJECT)
    async def test_a_subject_is_changed(self, pair: Pair):
        ticket = await pair.open()
        await pair.desk.change(ticket, Change(act=Act.SUBJECT, value="Printer & <fire>"))

        assert "Printer & <fire>" == (await pair.agents.ticket(ticket.id)).subject

    @needs(Capability.FIND_REQUESTER)
    async def test_a_requester_is_found_by_the_whole_address_and_by_nothing_less(self, pair: Pair):
        address = self.known.email or ""
        found = await pair.desk.find_requester(address.upper())

        assert found is not None
        assert (self.known.name, address) == (found.name, (found.email or "").lower())
        assert found.desk_id
        for other in (address[:-1], address[1:], f"x{address}", "%", "*", "' OR 1=1 --", "nobody@example.org"):
            assert None is await pair.desk.find_requester(other)

    @needs(Capability.FIND_REQUESTER)
    async def test_a_ticket_of_a_known_requester_is_theirs(self, pair: Pair):
        found = await pair.desk.find_requester(self.known.email or "")
        assert found is not None
        ticket = await pair.open(requester=found)

        assert self.known.name in (await pair.agents.ticket(ticket.id)).requester

    @needs(Capability.CREATE_REQUESTER, Capability.FIND_REQUESTER)
    async def test_a_requester_who_was_made_is_found(self, pair: Pair):
        made = await pair.desk.create_requester(Person(name="Grace Hopper", email="grace@example.net"))

        assert made == await pair.desk.find_requester("grace@example.net")

    @needs(Capability.SEARCH)
    async def test_search_finds_by_words_of_the_subject(self, pair: Pair):
        await pair.open(subject="The coffee machine leaks")
        ticket = await pair.open(subject="The zeppelin leaks gas")
        found: tuple[Ticket, ...] = await pair.desk.search("zeppelin")

        assert [ticket] == [one.ref for one in found]
        assert () == await pair.desk.search("nothing holds these words")
        assert 1 == len(await pair.desk.search("leaks", limit=1))

    @needs(Capability.CHANGED_SINCE)
    async def test_what_changed_leaves_no_ticket_out(self, pair: Pair):
        answered, noted, closed, _quiet = [await pair.open() for _ in range(4)]
        _, cursor = await pair.desk.changed_since("")
        await pair.agents.reply(answered.id, "Try again.")
        await pair.agents.reply(noted.id, "Hm.", internal=True)
        await pair.agents.set_closed(closed.id, closed=True)
        opened = await pair.open()

        changed, cursor = await pair.desk.changed_since(cursor)
        assert {answered, noted, closed, opened} <= set(changed)
        await pair.agents.reply(answered.id, "Once more.")
        assert answered in (await pair.desk.changed_since(cursor))[0]
