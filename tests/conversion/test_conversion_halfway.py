"""A message or a thread of which a part is on the ticket already when something of it is edited or deleted."""

from dataclasses import replace

import pytest

from adapters.contract import Reconcile
from adapters.errors import Rejected, Unavailable
from bot.conversion.decisions import Decision, decided
from bot.conversion.delivery import fingerprints
from bot.conversion.records import DeleteMessage, decode
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_edits import _edit
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply


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


async def test_who_adds_the_message_to_the_ticket_again_brings_the_rest(house, short_texts, refusals):
    await opened(house)
    work = await _sent_in_part(house)

    assert (await house.intake.add_message(THREAD, work, anew=True)).new
    await idle(house, str(THREAD))

    text = "\n".join(await _texts(house))
    assert (20, 20) == (text.count("first"), text.count("second"))


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


@pytest.mark.parametrize("reconcile", [Reconcile.EXACT, Reconcile.NONE])
async def test_the_rest_of_what_was_deleted_does_not_follow_and_of_what_is_there_it_is_told(
    house, monkeypatch, short_texts, refusals, reconcile
):
    """The desk can be searched for the part that it has, or only our record of it can be."""
    monkeypatch.setattr(type(house.desk), "reconcile", reconcile)
    await opened(house)
    work = await _sent_in_part(house)

    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous=work.message))
    await idle(house, str(THREAD))
    there = await _texts(house)
    assert ("first" in there[0], "deleted their message" in there[1]) == (True, True)

    (parked,) = await _parked(house)
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
    await idle(house, str(THREAD))
    assert there == await _texts(house)


async def _discarded(house):
    work = await _sent_in_part(house)
    (parked,) = await _parked(house)
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.DISCARD))
    return work


async def test_what_went_of_a_message_before_the_rest_was_discarded_is_taken_off_when_it_is_deleted(
    house, short_texts, refusals
):
    house.desk.settings = house.desk.settings.model_copy(update={"deletions": "redact"})
    await opened(house)
    work = await _discarded(house)
    assert 1 == len(await _texts(house))

    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous=work.message))
    await idle(house, str(THREAD))

    assert [] == await _texts(house)


async def test_an_edit_of_what_was_discarded_when_a_part_was_on_the_ticket_is_told(house, short_texts, refusals):
    await opened(house)
    work = await _discarded(house)

    edit = _edit(work.ts, "all of it anew", work.message["text"], "1800000009.0")
    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await idle(house, str(THREAD))

    assert await _has(house, "all of it anew")


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


@pytest.fixture
async def half_imported(house, monkeypatch):
    """A thread of six messages, of which the first part, with two or three, is on the ticket and the others are not."""
    return await _half_imported(house, monkeypatch, Unavailable("desk", "it does not answer."))


@pytest.fixture
async def half_refused(house, monkeypatch):
    """The same where the desk refuses the others, so that they wait for a decision."""
    messages = await _half_imported(house, monkeypatch, Rejected("desk", "it is too long."))
    await house.until(lambda: house.voice.told)
    return messages


async def _half_imported(house, monkeypatch, error):
    limits = replace(house.desk.limits, body=640)
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))
    messages = [said(f"17000000{n:02}.000100", f"message {n} " + "x" * 60) for n in range(6)]
    house.threads.messages = messages
    failing(house, monkeypatch, "add_message", error)
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: _opened(house))
    return messages


async def _opened(house):
    found = await house.tickets()
    return bool(found) and await house.store.links.get(THREAD) is not None


async def _imported(house):
    """How often each of the six messages is on the ticket."""
    await house.until(lambda: house.voice.cards)
    await idle(house, str(THREAD))
    (ticket,) = await house.tickets()
    text = "\n".join(message.text for message in ticket.messages)
    return [text.count(f"message {number} ") for number in range(6)]


async def test_a_deletion_halfway_through_an_import_moves_nothing_into_a_part_that_was_sent(house, half_imported):
    house.threads.messages = half_imported[:1] + half_imported[2:]

    assert [1] * 6 == await _imported(house)
    assert half_imported[1].ts in await house.store.links.deliveries(THREAD)


async def test_an_edit_halfway_through_an_import_moves_nothing_out_of_a_part_that_was_sent(house, half_imported):
    first = half_imported[0]
    longer = replace(said(first.ts, "message 0 " + "y" * 220), edited="1700000200.0")
    house.threads.messages = [longer, *half_imported[1:]]

    assert [1] * 6 == await _imported(house)
    known = await house.store.links.delivered(THREAD, first.ts)
    assert ("", fingerprints([first])[first.ts]) == (known.edited, known.said)  # so that the edit is still told


async def test_an_edit_halfway_through_an_import_that_outgrows_its_part_goes_on_in_one_more(house, half_imported):
    last = half_imported[-1]
    longer = replace(said(last.ts, "message 5 " + "y" * 300 + " the end"), edited="1700000200.0")
    house.threads.messages = [*half_imported[:-1], longer]

    assert [1] * 6 == await _imported(house)
    (ticket,) = await house.tickets()
    assert ticket.messages[-1].text.count("the end") == 1


@pytest.mark.parametrize("decision", [Decision.AGAIN, Decision.DISCARD])
async def test_what_is_edited_or_deleted_of_a_half_opened_ticket_before_the_rest_is_decided_about_is_told_once(
    house, half_refused, decision
):
    await _edit_and_delete(house, half_refused)
    there = await house.store.links.deliveries(THREAD)

    await _decide(house, decision)

    assert (1, 1) == await _told_of(house)
    assert there == {ts: await house.store.links.delivered(THREAD, ts) for ts in there}


async def test_what_is_edited_or_deleted_of_a_half_opened_ticket_when_the_rest_was_discarded_is_told_once(
    house, half_refused
):
    await _decide(house, Decision.DISCARD)

    await _edit_and_delete(house, half_refused)

    assert (1, 1) == await _told_of(house)
    assert {one.ts for one in half_refused[:2]} <= (await house.store.links.deliveries(THREAD)).keys()


async def test_what_is_edited_or_deleted_of_a_half_opened_ticket_is_told_where_the_desk_does_not_tell_its_messages_id(
    house, monkeypatch
):
    open_ticket = house.desk.open_ticket

    async def tells_less(draft):
        return replace(await open_ticket(draft), first=None)

    monkeypatch.setattr(house.desk, "open_ticket", tells_less)
    messages = await _half_imported(house, monkeypatch, Rejected("desk", "it is too long."))
    await house.until(lambda: house.voice.told)

    await _edit_and_delete(house, messages)

    assert (1, 1) == await _told_of(house)


async def _edit_and_delete(house, messages):
    """Have the first message of a thread edited and the second one deleted."""
    first, second, *rest = messages
    house.threads.messages = [replace(said(first.ts, "all of it anew"), edited="1800000009.0"), *rest]
    edit = _edit(first.ts, "all of it anew", "message 0", "1800000009.0")
    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await house.intake.delete(
        THREAD, DeleteMessage(actor="U1", ts=second.ts, previous=reply(1, "message 1").message | {"ts": second.ts})
    )
    await idle(house, str(THREAD))


async def _decide(house, decision):
    (parked,) = await _parked(house)
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, decision))
    await idle(house, str(THREAD))


async def _told_of(house):
    """How often the ticket is told of that edit, and of that deletion."""
    text = "\n".join(await _texts(house))
    return text.count("all of it anew"), text.count("deleted their message")


async def test_a_ticket_whose_rest_is_refused_is_named_and_shown_in_its_thread(house, monkeypatch):
    """So that everybody sees where replies go from now on, also where the rest is discarded."""
    limits = replace(house.desk.limits, body=400)
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    house.threads.messages = [said(THREAD.ts, "\n\n".join(["first " * 20, "second " * 20]))]

    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.told and house.voice.cards)

    (words,) = [words for _, words, *_ in house.voice.told]
    assert words.startswith("Ticket L-1 was opened, but not all of it is there yet.")


async def test_the_rest_of_a_ticket_that_began_as_a_form_has_no_thread_and_its_number_is_told(house, monkeypatch):
    limits = replace(house.desk.limits, body=400)
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    form = OPEN.model_copy(update={"thread_ts": "", "description": "\n\n".join(["first " * 20, "second " * 20])})

    await house.intake.open_ticket("T1", form, once="view")
    await house.until(lambda: house.voice.told)

    ((_, words, *_),) = house.voice.told
    assert words.startswith("Ticket L-1 was opened, but not all of it is there yet.")
