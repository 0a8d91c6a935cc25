"""Who a Slack person is at a desk: what an operator wrote, else an e-mail address that may be trusted, else a name."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown
from adapters.model import Person
from bot.conversion.mapped import Mapped
from bot.conversion.people import Requesters
from bot.conversion.ports import Author
from bot.conversion.stored import LEFT_ALONE
from bot.store.keys import people
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import OPEN, opened

ADA = Author(id="U1", name="Ada", email="ada@example.com")
SID = Author(id="U2", name="Sid", email="ada@example.com", own_workspace=False)
KNOWN = Person(name="Ada at the desk", email="ada@example.com", desk_id="7")


class Desk:
    name = "desk"

    def __init__(self):
        self.asked = []
        self.began = asyncio.Event()

    def has(self, _capability):
        return True

    async def find_requester(self, email):
        self.asked.append(email)
        self.began.set()
        return KNOWN if email == "ada@example.com" else None


@pytest.mark.parametrize(
    ("mapped", "person", "asked"),
    [
        (None, KNOWN, ["ada@example.com"]),
        ({"desk_id": "42"}, Person(name="Ada", desk_id="42"), []),
        ({"email": "a@desk.example", "name": "A."}, Person(name="A.", email="a@desk.example"), ["a@desk.example"]),
    ],
)
async def test_what_an_operator_wrote_goes_before_the_address_in_slack(store, mapped, person, asked):
    desk: Any = Desk()
    if mapped:
        await store.mappings.put(Mapped(desk="desk", user="U1", **mapped))

    found = [await Requesters(store.mappings).of(desk, ADA), await Requesters(store.mappings).of(desk, ADA)]

    assert [person, person] == found
    assert [*asked, *asked] == desk.asked


async def test_a_desk_is_asked_once_however_many_messages_of_somebody_wait_for_the_answer(store):
    desk: Any = Desk()
    people = Requesters(store.mappings)

    found = await asyncio.gather(*(people.of(desk, ADA) for _ in range(20)))

    assert ({KNOWN}, ["ada@example.com"]) == (set(found), desk.asked)


async def test_who_was_to_be_forgotten_while_the_desk_was_asked_is_asked_for_again(store):
    desk: Any = Desk()
    people = Requesters(store.mappings)

    asking = asyncio.create_task(people.of(desk, ADA))
    await desk.began.wait()
    people.forget(desk, KNOWN)
    await asking
    await people.of(desk, ADA)

    assert ["ada@example.com", "ada@example.com"] == desk.asked


async def test_somebody_of_another_company_is_never_found_by_their_address(store):
    desk: Any = Desk()

    found = await Requesters(store.mappings).of(desk, SID)

    assert (False, None, []) == (found.trusted_email, found.desk_id, desk.asked)


async def test_somebody_of_another_company_may_be_written_down(store):
    await store.mappings.put(Mapped(desk="desk", user="U2", desk_id="9"))

    desk: Any = Desk()

    assert "9" == (await Requesters(store.mappings).of(desk, SID)).desk_id


async def test_what_is_written_is_for_one_desk_and_can_be_forgotten(store):
    one, two = Mapped(desk="desk", user="U1", email="a@x.example"), Mapped(desk="desk", user="U2", desk_id="9")
    for mapped in (one, two):
        await store.mappings.put(mapped)

    assert [one, two] == sorted([mapped async for mapped in store.mappings.all("desk")], key=lambda m: m.user)
    assert [] == [mapped async for mapped in store.mappings.all("other")]
    assert [True, False] == [await store.mappings.remove("desk", "U1") for _ in range(2)]
    assert None is await store.mappings.get("desk", "U1")


async def test_a_requester_whom_the_desk_does_not_know_is_made_known_once_where_its_operator_wants_that(
    house, monkeypatch, quick_settle
):
    """The answer is lost; they are looked for before it is asked again."""
    monkeypatch.setattr(type(house.desk), "creates_requesters", True)
    made, create = [], house.desk.create_requester

    async def lost(person):
        made.append(await create(person))
        raise OutcomeUnknown("desk", "broke off")

    monkeypatch.setattr(house.desk, "create_requester", lost)
    wish = OPEN.model_copy(update={"requester_email": "grace@example.com", "requester_name": "Grace Hopper"})

    ticket = await house.desk.find_by_number((await opened(house, wish)).number)

    assert [("Grace Hopper", "grace@example.com")] == [(person.name, person.email) for person in made]
    assert made[0].desk_id == ticket.requester.desk_id


async def test_nobody_is_made_known_where_the_operator_does_not_want_that(house, monkeypatch):
    asked: list[Person] = []
    monkeypatch.setattr(house.desk, "create_requester", asked.append)
    await opened(house, OPEN.model_copy(update={"requester_email": "grace@example.com"}))

    assert [] == asked


async def test_a_message_waits_for_a_person_whose_mapping_cannot_be_read_and_the_log_says_so(house, caplog):
    """It was written by a newer Threadline, or under a key that is not here; the log is all that tells of it."""
    await house.store.connection.do("HSET", people("desk"), "U1", "enc1:AAAA")
    house.rooms = replace(house.rooms, mappings=house.store.mappings)
    house.threads.messages = [said(OPEN.thread_ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")

    await house.until(lambda: LEFT_ALONE in caplog.text, seconds=5)

    assert [] == await house.tickets()
    assert 1 == (await house.store.lanes.backlog())["waiting"]
    assert OPEN.thread_ts in str([getattr(line, "lane", "") for line in caplog.records if line.msg == LEFT_ALONE])
