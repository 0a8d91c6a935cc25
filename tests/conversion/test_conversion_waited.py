"""What waited among the events of its thread goes to no other ticket than what went straight, and is told like it."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversion.ops import event_op, sweep_op
from bot.slack.events import Events
from bot.slack.routing import Event
from bot.slack.web import Identity
from bot.store.personal import about_person, forget_person
from tests.conversion import test_conversion_parted as parted
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_parted import NOT_SENT, standing, told
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import THREAD

US = Identity(team_id="T1", user_id="U0BOT", bot_id="B0BOT")
two = parted.two


@pytest.fixture(params=["channel", "im"])
async def waiting(request, house, two, monkeypatch):
    """A reply that mentions somebody, handed over a minute ago while its thread had its first ticket."""
    events = Events(identity=US, intake=house.intake)

    async def dispatch(body, link):
        return await events.message(Event(body, link))

    monkeypatch.setattr(house.events, "dispatch", dispatch)
    before = {"created_at": datetime.now(UTC) - timedelta(hours=1), "read_to": THREAD.ts}
    await house.store.links.update(THREAD, lambda link: link.model_copy(update=before))
    ts = f"{time.time() - 60:.6f}"
    event = {"type": "message", "channel": "C1", "user": "U1", "text": "for mine <@U2>", "ts": ts, "event_ts": ts}
    event["channel_type"] = request.param
    op = event_op({"team_id": "T1", "event": event | {"thread_ts": THREAD.ts}})
    assert op
    assert f"in/{THREAD}" == op.lane
    await house.store.lanes.add([op])
    return two


async def link_now(house, ticket, **more):
    """Have the thread go with *ticket* before its events are looked at."""
    (link,) = await house.store.links.find(ticket.number)
    made = {"thread": THREAD, "created_at": datetime.now(UTC), "read_to": "", **more}
    await house.store.links.put(link.model_copy(update=made))


async def done(house):
    for lane in (f"in/{THREAD}", str(THREAD), f"ui/{THREAD}"):
        await idle(house, lane)


async def test_it_goes_to_that_ticket(house, waiting):
    await done(house)

    assert [(False, ["for mine <@U2>"]), (False, [])] == await standing(house)


@pytest.mark.parametrize("waiting", ["channel"], indirect=True)
async def test_where_the_thread_has_no_ticket_any_more_who_wrote_it_is_told(house, waiting):
    await house.intake.unlink(THREAD)

    await done(house)

    assert [(False, []), (False, [])] == await standing(house)
    assert ["This thread has no ticket any more, so your message was not sent to one."] == told(house)


@pytest.mark.parametrize("read", [False, True], ids=["linked", "opened"])
async def test_it_goes_to_no_other_one_that_was_linked_before_its_turn_and_who_wrote_it_is_told(house, waiting, read):
    _, other = waiting
    await house.intake.unlink(THREAD)
    await link_now(house, other, read_to=f"{time.time():.6f}" if read else "")

    await done(house)

    assert [(False, []), (False, [])] == await standing(house)
    why = f"{NOT_SENT} it was for the ticket that this thread had then, not for ticket {other.number}."
    assert [why] == told(house)


async def test_what_was_said_since_that_one_was_linked_goes_there_though_the_clocks_differ(house, waiting):
    _, other = waiting
    await house.intake.unlink(THREAD)
    await link_now(house, other, created_at=datetime.now(UTC) - timedelta(seconds=57))

    await done(house)

    assert [(False, []), (False, ["for mine <@U2>"])] == await standing(house)
    assert [] == told(house)


@pytest.mark.parametrize("text", ["secret", "secret <@U2>"], ids=["straight", "among the events"])
async def test_what_was_forgotten_while_it_waited_is_not_brought_by_a_later_look_at_the_thread(house, two, text):
    ts = f"{time.time():.6f}"
    before = {"created_at": datetime.now(UTC) - timedelta(hours=1), "read_to": THREAD.ts}
    await house.store.links.update(THREAD, lambda link: link.model_copy(update=before))
    event = {"type": "message", "channel": "C1", "user": "U7", "text": text, "ts": ts, "thread_ts": THREAD.ts}
    await house.store.lanes.add([event_op({"team_id": "T1", "event": event})])

    held = await about_person(house.store, "U7")
    assert [] == await forget_person(house.store, "U7", held)
    house.threads.messages = [said(THREAD.ts, "It burns"), said(ts, text)]
    await house.store.lanes.add([sweep_op(THREAD)])
    await idle(house, f"sweep/{THREAD}")
    await done(house)

    assert [(False, []), (False, [])] == await standing(house)
