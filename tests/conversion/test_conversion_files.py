"""A file that cannot be had is named, both ways; what stands behind it goes on, and people hear of the wait."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.errors import NotFound, Unavailable, UnexpectedReply
from bot.conversion.delivery import FETCHES
from bot.conversion.ports import SlackFile, SlackRefused, SlackTrouble
from bot.conversion.pull import FETCHES as ATTACHMENTS
from bot.conversion.text.plain import to_plain
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_pull import pulled
from tests.conversion.test_conversion_worker import THREAD, opened, reply

GUIDE = (("guide.pdf", b"%PDF"),)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Nobody waits for long between two tries."""
    moment = (timedelta(milliseconds=5), timedelta(milliseconds=10))
    monkeypatch.setattr("bot.conversion.verdicts.FAST", moment)
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", moment[1])


def _said(house):
    return [to_plain(post.document) for post in house.voice.posted.values()]


async def _two_answers(house, file=GUIDE):
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "See the file", files=file)
    await house.agents.reply(ticket.id, "And then restart")


# --- from the desk ----------------------------------------------------------------------------------------------------


async def test_an_empty_file_is_named_since_slack_takes_none(house):
    await _two_answers(house, (("empty.txt", b""),))

    await pulled(house)

    named = "empty.txt is on the ticket and was not brought here: it is empty."
    assert (["See the file", named, "And then restart"], []) == (_said(house), house.voice.uploads)


async def test_a_file_that_slack_does_not_take_is_named_and_the_answers_behind_it_come(house, monkeypatch):
    async def refused(*_args):
        raise SlackRefused("file_type_not_allowed", "this workspace does not take such files.")

    monkeypatch.setattr(house.voice, "upload", refused)
    await _two_answers(house)

    await pulled(house)

    named = "guide.pdf is on the ticket and was not brought here: this workspace does not take such files."
    assert ["See the file", named, "And then restart"] == _said(house)


async def test_how_often_a_desk_has_us_wait_for_a_file_does_not_count(house, monkeypatch):
    attachment, asked = house.desk.attachment, []

    async def busy(*args, **more):
        asked.append(args)
        if len(asked) <= 2:
            raise Unavailable("desk", "it asks us to slow down.", retry_after=timedelta(milliseconds=1))
        return await attachment(*args, **more)

    monkeypatch.setattr(house.desk, "attachment", busy)
    monkeypatch.setattr("bot.conversion.pull.FETCHES", 2)
    await _two_answers(house)

    await pulled(house)

    assert (["See the file", "And then restart"], list(GUIDE)) == (_said(house), house.voice.uploads)


async def test_a_file_comes_when_the_channel_that_did_not_take_it_does_again(house, monkeypatch):
    upload, post, tries = house.voice.upload, house.voice.post, []

    async def refused(*args, **more):
        tries.append(args)
        if len(tries) in {2, 3}:  # the file, and the post that would name it
            raise SlackRefused("is_archived", "That channel is archived.")
        return await (upload if isinstance(args[-1], bytes) else post)(*args, **more)

    monkeypatch.setattr(house.voice, "upload", refused)
    monkeypatch.setattr(house.voice, "post", refused)
    await _two_answers(house)

    await pulled(house)

    assert (["See the file", "And then restart"], list(GUIDE)) == (_said(house), house.voice.uploads)


@pytest.mark.parametrize(
    ("error", "tries"),
    [(NotFound("desk", "it is gone."), 1), (UnexpectedReply("desk", "that is no file."), ATTACHMENTS)],
)
async def test_a_file_that_the_desk_does_not_give_is_named_and_the_answers_behind_it_come(
    house, monkeypatch, error, tries
):
    asked = []

    async def broken(*args, **_more):
        asked.append(args)
        raise error

    monkeypatch.setattr(house.desk, "attachment", broken)
    await _two_answers(house)

    await pulled(house)

    named = f"guide.pdf is on the ticket and was not brought here: {error.cause}"
    assert (["See the file", named, "And then restart"], tries) == (_said(house), len(asked))


# --- to the desk ------------------------------------------------------------------------------------------------------


async def _with_a_file(house, monkeypatch, errors):
    """Have a message with a file, for which Slack raises *errors* one after the other, and another behind it."""
    asked, fetch = [], house.threads.fetch
    house.threads.files["F1"] = b"%PDF"
    errors = iter(errors)

    async def broken(file, folder, *, limit):
        asked.append(file)
        if error := next(errors, None):
            raise error
        return await fetch(file, folder, limit=limit)

    async def understand(message, _channel):
        files = (SlackFile(id="F1", name="plan.pdf", size=4),) if message["text"] == "the plan" else ()
        return replace(said(message["ts"], message["text"]), files=files)

    monkeypatch.setattr(house.threads, "fetch", broken)
    monkeypatch.setattr(house.threads, "understand", understand)
    await opened(house)
    house.voice.updates.clear()
    for number, text in enumerate(("the plan", "is it right?"), start=1):
        await house.intake.mirror(THREAD, reply(number, text))
    return asked


async def test_a_file_that_slack_does_not_give_is_named_in_the_end_and_people_hear_of_the_wait_once(house, monkeypatch):
    asked = await _with_a_file(house, monkeypatch, itertools.repeat(SlackTrouble("http_500")))

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert (FETCHES, [0, 0]) == (len(asked), [len(message.files) for message in ticket.messages[1:]])
    assert "Not attached: plan.pdf" in ticket.messages[1].text
    assert "is it right?" == ticket.messages[2].text
    link = await house.store.links.get(THREAD)
    assert (f"plan.pdf: it could not be fetched, although that was tried {FETCHES} times.",) == link.left_out
    notes = [card.note for card in house.voice.updates if card.note]
    assert [True] == [note.startswith("Slack does not hand over a file that belongs to it. Since ") for note in notes]
    assert [("1800000001.000100", "waiting"), ("1800000001.000100", "delivered")] == house.voice.receipts[:2]


async def test_how_often_slack_has_us_wait_for_a_file_does_not_count(house, monkeypatch):
    busy = SlackTrouble("ratelimited", retry_after=timedelta(milliseconds=1))
    await _with_a_file(house, monkeypatch, [busy] * (FETCHES + 1))

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert ["plan.pdf"] == [file.name for file in ticket.messages[1].files]


async def test_a_desk_that_is_away_after_slack_was_is_told_of(house, monkeypatch):
    """The first failures were Slack's, and at the time of the second nobody can be told; later they can."""
    told = []
    add_message = house.desk.add_message

    async def away(*args):
        told.append(args)
        if len(told) < 3:
            raise Unavailable("desk", "The desk does not answer.")
        return await add_message(*args)

    monkeypatch.setattr(house.desk, "add_message", away)
    await _with_a_file(house, monkeypatch, [SlackTrouble("http_500")])

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    notes = [card.note for card in house.voice.updates if card.note]
    assert 1 == len(notes)
    assert "The desk does not answer." in notes[0]
