"""A desk that cannot be searched, and a store's server that began another run: how often a person is asked."""

import re
import time
from pathlib import Path

import pytest

from adapters.contract import Reconcile
from adapters.errors import OutcomeUnknown, UnsupportedFeature
from bot.conversion.decisions import Decision, decided
from bot.conversion.records import DeleteMessage
from bot.slack.views.notices import question
from bot.store.keys import shard_of
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply

PAGE = Path(__file__).parents[2] / "docs/adapters/keliweb.md"


async def another_run(house, *, ago=60):
    """What stands in the thread's lane was stored in an earlier run of the server, which began so many seconds ago."""
    shard, do = shard_of(str(THREAD), house.store.lanes._shards), house.store.connection.do
    for field, record in (await do("HGETALL", shard.key("ops"))).items():
        await do("HSET", shard.key("ops"), field, "abc" + record[record.index("|") :])
    await do("HSET", shard.key("epoch"), str(THREAD), "abc")
    for run in await do("HKEYS", shard.key("runs")):
        await do("HSET", shard.key("runs"), run, int(time.time()) - ago)


@pytest.mark.parametrize(("answer", "questions"), [(Decision.AGAIN, 1), (Decision.THERE, 3)])
async def test_who_says_that_the_first_is_not_there_is_not_asked_about_what_follows(
    house, monkeypatch, answer, questions
):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    for number in (1, 2, 3):
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))
    await another_run(house)
    asked = []

    async def answered():
        async for parked in house.store.lanes.parked():
            asked.append(parked.id)
            await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, answer))
        return len(house.voice.receipts) == 3

    await house.until(answered)

    assert questions == len(asked)
    (ticket,) = await house.tickets()
    sent = [] if answer is Decision.THERE else ["reply 1", "reply 2", "reply 3"]
    assert sent == [message.text.splitlines()[0] for message in ticket.messages[1:]]


async def test_who_has_answered_is_asked_and_told_once_more_where_the_server_restarted_before_it_was_done(
    house, monkeypatch
):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    await house.intake.mirror(THREAD, reply(1, "reply 1"))
    await another_run(house, ago=200)
    await house.until(lambda: house.voice.told)
    (parked,) = [parked async for parked in house.store.lanes.parked()]
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))

    await another_run(house, ago=100)
    await house.until(lambda: len(house.voice.told) == 2)

    assert [parked.id] == [again.id async for again in house.store.lanes.parked()]


async def test_what_was_said_since_the_server_began_another_run_is_nobodys_question(house, monkeypatch):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    await house.intake.mirror(THREAD, reply(1, "reply 1"))
    since = time.time() - 60
    house.threads.messages += [said(f"{since + ago:.6f}", f"said {ago}") for ago in (-20, 20, 30)]
    house.threads.messages.sort(key=lambda message: message.ts)
    await another_run(house, ago=60)
    asked = []

    async def answered():
        async for parked in house.store.lanes.parked():
            asked.append(parked.id)
            await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
        return len(house.voice.receipts) == 4

    await house.until(answered)

    assert 2 == len(asked)


async def test_keliwebs_page_has_the_question_and_its_buttons_in_the_words_that_people_read(house, monkeypatch):
    page = re.sub(r"\s+", " ", PAGE.read_text().replace("\n> ", " "))
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    house.desk.settings = house.desk.settings.model_copy(update={"title": "Keliweb"})
    await house.intake.mirror(THREAD, reply(1, "reply 1"))
    await another_run(house)

    await house.until(lambda: house.voice.told)

    ((_, words, _),) = house.voice.told
    asked = [(one["text"]["text"], one.get("confirm")) for one in question("lane|op")]
    rows = [
        f"| {label} | {first['title']['text']} {first['text']['text']} |" if first else f"| {label} | |"
        for label, first in asked
    ]
    assert [] == [text for text in (words, *rows) if text not in page]


def answer_is_lost(house, monkeypatch, desk):
    """Have the answer of *desk* to the opening of a ticket be lost, where none can be searched for it."""
    monkeypatch.setattr(type(desk), "reconcile", Reconcile.NONE)
    blind = UnsupportedFeature(desk.name, "it has no search.")
    failing(house, monkeypatch, "find_ticket", blind, blind, desk=desk)
    failing(house, monkeypatch, "open_ticket", OutcomeUnknown(desk.name, "it broke off"), after=True, desk=desk)


async def say_that_it_is_there(house):
    """What they who were asked are told when they have said that it is there."""
    await house.until(lambda: house.voice.told)
    (parked,) = [parked async for parked in house.store.lanes.parked()]
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.THERE))
    await house.until(lambda: len(house.voice.told) == 2)
    return house.voice.told[-1][1]


@pytest.mark.usefixtures("quick_settle")
async def test_who_says_that_a_new_ticket_is_there_is_told_how_to_link_it(house, monkeypatch):
    answer_is_lost(house, monkeypatch, house.desk)
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")

    told = await say_that_it_is_there(house)

    assert 1 == len(await house.tickets())
    assert "write @Threadline link NUMBER in the thread" in told


@pytest.mark.usefixtures("quick_settle")
async def test_who_says_that_a_follow_up_is_there_is_told_how_to_link_it_and_what_it_began_with_counts_as_delivered(
    house, monkeypatch
):
    old = await opened(house)
    await house.agents.set_closed(old.id, closed=True)
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "new"})
    answer_is_lost(house, monkeypatch, house.desk)
    await house.intake.mirror(THREAD, reply(1, "It burns again"))

    told = await say_that_it_is_there(house)
    await house.until(lambda: house.voice.receipts)

    assert (
        "The new ticket is there, but its number is not known here, so this thread stays with ticket L-1. To have it "
        "go on with the new one, write @Threadline unlink and then @Threadline link desk:NUMBER in the thread."
    ) == told
    assert reply(1).ts in await house.store.links.deliveries(THREAD)


@pytest.mark.usefixtures("quick_settle")
@pytest.mark.parametrize("reached", [True, False])
async def test_who_deletes_what_may_have_reached_a_desk_that_cannot_be_searched_is_told_so_once(
    house, monkeypatch, reached
):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    house.desk.settings = house.desk.settings.model_copy(update={"title": "Keliweb"})
    work, add_message = reply(1, "my password"), house.desk.add_message

    async def unknown(*args):
        if reached:
            await add_message(*args)
        await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous=work.message))
        raise OutcomeUnknown("desk", "it did not answer.")

    monkeypatch.setattr(house.desk, "add_message", unknown)
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.told)

    number = (await house.store.links.get(THREAD)).number
    words = (
        f"A message that was deleted here may be on ticket {number} all the same: Keliweb did not answer when it was "
        "sent, and cannot be searched for it. Please look there."
    )
    assert [("U1", words, "")] == house.voice.told
