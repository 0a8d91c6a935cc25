"""A requester becomes a customer of SuperOffice in two calls: whatever happens between them, it is one customer."""

import pytest

from adapters.errors import OutcomeUnknown, Rejected
from adapters.model import Person
from adapters.shared import InProcess
from bot.sandbox.faults import Fault
from tests.adapters.superoffice_soap_served import served

EVE = Person(name="Eve Adams", email="eve@example.net")


async def test_a_customer_whose_name_was_refused_is_filled_by_the_next_try_and_not_made_again():
    async with served(create_requesters=True, shared=InProcess()) as (desk, stand_in):
        before = set(stand_in.site.customers)
        stand_in.calls.fail["setCustomer"] = 7
        for _ in range(2):
            with pytest.raises(Rejected):
                await desk.create_requester(EVE)
        stand_in.calls.fail.clear()
        made = await desk.create_requester(EVE)

        assert {made.desk_id} == set(stand_in.site.customers) - before
        assert made == await desk.find_requester("eve@example.net")


async def test_a_customer_whose_name_got_lost_on_its_way_is_not_made_again():
    async with served(create_requesters=True, loopback=True) as (desk, stand_in):
        await desk.find_requester("eve@example.net")
        before = set(stand_in.site.customers)
        stand_in.faults.plan += [None, Fault.CUT_AFTER]
        with pytest.raises(OutcomeUnknown):
            await desk.create_requester(EVE)
        made = await desk.create_requester(EVE)

        assert {made.desk_id} == set(stand_in.site.customers) - before


async def test_each_person_is_a_customer_of_their_own():
    async with served(create_requesters=True) as (desk, stand_in):
        before = len(stand_in.site.customers)
        first = await desk.create_requester(EVE)
        second = await desk.create_requester(Person(name="Grace Hopper", email="grace@example.net"))
        third = await desk.create_requester(EVE)

        assert 3 == len({first.desk_id, second.desk_id, third.desk_id})
        assert before + 3 == len(stand_in.site.customers)


async def test_a_customer_without_a_name_that_was_deleted_meanwhile_is_made_anew():
    async with served(create_requesters=True) as (desk, stand_in):
        before = set(stand_in.site.customers)
        stand_in.calls.fail["setCustomer"] = 7
        with pytest.raises(Rejected):
            await desk.create_requester(EVE)
        (gone,) = set(stand_in.site.customers) - before
        del stand_in.site.customers[gone]
        stand_in.calls.fail.clear()
        with pytest.raises(Rejected, match="no such customer"):
            await desk.create_requester(EVE)

        assert gone != (await desk.create_requester(EVE)).desk_id


async def test_a_new_customer_without_a_number_is_looked_for(monkeypatch: pytest.MonkeyPatch):
    async with served(create_requesters=True) as (desk, stand_in):
        monkeypatch.setattr(stand_in.calls, "_new_customer", lambda *_: {"customerId": ""})
        with pytest.raises(OutcomeUnknown):
            await desk.create_requester(EVE)
