"""The catalogue: a form never waits longer than its budget, and a desk is asked once."""

import asyncio
from datetime import timedelta

import pytest

from adapters.contract import Capability
from adapters.errors import Unavailable
from adapters.model import Choice, ChoiceList, Field
from bot.conversion.catalogue import Catalogue, Listing, matching

SOON, LONG = timedelta(milliseconds=10), timedelta(seconds=30)
IT, HR = Choice(id="1", label="IT"), Choice(id="2", label="HR")


class ListingDesk:
    def __init__(self, capabilities=frozenset(Capability)):
        self.capabilities = capabilities
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.trouble = None
        self.fields = ()

    def has(self, capability):
        return capability in self.capabilities

    async def choices(self, which, *, department=None):
        self.asked += 1
        await self.answers.wait()
        if self.trouble:
            raise self.trouble
        return (IT, HR)

    async def custom_fields(self, department=None):
        return self.fields


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def desk():
    return ListingDesk()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def catalogue(desk, clock):
    class Desks:
        def get(self, name):
            return desk

        def names(self):
            return ("desk",)

        def for_channel(self, channel):
            return "desk"

    made = Catalogue(Desks(), clock=clock)
    yield made
    await made.aclose()


def departments(catalogue, budget=LONG):
    return catalogue.choices("desk", ChoiceList.DEPARTMENTS, budget=budget)


async def test_a_list_is_asked_for_once_and_then_known_at_once(catalogue, desk):
    first = await departments(catalogue)
    second = await departments(catalogue, timedelta())

    assert Listing((IT, HR)) == first == second
    assert 1 == desk.asked


async def test_fifty_who_ask_at_once_are_one_question(catalogue, desk):
    found = await asyncio.gather(*(departments(catalogue) for _ in range(50)))

    assert [Listing((IT, HR))] * 50 == found
    assert 1 == desk.asked


async def test_a_slow_desk_is_not_waited_for_beyond_the_budget_and_its_answer_is_kept(catalogue, desk):
    desk.answers.clear()

    early = await departments(catalogue, SOON)
    desk.answers.set()
    late = await departments(catalogue)

    assert Listing((), known=False) == early
    assert Listing((IT, HR)) == late
    assert 1 == desk.asked


async def test_an_old_list_is_used_while_the_desk_is_asked_again(catalogue, desk, clock):
    await departments(catalogue)
    clock.now += 3600
    desk.answers.clear()

    old = await departments(catalogue)
    desk.answers.set()

    assert Listing((IT, HR)) == old
    assert 1 <= desk.asked


@pytest.mark.parametrize("trouble", [Unavailable("desk", "it is down."), ValueError("a fault in an adapter")])
async def test_a_desk_that_fails_is_left_alone_for_a_moment_and_then_asked_again(catalogue, desk, clock, trouble):
    desk.trouble = trouble
    failed = [await departments(catalogue) for _ in range(5)]
    asked = desk.asked
    desk.trouble = None
    clock.now += 60

    assert [Listing((), known=False)] * 5 == failed
    assert 1 == asked
    assert Listing((IT, HR)) == await departments(catalogue)


async def test_a_desk_without_such_a_list_is_known_to_have_none(catalogue, desk):
    desk.capabilities = frozenset()

    assert Listing() == await departments(catalogue)
    assert Listing() == await catalogue.fields("desk", budget=LONG)
    assert 0 == desk.asked


async def test_fields_of_other_departments_are_left_out(catalogue, desk):
    everywhere, only_it = Field(key="a", label="A"), Field(key="b", label="B", departments=frozenset({"1"}))
    desk.fields = (everywhere, only_it)

    assert (everywhere,) == (await catalogue.fields("desk", budget=LONG)).items
    assert (everywhere, only_it) == (await catalogue.fields("desk", department="1", budget=LONG)).items


def test_what_begins_with_the_words_comes_first():
    choices = [Choice(id=str(number), label=label) for number, label in enumerate(["Post IT", "it", "HR", "IT desk"])]

    assert ["it", "IT desk", "Post IT"] == [choice.label for choice in matching(choices, " it ")]
    assert 2 == len(matching(choices, "", limit=2))
