"""What SuperOffice's documents say in passing about writing: owners, notifications, markers, files, conflicts."""

from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, strategies as st

from adapters.errors import OutcomeUnknown, Rejected
from adapters.model import Act, Change, Person, Role, Status, TicketRef, Visibility
from adapters.superoffice_rest import SuperOfficeRestDesk
from adapters.superoffice_rest.reading import TITLES
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.sandbox.desks.superoffice_rest_calls import Answer
from bot.sandbox.faults import Fault
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import Pair, file_at
from tests.adapters.superoffice_rest_served import served, written

# --- opening


async def test_an_owner_of_zero_is_nobody_and_of_the_greatest_number_whoever_the_rules_say():
    async with served() as (_, pair):
        nobody = await pair.open(owner="0")
        by_rules = await pair.open(owner="2147483647")

        assert "" == (await pair.agents.ticket(nobody.id)).owner
        assert "Threadline" == (await pair.agents.ticket(by_rules.id)).owner


async def test_a_new_ticket_says_that_it_came_by_the_api_and_who_wrote_it():
    async with served() as (stand_in, pair):
        await pair.open()
        (call,) = written(stand_in, "Ticket")

    assert ("API", "Ada Lovelace", "External") == (call.sent["Origin"], call.sent["Author"], call.sent["Slevel"])


async def test_the_default_ticket_is_read_once_and_lists_only_where_they_are_needed():
    async with served() as (stand_in, pair):
        for _ in range(3):
            await pair.open()

    assert ["GET", *["POST"] * 6] == [call.method for call in stand_in.calls.seen]


async def test_a_default_ticket_that_is_refused_is_not_kept():
    """As after an administrator has taken away a field that it has."""
    stand_in = SuperOfficeRestStandIn()
    async with stand_in.serve() as table, entered({**table, "department": "1"}) as desk:
        pair = Pair(desk, stand_in)
        (await cast(SuperOfficeRestDesk, desk).kept("Ticket/default", dict))["NoLongerThere"] = 1
        with pytest.raises(Rejected):
            await pair.open()
        await pair.open()

    assert 1 == len(stand_in.violations)


async def test_what_superoffice_has_marked_as_mandatory_is_asked_for_before_anything_is_sent():
    stand_in = SuperOfficeRestStandIn()
    stand_in.site.mandatory |= {"Person", "Deadline"}
    async with served(stand_in) as (_, pair):
        ada = await pair.desk.find_requester("ada@example.com")
        with pytest.raises(Rejected) as lacks_person:
            await pair.open()
        with pytest.raises(Rejected) as lacks_deadline:
            await pair.open(requester=ada)
        await pair.open(requester=ada, options={"deadline": "2030-01-31T12:00:00+00:00"})

    assert ("requester", "deadline") == (lacks_person.value.field, lacks_deadline.value.field)


async def test_the_people_concerned_are_told_of_a_new_ticket_once():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        await pair.add(ticket)
        await pair.add(ticket, pair.message(notify=False))

    assert ["new ticket", "new message"] == [words.rpartition(" ")[0] for words in stand_in.site.told]


async def test_nobody_is_told_where_the_settings_say_so():
    async with served(notify=False) as (stand_in, pair):
        await pair.add(await pair.open())

    assert [] == stand_in.site.told


async def test_only_public_answers_of_agents_count_as_replies():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        agent = Person(name="Grace", role=Role.AGENT)
        await pair.add(ticket, replace(pair.message(visibility=Visibility.INTERNAL), author=agent))
        answer = await pair.add(ticket, replace(pair.message(), author=agent))
        await pair.add(ticket, replace(pair.message(), author=Person(name="Ada", desk_id="11")))

    assert [int(answer)] == stand_in.site.replied


async def test_a_wrong_category_or_field_names_what_to_change():
    async with served() as (_, pair):
        for more, field in (
            ({"department": "99"}, "department"),
            ({"department": "IT"}, "department"),
            ({"priority": "99"}, "priority"),
            ({"requester": Person(name="X", desk_id="99")}, "requester"),
            ({"fields": {"x_none": "1"}}, "x_none"),
            ({"fields": {"SuperOffice:1": "many"}}, "SuperOffice:1"),
        ):
            with pytest.raises(Rejected) as caught:
                await pair.open(**more)
            assert field == caught.value.field


# --- markers


async def test_without_an_extra_field_the_marker_stands_at_the_end_of_the_title_and_is_not_shown():
    async with served(marker_field="title") as (_, pair):
        draft = await pair.draft("Printer on fire", first=pair.message(marker="TL-TITLE0000001"))
        ticket = await pair.open(draft)

        assert "Printer on fire [TL-TITLE0000001]" == (await pair.agents.ticket(ticket.id)).subject
        assert "Printer on fire" == (await pair.desk.get_ticket(ticket)).subject
        assert ["Printer on fire"] == [one.subject for one in await pair.desk.search("printer")]
        found = await pair.desk.find_ticket("TL-TITLE0000001", draft)
        assert found is not None
        assert ticket == found.ticket
        assert None is await pair.desk.find_ticket("TL-TITLE0000002", draft)

        await pair.desk.change(ticket, Change(act=Act.SUBJECT, value="Printer is ash"))
        assert "Printer is ash [TL-TITLE0000001]" == (await pair.agents.ticket(ticket.id)).subject


@given(subject=st.text(max_size=40))
def test_a_title_gives_its_subject_back(subject):
    title = TITLES.marked(subject, "TL-ABCDEFGHIJKL")
    assert (subject, "TL-ABCDEFGHIJKL") == TITLES.parted(title)
    assert TITLES.marked("new", "TL-ABCDEFGHIJKL") == TITLES.retitled(title, "new")


async def test_a_database_that_finds_more_than_was_asked_for_does_not_give_us_anothers_ticket():
    async with served() as (stand_in, pair):
        draft = await pair.draft(first=pair.message(marker="TL-TITLE0000001"))
        await pair.open(draft)
        for answer in ("ticket.x_threadline", "title"):
            rows = [{"ticketId": 1001, "ticket.id": 1001, answer: "Other [TL-OTHER0000001]"}]
            stand_in.calls.run = lambda call, rows=rows: Answer({"value": rows})
            for field in ("title", "x_threadline"):
                desk = pair.desk
                desk.settings = desk.settings.model_copy(update={"marker_field": field})
                assert None is await desk.find_ticket("TL-TITLE0000001", draft)


@pytest.mark.parametrize("title", ["[urgent] fire", "Broken lamp [TL-200]", "Broken [TL-ABCDEFGHIJKL] lamp"])
def test_a_title_without_a_marker_stays_as_it_is(title):
    assert (title, "new") == (TITLES.parted(title)[0], TITLES.retitled(title, "new"))


async def test_a_title_of_the_greatest_length_fits_with_its_marker():
    async with served(marker_field="title") as (_, pair):
        await pair.open(subject="x" * (pair.desk.limits.subject or 0))


# --- files before SuperOffice 10.1.9


async def plain(tmp_path, faults):
    """A message with two files, one call after the other, with faults on the way: what agents see, and the outcome."""
    stand_in = SuperOfficeRestStandIn()
    stand_in.calls.has_agents_calls = False
    async with served(stand_in, agents_calls=False) as (_, pair):
        ticket = await pair.open()
        files = [file_at(tmp_path, name, name.encode()) for name in ("a.txt", "b.txt")]
        draft = await pair.with_uploads(pair.message(marker="TL-PLAIN0000001", files=tuple(files)))
        stand_in.faults.plan.extend(faults)
        outcome = None
        try:
            await pair.desk.add_message(ticket, draft)
        except OutcomeUnknown as error:
            outcome = error
            found = await pair.desk.find_message(ticket, "TL-PLAIN0000001")
            assert found == await pair.desk.find_message(ticket, "TL-PLAIN0000001")
        return [[file.name for file in one.files] for one in await pair.seen(ticket)], outcome


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [Fault.CUT_AFTER],  # the message's answer is lost
        [None, Fault.ERROR_BEFORE],  # its files cannot be listed
        [None, None, Fault.ERROR_BEFORE],  # they are not linked
        [None, None, Fault.CUT_AFTER],  # they are linked, and the answer is lost
    ],
)
async def test_files_that_follow_their_message_are_linked_once_whatever_is_lost(tmp_path, faults):
    seen, outcome = await plain(tmp_path, faults)

    assert [[], ["a.txt", "b.txt"]] == seen
    assert bool(faults) == (outcome is not None)


async def test_files_that_are_refused_for_good_are_told_with_the_message_that_is_there(tmp_path):
    async with served(agents_calls=False) as (stand_in, pair):
        ticket = await pair.open()
        file = file_at(tmp_path, "a.txt", b"a")
        draft = await pair.with_uploads(pair.message(marker="TL-PLAIN0000001", files=(file,)))
        stand_in.site.files.clear()
        with pytest.raises(OutcomeUnknown):
            await pair.desk.add_message(ticket, draft)
        with pytest.raises(Rejected, match="on the ticket, without its files"):
            await pair.desk.find_message(ticket, "TL-PLAIN0000001")


async def test_a_message_whose_ticket_does_not_exist_leaves_no_file_to_link(tmp_path):
    async with served(agents_calls=False) as (stand_in, pair):
        await pair.open()
        with pytest.raises(Rejected):
            await pair.desk.add_message(TicketRef(id="99", number="99"), pair.message())

    assert 1 == len(stand_in.site.notes())


# --- changes


async def test_a_ticket_that_was_merged_or_deleted_is_not_brought_back():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        for status in (4, 5):
            stand_in.site.set_status(stand_in.site.tickets[int(ticket.id)], status)
            with pytest.raises(Rejected):
                await pair.desk.change(ticket, Change(act=Act.REOPEN))

    assert status == stand_in.site.tickets[int(ticket.id)].points_at("Status", "TicketStatusId")


async def test_a_merged_ticket_says_into_which():
    async with served() as (stand_in, pair):
        ticket, other = await pair.open(), await pair.open()
        stand_in.site.set_status(stand_in.site.tickets[int(ticket.id)], 5)
        stand_in.site.tickets[int(ticket.id)].entity["ConnectId"] = int(other.id)

        read = await pair.desk.get_ticket(ticket)
        assert (Status.GONE, other) == (read.status, read.merged_into)


async def test_a_conflict_is_read_again_and_the_change_made():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        run, others = stand_in.calls.run, [3, 1]

        def meanwhile(call):
            if call.method == "PATCH" and others:
                stand_in.site.set_status(stand_in.site.tickets[int(ticket.id)], others.pop(0))
            return run(call)

        stand_in.calls.run = meanwhile
        await pair.desk.change(ticket, Change(act=Act.CLOSE))

        assert (await pair.agents.ticket(ticket.id)).closed


async def test_a_change_that_others_always_get_in_the_way_of_is_given_up():
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        run, turn = stand_in.calls.run, iter([3, 1] * 9)

        def meanwhile(call):
            if call.method == "PATCH":
                stand_in.site.set_status(stand_in.site.tickets[int(ticket.id)], next(turn))
            return run(call)

        stand_in.calls.run = meanwhile
        with pytest.raises(Rejected) as caught:
            await pair.desk.change(ticket, Change(act=Act.PRIORITY, value="3"))

    assert "same moment" in str(caught.value)
    assert 3 == len(written(stand_in, "Ticket/{id}"))


@pytest.mark.parametrize(
    "change",
    [
        Change(act=Act.STATUS, value="99"),
        Change(act=Act.STATUS, value="x"),
        Change(act=Act.PRIORITY),
        Change(act=Act.DEPARTMENT, value="99"),
        Change(act=Act.ASSIGN, value="nobody"),
    ],
)
async def test_a_value_that_superoffice_does_not_have_changes_nothing(change):
    async with served() as (stand_in, pair):
        ticket = await pair.open()
        before = dict(stand_in.site.tickets[int(ticket.id)].entity)
        with pytest.raises(Rejected):
            await pair.desk.change(ticket, change)

    assert before == stand_in.site.tickets[int(ticket.id)].entity
