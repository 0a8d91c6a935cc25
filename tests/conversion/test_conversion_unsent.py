"""What was edited or deleted before its ticket had it: the ticket gets the last version, or nothing."""

import asyncio
import time

import pytest

from adapters.errors import OutcomeUnknown, Rejected, Unavailable
from bot.conversion.decisions import Decision, decided, written
from bot.conversion.ops import perhaps_done
from bot.conversion.records import AddMessage, DeleteMessage
from bot.conversion.verdicts import CRASHES
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_edits import _edit
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply

SECRET = "the password is hunter2"


async def changed(house, work, what):
    """What Slack hands over when somebody takes back what they wrote."""
    if what == "deleted":
        return await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous=work.message))
    later = f"{time.time():.6f}"
    return await house.intake.edit(THREAD, _edit(work.ts, "sorry", SECRET, later), change=later)


def just_now(text):
    """A message of this moment: what follows from it is later than it."""
    ts = f"{time.time():.6f}"
    return AddMessage(actor="U1", ts=ts, message={"ts": ts, "user": "U1", "text": text}, mirrored=True)


async def parked(house):
    return [one async for one in house.store.lanes.parked()]


async def texts(house):
    """All that stands on the ticket behind its opening."""
    await idle(house, str(THREAD))
    (ticket,) = await house.tickets()
    return [message.text for message in ticket.messages[1:]]


def _in_slack(house, work, what):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    if what == "edited":
        house.threads.messages.append(said(work.ts, "sorry"))


@pytest.fixture
def tries(house, monkeypatch, quick_settle):
    """Has the first try to send something fail."""
    return lambda error: failing(house, monkeypatch, "add_message", error)


@pytest.mark.parametrize("error", [Unavailable("desk", "is down"), OutcomeUnknown("desk", "broke off")])
@pytest.mark.parametrize(("what", "there"), [("deleted", []), ("edited", ["sorry"])])
async def test_after_a_failed_try_nothing_of_the_old_text_reaches_the_ticket(house, tries, error, what, there):
    await opened(house)
    tries(error)
    work = just_now(SECRET)
    await house.intake.mirror(THREAD, work)

    async def failed():
        return '"attempts":1' in (await house.store.lanes.peek(str(THREAD), f"msg:T1:C1:{work.ts}") or "")

    await house.until(failed)
    _in_slack(house, work, what)
    await changed(house, work, what)

    assert there == await texts(house)


@pytest.mark.parametrize(("what", "there"), [("deleted", []), ("edited", ["sorry"])])
async def test_while_it_is_asked_how_a_closed_ticket_goes_on_a_reply_can_be_taken_back(house, what, there):
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "ask"})
    await house.agents.set_closed((await opened(house)).id, closed=True)
    work = just_now(SECRET)
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: parked(house))

    _in_slack(house, work, what)
    await changed(house, work, what)
    for one in await parked(house):
        assert one.held
        await house.store.lanes.unpark(one.lane, one.id, decided(one.payload, Decision.REOPEN))

    assert there == await texts(house)


@pytest.fixture
def picky(house, monkeypatch):
    """The first lines of what the desk was sent; it refuses what has the secret in it."""
    real, sent = house.desk.add_message, []

    async def add(ticket, draft):
        sent.append(draft.body.plain.splitlines()[0])
        if SECRET in draft.body.plain:
            raise Rejected("desk", "it may not say that.")
        return await real(ticket, draft)

    monkeypatch.setattr(house.desk, "add_message", add)
    return sent


@pytest.mark.parametrize(("closed", "doubt"), [("reopen", False), ("ask", False), ("reopen", True)])
async def test_an_edit_puts_right_what_was_refused_whatever_was_done_for_it_before(house, picky, closed, doubt):
    """The ticket was opened again for it, by a rule or an answer; or it was in doubt after a restart of the store."""
    house.desk.settings = house.desk.settings.model_copy(update={"closed": closed})
    await house.agents.set_closed((await opened(house)).id, closed=not doubt)
    work = just_now(SECRET)
    with perhaps_done(time.time() if doubt else 0.0):
        await house.intake.mirror(THREAD, work)
    if closed == "ask":
        await house.until(lambda: parked(house))
        (asked,) = await parked(house)
        await house.store.lanes.unpark(asked.lane, asked.id, decided(asked.payload, Decision.REOPEN))
    await house.until(lambda: house.voice.told)
    (refused,) = await parked(house)
    assert written(refused.payload)

    _in_slack(house, work, "edited")
    await changed(house, work, "edited")

    assert ["sorry"] == await texts(house)
    assert [SECRET, "sorry"] == picky


async def test_the_answer_how_a_closed_ticket_goes_on_holds_for_what_is_put_right(house, monkeypatch):
    """The follow-up that it asked for was refused; the ticket is closed still."""
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "ask"})
    await house.agents.set_closed((await opened(house)).id, closed=True)
    failing(house, monkeypatch, "open_ticket", Rejected("desk", "it may not say that."))
    work = just_now(SECRET)
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: parked(house))
    (asked,) = await parked(house)
    await house.store.lanes.unpark(asked.lane, asked.id, decided(asked.payload, Decision.NEW))
    await house.until(lambda: house.voice.told)

    await changed(house, work, "edited")
    await idle(house, str(THREAD))

    _, follower = await house.tickets()
    assert "sorry" in follower.messages[0].text


@pytest.mark.parametrize(("what", "there"), [("deleted", []), ("edited", ["sorry"])])
async def test_what_is_taken_back_while_its_ticket_is_opened_again_does_not_reach_it(house, monkeypatch, what, there):
    await house.agents.set_closed((await opened(house)).id, closed=True)
    real, work = house.desk.change, just_now(SECRET)
    _in_slack(house, work, what)

    async def slow(*args):
        await changed(house, work, what)
        return await real(*args)

    monkeypatch.setattr(house.desk, "change", slow)
    await house.intake.mirror(THREAD, work)

    assert there == await texts(house)


async def test_an_edit_of_what_waits_leaves_it_what_it_was(house, monkeypatch):
    """What was only said in a thread whose ticket takes what is marked stays out of it, typing mistake or not."""
    house.desk.settings = house.desk.settings.model_copy(update={"mirror": "marked"})
    house.threads.messages = [said(THREAD.ts, "It burns")]
    failing(house, monkeypatch, "open_ticket", Unavailable("desk", "is down"))
    await house.intake.open_ticket("T1", OPEN, once="view")
    work = reply(1, "between us, he never payss")
    await house.intake.mirror(THREAD, work.model_copy(update={"mirrored": True}))
    edit = _edit(work.ts, "between us, he never pays", "between us, he never payss", "1800000009.0")
    await house.intake.edit(THREAD, edit, change="1800000009.1")

    await house.until(lambda: house.voice.cards)

    assert [] == await texts(house)


async def test_a_message_that_kills_each_worker_before_anything_is_written_down_is_set_aside(house):
    await opened(house)
    await house.intake.mirror(THREAD, reply(1))
    for _ in range(CRASHES):
        (lease,) = await claimed(house)
        await house.store.lanes.head(lease)  # and nobody hears of that worker any more
    await house.until(lambda: house.voice.told)

    assert "Threadline broke off several times while it worked on this." in house.voice.told[0][1]


async def claimed(house):
    async with asyncio.timeout(20):
        while True:
            if leases := await house.store.lanes.claim(1):
                return leases
            await asyncio.sleep(0.02)


@pytest.fixture
def meanwhile(house, monkeypatch):
    """Has something happen during the first call of a method of the desk, which fails where *error* is given."""

    def during(method, happens, *, error=None):
        real, first = getattr(house.desk, method), [True]

        async def call(*args):
            if first:
                first.clear()
                await happens()
                if error:
                    raise error
            return await real(*args)

        monkeypatch.setattr(house.desk, method, call)

    return during


@pytest.mark.parametrize(("what", "there"), [("deleted", []), ("edited", ["sorry"])])
async def test_what_is_taken_back_while_its_try_is_refused_is_not_set_aside_with_the_old_text(
    house, meanwhile, what, there
):
    await opened(house)
    work = just_now(SECRET)
    _in_slack(house, work, what)
    meanwhile("add_message", lambda: changed(house, work, what), error=Rejected("desk", "it may not say that."))
    await house.intake.mirror(THREAD, work)

    assert there == await texts(house)
    assert ([], []) == (house.voice.told, await parked(house))


@pytest.mark.parametrize(("what", "asked"), [("deleted", 0), ("edited", 1)])
async def test_nobody_is_asked_about_the_old_text_of_what_is_taken_back_while_its_ticket_is_looked_at(
    house, meanwhile, what, asked
):
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "ask"})
    await house.agents.set_closed((await opened(house)).id, closed=True)
    work = just_now(SECRET)
    _in_slack(house, work, what)
    meanwhile("get_ticket", lambda: changed(house, work, what))
    await house.intake.mirror(THREAD, work)
    later = just_now("note: for the file")  # which needs no answer, so that all before it is over when it is there
    await house.intake.mirror(THREAD, later)

    await house.until(lambda: _over(house, later))

    waits = [one.payload for one in await parked(house)]
    assert (asked, asked) == (len(waits), len(house.voice.posted))
    assert not any(SECRET in payload for payload in waits)


async def _over(house, work):
    asked = any(one.held for one in await parked(house)) and house.voice.posted
    return asked or (work.ts, "delivered") in house.voice.receipts


@pytest.mark.parametrize("held_up", ["find_parked", "peek"])
async def test_an_edit_that_is_stored_when_its_message_was_just_set_aside_puts_it_right(
    house, picky, monkeypatch, held_up
):
    """It was looked for in its lane, or among what is parked, a moment too early."""
    await opened(house)
    work = just_now(SECRET)
    _in_slack(house, work, "edited")
    await house.intake.mirror(THREAD, work)
    real = getattr(house.store.lanes, held_up)

    async def before_it_is_parked(*args):
        found = await real(*args)
        if not house.voice.told:
            monkeypatch.setattr(house.store.lanes, held_up, real)
            await house.until(lambda: house.voice.told)
        return found

    monkeypatch.setattr(house.store.lanes, held_up, before_it_is_parked)
    await changed(house, work, "edited")

    assert ["sorry"] == await texts(house)
