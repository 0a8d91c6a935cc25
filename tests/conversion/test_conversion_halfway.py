"""A message of which a part is on the ticket already when it is edited."""

from dataclasses import replace

import pytest

from adapters.errors import Rejected
from bot.conversion.decisions import Decision, decided
from bot.conversion.records import decode
from tests.conversion.test_conversion_edits import _edit
from tests.conversion.test_conversion_worker import THREAD, opened, reply


@pytest.fixture
def short_texts(monkeypatch, house):
    """A desk that takes so little in one message that a longer one needs two."""
    limits = replace(house.desk.limits, body=400)
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))


async def _texts(house):
    (ticket,) = await house.tickets()
    return [message.text for message in ticket.messages[1:]]


@pytest.fixture
def refusals(house, monkeypatch):
    """The numbers of the calls that the desk refuses."""
    real, calls, refused = house.desk.add_message, [], {2}

    async def second_refused(ticket, draft):
        calls.append(draft.marker)
        if len(calls) in refused:
            raise Rejected("desk", "the second part is not to its liking.")
        return await real(ticket, draft)

    monkeypatch.setattr(house.desk, "add_message", second_refused)
    return refused


async def _sent_in_part(house):
    """A message of two parts whose second one waits for a decision."""
    work = reply(1, "\n\n".join(["first " * 20, "second " * 20]))
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.told)
    return work


async def test_an_edit_brings_the_rest_and_then_the_edit(house, short_texts, refusals):
    await opened(house)
    work = await _sent_in_part(house)
    edit = _edit(work.ts, "all of it anew", work.message["text"], "1800000009.0")

    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await house.until(lambda: _has(house, "all of it anew"))

    await _is_whole_with_its_edit(house)


async def test_an_edit_that_did_not_help_is_told_when_the_rest_went_in_the_end(house, short_texts, refusals):
    await opened(house)
    work = await _sent_in_part(house)
    refusals.add(3)
    edit = _edit(work.ts, "all of it anew", work.message["text"], "1800000009.0")

    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await house.until(lambda: _is_parked_anew(house))
    (parked,) = await _parked(house)
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
    await house.until(lambda: _has(house, "all of it anew"))

    await _is_whole_with_its_edit(house)


async def _is_whole_with_its_edit(house):
    first, second, note = await _texts(house)
    assert ("first" in first, "second" in second) == (True, True)
    assert "It now reads" in note
    assert 1 == note.count("all of it anew")


async def _parked(house):
    return [parked async for parked in house.store.lanes.parked()]


async def _is_parked_anew(house):
    return ["1800000009.1"] == [
        getattr(decode(parked.payload).work, "newer_edited", "") for parked in await _parked(house)
    ]


async def _has(house, words):
    return any(words in text for text in await _texts(house))
