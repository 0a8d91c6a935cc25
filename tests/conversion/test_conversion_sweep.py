"""What Slack never delivered is found in the thread, whatever the clock of this machine says."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.conversion import tickets
from bot.conversion.decisions import Decision, decided
from bot.conversion.intake import BETWEEN_SWEEPS, Intake
from bot.conversion.ops import event_op, missed_op, sweep_op
from bot.conversion.ports import Added
from bot.conversion.records import AddMessage, EditMessage, Link, OpenTicket, ThreadKey, decode
from tests.conversion.slack_fakes import BEN, said
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply

LATER = "1700000100.000100"


async def on_ticket(house, text):
    (ticket,) = await house.tickets()
    return sum(text in message.text for message in ticket.messages)


async def swept(house):
    for _ in range(2):
        await house.intake.sweep()

        async def idle():
            lanes = [str(THREAD), f"sweep/{THREAD}", f"in/{THREAD}"]
            return not sum([await house.store.lanes.waiting(lane) for lane in lanes])

        await house.until(idle)


async def test_a_clock_that_is_ahead_of_slacks_hides_nothing(house, monkeypatch):
    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=4)

    monkeypatch.setattr(tickets, "datetime", Ahead)
    await opened(house)
    house.threads.messages = [*house.threads.messages, said(LATER, "nobody heard me", BEN)]

    await swept(house)

    assert 1 == await on_ticket(house, "nobody heard me")


def wished(text, *, ago, sends=True):
    """A message that begins with our name, said so many seconds ago."""
    message = replace(said(f"{time.time() - ago:.6f}", text), wish=True)
    raw = {"ts": message.ts, "text": f"<@UBOT> {text}", "user": "U1", "thread_ts": THREAD.ts}
    return replace(message, sends=raw if sends else None)


async def test_what_a_verb_sends_to_the_ticket_and_slack_never_delivered_is_handed_on_as_its_event(house):
    """As it would have come, so that it is asked as then whether its author may; other wishes are not done late."""
    await opened(house)
    link = await house.store.links.get(THREAD)
    await house.store.links.update(THREAD, lambda _: link.model_copy(update={"read_to": "1.0"}))
    note, brought = wished("note it is the fuse", ago=2), wished("note it is the lamp", ago=3)
    old, close = wished("note too late", ago=7 * 24 * 3600), wished("close", ago=1, sends=False)
    house.threads.messages = [*house.threads.messages, old, brought, note, close]
    work = AddMessage(actor="U1", ts=brought.ts, message={"ts": brought.ts, "text": "it is the lamp"})
    await house.intake.add_message(THREAD, work)
    await house.until(lambda: house.voice.receipts)

    await swept(house)

    event = {"type": "app_mention", "channel": THREAD.channel, **note.sends}
    assert [{"team_id": THREAD.team, "event": event}] == house.events.bodies
    assert [Added.DUPLICATE] == await house.store.lanes.add([event_op(house.events.bodies[0])])


async def test_what_it_sent_perhaps_before_the_store_forgot_it_is_looked_for_first(house):
    wish = wished("note it is the fuse", ago=2).sends

    op = missed_op(THREAD, wish, doubt=1.0)

    assert (True, 1.0) == (op.begun, decode(op.payload).progress.verify)
    assert (op.lane, op.id, op.order) == missed_op(THREAD, wish, doubt=0.0)[:3]


async def test_replies_to_a_card_that_began_its_thread_are_found_whatever_the_clock_says(house):
    house.threads.messages = []
    await house.intake.open_ticket("T1", OpenTicket(desk="desk", actor="U1", channel="C1", subject="Fire"), once="v")
    await house.until(lambda: house.voice.cards)
    (thread,) = [link.thread async for link in house.store.links.all()]
    link = await house.store.links.get(thread)

    assert thread.ts == link.read_to


async def test_what_was_said_between_a_wish_for_a_ticket_and_its_storing_goes_to_it_in_order(house):
    """Its event came when the thread had no ticket and nobody knew of one to come, as where the store was slow."""
    between = said("1800000050.000100", "said between the two", BEN)
    house.threads.messages = [said(THREAD.ts, "It burns"), between]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.mirror(THREAD, reply(60, "said after both"))

    async def all_there():
        return await house.tickets() and await on_ticket(house, "said after both")

    await house.until(all_there)

    (ticket,) = await house.tickets()
    assert ["said between the two", "said after both"] == [message.text for message in ticket.messages[1:]]


async def test_what_was_deleted_before_there_was_a_link_is_not_sent_when_slack_hands_it_over_again(house):
    """Nobody listened for its deletion then."""
    await opened(house)
    kept, gone = (f"{time.time() - seconds:.6f}" for seconds in (1, 2))
    house.threads.messages = [*house.threads.messages, said(kept, "still there", BEN)]
    for ts, text in ((gone, "long gone"), (kept, "still there")):
        work = AddMessage(actor=BEN.id, ts=ts, message={"ts": ts, "text": text}, mirrored=True)
        await house.intake.mirror(THREAD, work)

    async def there():
        return await on_ticket(house, "still there")

    await house.until(there)

    assert 0 == await on_ticket(house, "long gone")


async def test_what_was_left_out_of_the_ticket_stays_out(house):
    """Only the later half was chosen: what stands before it is not found by a sweep."""
    first, second = said(THREAD.ts, "lunch?"), said(LATER, "It burns", BEN)
    house.threads.messages = [first, second]
    await opened(house, OPEN.model_copy(update={"from_ts": LATER}))
    house.threads.messages = [first, second, replace(first, ts="1700000200.000100")]

    await swept(house)

    assert (1, 1) == (await on_ticket(house, "lunch?"), await on_ticket(house, "It burns"))


async def test_what_a_sweep_finds_does_not_overtake_an_earlier_message_whose_event_waits(house, monkeypatch):
    """The earlier one was deleted before Slack was read, so that only its event knows of it."""
    await opened(house)
    earlier = {"ts": "4000000000.000100", "text": "the earlier one", "user": "U1", "thread_ts": THREAD.ts}
    house.threads.messages = [*house.threads.messages, said("4000000001.000100", "the later one", BEN)]
    event = {"type": "message", "channel": THREAD.channel, **earlier}
    body = {"type": "event_callback", "team_id": THREAD.team, "event_id": "Ev1", "event": event}
    read = house.threads.read
    handed_over: list[Added] = []

    async def seen(thread):
        if not handed_over:  # at the worst moment: after it was looked whether one waits
            handed_over.extend(await house.rooms.lanes.add([event_op(body)]))
        return await read(thread)

    async def dispatch(_body, _link):
        await asyncio.sleep(0.2)  # long enough for what was found to go
        await house.intake.mirror(THREAD, AddMessage(actor="U1", ts=earlier["ts"], message=earlier, mirrored=True))

    monkeypatch.setattr(house.threads, "read", seen)
    monkeypatch.setattr(house.events, "dispatch", dispatch)
    await house.rooms.lanes.add([sweep_op(THREAD)])

    async def all_there():
        return await on_ticket(house, "the later one")

    await house.until(all_there)

    (ticket,) = await house.tickets()
    assert ["the earlier one", "the later one"] == [message.text for message in ticket.messages[1:]]


async def test_slack_is_not_asked_while_an_event_of_the_thread_waits(house, monkeypatch):
    """As long as that takes, which may be long where a newer release must read it."""
    await opened(house)
    held, reads = asyncio.Event(), house.threads.reads
    monkeypatch.setattr(house.events, "dispatch", lambda _body: held.wait())
    event = {"type": "message", "channel": THREAD.channel, "ts": LATER, "user": "U1", "thread_ts": THREAD.ts}
    body = {"type": "event_callback", "team_id": THREAD.team, "event_id": "Ev1", "event": event}
    await house.rooms.lanes.add([event_op(body), sweep_op(THREAD)])
    async with house.working():
        await asyncio.sleep(0.5)
        before = house.threads.reads
        held.set()
        while await house.store.lanes.waiting(f"sweep/{THREAD}"):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.05)

    assert (reads, reads + 1) == (before, house.threads.reads)


async def test_what_was_discarded_is_not_found_again_however_long_ago_that_was(house):
    """Redis remembers for a week that an operation was dropped, and a thread is read for as long as it is linked."""
    await opened(house)
    ts = f"{time.time() - 1:.6f}"
    house.threads.messages.append(said(ts, "thought better of it", BEN))
    await house.intake.mirror(THREAD, AddMessage(actor=BEN.id, ts=ts, mirrored=True))
    await set_aside_and_discarded(house)
    for key in await house.store.connection.do("KEYS", f"tk:*:dd:*{ts}"):
        await house.store.connection.do("DEL", key)

    await swept(house)

    assert 0 == await on_ticket(house, "thought better of it")


async def test_an_edit_that_was_discarded_is_not_found_again(house):
    """Slack tells of it under another timestamp than the message carries."""
    await opened(house)
    ts, second = f"{time.time() - 5:.6f}", int(time.time())
    house.threads.messages.append(said(ts, "as it was", BEN))
    await swept(house)
    house.threads.messages[-1] = replace(said(ts, "as it reads now", BEN), edited=f"{second}.000000")
    edit = EditMessage(actor=BEN.id, ts=ts, edited=f"{second}.000000")
    await house.intake.edit(THREAD, edit, change=f"{second}.000300")
    await set_aside_and_discarded(house)

    await swept(house)

    assert (1, 0) == (await on_ticket(house, "as it was"), await on_ticket(house, "as it reads now"))


async def set_aside_and_discarded(house):
    (lease,) = await house.store.lanes.claim(1)
    head = await house.store.lanes.head(lease)
    assert None is await house.store.lanes.park(lease, head.id, head.payload)
    assert await house.store.lanes.unpark(lease.lane, head.id, decided(head.payload, Decision.DISCARD))


class Clocked:
    """Links, lanes and a common pace by a clock of its own; what is due is done at once."""

    def __init__(self, threads):
        self.threads, self.now, self.next_turn, self.due = threads, 0.0, 0.0, {}

    async def all(self):
        for thread in self.threads:
            yield Link(thread=thread, desk="desk", ticket_id="1", number="1", created_at=datetime.now(UTC))

    async def waiting(self, lane):
        return int(lane in self.due)

    async def add(self, ops):
        for op in ops:
            self.due.setdefault(op.lane, self.now + op.delay.total_seconds())

    async def turn(self, _key, *, per_second):
        at = max(self.now, self.next_turn)
        self.next_turn = at + 1 / per_second
        return timedelta(seconds=at - self.now)

    def pass_by(self, span):
        """The lanes whose work came due within *span*."""
        self.now += span.total_seconds()
        done = [lane for lane, at in self.due.items() if at < self.now]
        for lane in done:
            del self.due[lane]
        return done


async def test_with_many_threads_sweeps_ask_no_faster_than_slack_allows_and_leave_none_out():
    """A sweep of so many takes longer than until the next; what was read comes behind what was not."""
    many, quarter = 2000, timedelta(minutes=15)
    clocked: Any = Clocked([ThreadKey(team="T1", channel="C1", ts=f"{1700000000 + n}.000100") for n in range(many)])
    intake, read = Intake(clocked, clocked, clocked), []
    for _ in range(12):
        await intake.sweep()
        read.append(clocked.pass_by(quarter))

    a_round = -(-many // len(read[0]))
    assert max(map(len, read)) <= quarter / BETWEEN_SWEEPS
    assert len({lane for lanes in read[:a_round] for lane in lanes}) == many
    assert len({lane for lanes in read[-a_round - 1 :] for lane in lanes}) == many
