"""Sessions of SuperOffice: logged in once for all, renewed once when they are over, shared between processes."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from adapters.errors import NotAuthorised, OutcomeUnknown, Unavailable
from adapters.model import Act, Change, ChoiceList, Person, TicketRef
from adapters.shared import InProcess
from adapters.superoffice_soap import SuperOfficeSoapDesk
from bot.sandbox.faults import Fault
from tests.adapters.superoffice_soap_served import drafts, served, settings_of, within


async def test_many_calls_at_once_log_in_once():
    async with served() as (desk, stand_in):
        await asyncio.gather(*(desk.search("x") for _ in range(20)))

        assert 1 == stand_in.calls.made.count("login")


async def test_two_processes_share_one_session():
    shared = InProcess()
    async with served(shared=shared) as (desk, stand_in):
        await desk.search("x")
        async with within(SuperOfficeSoapDesk("acme", desk.settings, shared), stand_in) as other:
            await other.search("x")

        assert 1 == stand_in.calls.made.count("login")


async def test_a_session_that_works_is_not_looked_up_for_each_call(monkeypatch: pytest.MonkeyPatch):
    looked_up: list[str] = []

    async def get(self: InProcess, key: str) -> str | None:
        looked_up.append(key.rpartition(":session:")[1])
        return await before(self, key)

    before = InProcess.get
    monkeypatch.setattr(InProcess, "get", get)
    async with served() as (desk, _):
        await desk.search("x")
        looked_up.clear()
        await desk.search("x")

    assert [] == [name for name in looked_up if name]


async def test_who_finds_the_session_over_takes_the_one_that_another_process_has_by_now():
    shared = InProcess()
    async with served(shared=shared) as (desk, stand_in):
        await desk.search("x")
        async with within(SuperOfficeSoapDesk("acme", desk.settings, shared), stand_in) as other:
            await other.search("x")
            stand_in.calls.sessions.clear()
            await other.search("x")
            await desk.search("x")

        assert 2 == stand_in.calls.made.count("login")


async def test_desks_of_different_accounts_never_share_a_session():
    shared = InProcess()
    async with served(shared=shared) as (desk, stand_in):
        await desk.search("x")
        other: Any = desk.settings.model_copy(update={"username": "alex"})
        async with within(SuperOfficeSoapDesk("acme", other, shared), stand_in) as alex:
            with pytest.raises(NotAuthorised):
                await alex.search("x")


async def test_a_session_that_is_over_is_renewed_once_and_the_change_is_made_once():
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        stand_in.calls.sessions.clear()
        await desk.add_message(ticket, drafts(desk, stand_in).message())

        assert 2 == stand_in.calls.made.count("login")
        assert 2 == len((await stand_in.ticket(ticket.id)).messages)


async def test_an_idle_session_is_forgotten_by_the_server_and_renewed_by_us():
    async with served() as (desk, stand_in):
        now = [0.0]
        stand_in.calls.clock = lambda: now[0]
        await desk.search("x")
        now[0] = 1801.0
        await desk.search("x")

        assert 2 == stand_in.calls.made.count("login")


async def test_twenty_calls_that_find_the_session_over_log_in_once_more():
    async with served() as (desk, stand_in):
        await desk.search("x")
        stand_in.calls.sessions.clear()
        await asyncio.gather(*(desk.search("x") for _ in range(20)))

        assert 2 == stand_in.calls.made.count("login")


async def test_a_server_that_refuses_its_own_sessions_is_not_asked_for_ever():
    async with served() as (desk, stand_in):
        await desk.search("x")
        stand_in.calls.fail["findTickets"] = 5
        stand_in.calls.made.clear()
        with pytest.raises(Exception, match="session is over"):
            await desk.search("x")

        assert ["findTickets", "login", "findTickets"] == stand_in.calls.made


async def test_a_wrong_password_is_told_once_and_names_the_remedy():
    async with served(password="wrong") as (desk, _):
        with pytest.raises(NotAuthorised) as caught:
            await desk.search("x")

        assert "username and password" in caught.value.remedy
        assert "wrong" not in f"{caught.value!r}{caught.value}{caught.value.__cause__!r}"


async def test_a_lost_answer_to_a_login_leaves_nothing_unknown():
    async with served(loopback=True) as (desk, stand_in):
        stand_in.faults.plan.append(Fault.CUT_AFTER)
        with pytest.raises(Exception, match="did not answer") as caught:
            await desk.change(TicketRef(id="1", number="1"), Change(act=Act.CLOSE))

        assert not isinstance(caught.value, OutcomeUnknown)


async def test_who_waited_for_a_session_that_could_not_be_had_is_told_so_at_once():
    async with served(loopback=True, timeout=0.3) as (desk, stand_in):
        stand_in.faults.always, stand_in.faults.stall = Fault.STALL, 0.6
        began = time.monotonic()
        raised = await asyncio.gather(*[desk.search("x") for _ in range(8)], return_exceptions=True)
        took = time.monotonic() - began

    assert ({Unavailable}, True) == ({type(error) for error in raised}, took < 4 * 0.3)


async def test_messages_of_a_superoffice_user_are_written_in_their_name_where_that_is_wanted():
    async with served(impersonate=True) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        alex = Person(name="Alex A.", email="alex@example.com")
        ticket = await pair.open()
        await pair.add(ticket, replace(pair.message(), author=alex))
        await pair.add(ticket, replace(pair.message(), author=alex))
        await pair.add(ticket, replace(pair.message(), author=replace(alex, trusted_email=False)))

        assert ["Threadline", "Alex Agent", "Alex Agent", "Threadline"] == [
            message.author for message in (await stand_in.ticket(ticket.id)).messages
        ]
        counts = [stand_in.calls.made.count(name) for name in ("login", "loginAsUser", "findUser")]
        assert [1, 1, 2] == counts  # Ada, the requester, is looked up too, and is no user


async def test_without_that_wish_nobody_is_impersonated():
    async with served() as (desk, stand_in):
        pair = drafts(desk, stand_in)
        await pair.open()

        assert {"findUser", "loginAsUser"}.isdisjoint(stand_in.calls.made)


async def test_a_check_logs_in_and_out_by_itself_and_leaves_the_shared_session_alone():
    async with served() as (desk, stand_in):
        await desk.choices(ChoiceList.PRIORITIES)
        [kept] = stand_in.calls.sessions
        await desk.check()

        assert [kept] == list(stand_in.calls.sessions)
        assert 1 == stand_in.calls.made.count("logout")


def test_no_repr_of_settings_shows_the_password():
    table = {"kind": "superoffice_soap", "url": "https://x.no/soap", "username": "me", "password": "hunter2-canary"}

    assert "canary" not in repr(settings_of(table)) + str(settings_of(table).model_dump())
