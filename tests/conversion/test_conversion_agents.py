"""The agents' channel: a card for each new ticket, once; notes below it; timers, and reminders that are taken back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.model import Act, Change, Status, Ticket, Visibility
from adapters.settings import AgentsChannel
from bot.conversion.agents import deadline_of, dues
from bot.conversion.ops import agents_ops, pull_op, remind_op
from bot.conversion.ports import Audience, SlackRefused
from bot.conversion.records import AddMessage, Link, LinkTicket, OpenTicket, ThreadKey
from bot.conversion.relinking import relink
from bot.conversion.text.plain import to_plain
from tests.conversion.slack_fakes import ADA
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened

AGENTS = "C9"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def switch_on(house, **more):
    """Give the desk's agents their channel."""
    table = AgentsChannel.model_validate({"id": AGENTS, **more})
    house.desk.settings = house.desk.settings.model_copy(update={"agents_channel": table})


async def told(house):
    """The link of the thread in the agents' channel, once it is there and all is quiet."""

    async def known():
        return [link async for link in house.store.links.all() if link.agents]

    await house.until(known)
    (link,) = await known()
    await house.until(lambda: any(card.link.thread == link.thread for card in house.voice.updates))
    return link


async def pulled(house, thread):
    await house.store.lanes.add([pull_op(thread)])

    async def idle():
        lanes = [await house.store.lanes.waiting(f"{side}/{thread}") for side in ("pull", "ui")]
        return not any(lanes)

    await house.until(idle)


async def reminded(house, thread):
    """Look at the times now, and wait until all is said."""
    await house.store.lanes.add([remind_op(thread)])
    await house.store.lanes.nudge(f"remind/{thread}")

    async def idle():
        return await house.store.lanes.waiting(f"remind/{thread}") == 0

    await house.until(idle)


def spoken(house):
    return [to_plain(post.document) for post in house.voice.posted.values()]


async def test_a_new_ticket_is_a_card_in_its_agents_channel_once(house):
    switch_on(house)
    ticket = await opened(house)

    link = await told(house)
    main = await house.store.links.get(THREAD)
    await house.store.lanes.add(agents_ops(house.desk, main))  # another process wishes the same
    await house.until(lambda: len(house.voice.cards) >= 2)

    assert (ticket.number, AGENTS, Visibility.INTERNAL, False) == (
        link.number,
        link.thread.channel,
        link.visibility,
        link.mirror,
    )
    assert ["C1", AGENTS] == sorted(channel for channel, _, _ in house.voice.cards)


async def test_a_ticket_from_a_form_alone_has_one_too(house):
    switch_on(house)
    work = OpenTicket(desk="desk", actor="U1", channel="C1", subject="No thread", description="None")

    await house.intake.open_ticket("T1", work, once="view")

    assert AGENTS == (await told(house)).thread.channel


async def test_a_department_may_have_a_channel_of_its_own_by_name_or_id(house):
    switch_on(house, departments={"facilities": "C7"})

    await opened(house, OPEN.model_copy(update={"department": "Facilities"}))

    assert "C7" == (await told(house)).thread.channel


async def test_a_second_thread_of_the_same_ticket_makes_no_second_card(house):
    switch_on(house)
    ticket = await opened(house)
    await told(house)
    other = ThreadKey(team="T1", channel="C2", ts="1700000500.000100")
    await house.intake.link_ticket(
        other, LinkTicket(actor="U2", desk="desk", number=ticket.number, channel="C2", thread_ts=other.ts)
    )

    async def linked():
        return await house.store.links.get(other) and await house.store.lanes.waiting(f"agents/{other}") == 0

    await house.until(linked)

    assert 1 == len([link async for link in house.store.links.all() if link.agents])


async def test_a_desk_without_agents_channel_has_no_more_work_than_before(house):
    await opened(house)

    assert [] == agents_ops(house.desk, await house.store.links.get(THREAD))


async def test_the_card_is_posted_when_the_channel_lets_us_in_and_until_then_the_ticket_does_not_suffer(
    house, monkeypatch
):
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=50))
    switch_on(house)
    real, refusals = house.voice.post_card, list[str]()

    async def shut(channel, thread_ts, card, marker):
        if channel == AGENTS and len(refusals) < 2:
            refusals.append(channel)
            raise SlackRefused("not_in_channel", "We are not in that channel.")
        return await real(channel, thread_ts, card, marker)

    monkeypatch.setattr(house.voice, "post_card", shut)

    await opened(house)

    assert AGENTS == (await told(house)).thread.channel
    assert 2 == len(refusals)
    assert [] == house.voice.told


@pytest.mark.parametrize("guest", [False, True])
async def test_who_opened_the_ticket_hears_that_the_agents_thread_is_shut_unless_they_are_a_guest(
    house, monkeypatch, guest
):
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=50))
    switch_on(house, notes=True)
    ticket = await opened(house)
    thread = (await told(house)).thread
    tries = []

    async def shut(*_args, **_more):
        tries.append(thread)
        raise SlackRefused("is_archived", "That channel is archived.")

    async def author(user):
        return replace(ADA, id=user, guest=guest)

    monkeypatch.setattr(house.voice, "post", shut)
    monkeypatch.setattr(house.threads, "author", author)
    await house.agents.reply(ticket.id, "he is wrong again", internal=True)
    await house.store.lanes.add([pull_op(thread)])

    await house.until(lambda: len(tries) > 1)
    await house.until(lambda: house.voice.told or guest)

    words = (
        f"Threadline cannot write in the agents' thread of ticket {ticket.number} at desk. That channel is archived."
    )
    assert ([] if guest else [True]) == [text.startswith(words) for _, text, _ in house.voice.told]


async def test_nothing_is_posted_in_a_channel_that_another_company_shares(house, monkeypatch):
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=20))
    switch_on(house)
    house.threads.readers = Audience(shared=True)

    await opened(house)
    await house.until(lambda: len(house.voice.updates) + len(house.voice.cards) >= 1)

    assert ["C1"] == [channel for channel, _, _ in house.voice.cards]


# --- what is shown below the card ---


async def test_internal_notes_appear_below_the_card_and_public_replies_do_not(house):
    switch_on(house, notes=True)
    ticket = await opened(house)
    link = await told(house)
    await house.agents.reply(ticket.id, "he is wrong again", internal=True)
    await house.agents.reply(ticket.id, "Try another one")

    await pulled(house, link.thread)
    await pulled(house, link.thread)

    assert ["he is wrong again"] == spoken(house)


@pytest.mark.parametrize(
    ("notes", "readers"),
    [(False, Audience()), (True, Audience(guests=("Gus Berger",))), (True, Audience(shared=True))],
)
async def test_notes_are_shown_only_where_switched_on_and_among_ourselves(house, notes, readers):
    switch_on(house, notes=notes)
    ticket = await opened(house)
    link = await told(house)
    house.threads.readers = readers
    await house.agents.reply(ticket.id, "he is wrong again", internal=True)

    await pulled(house, link.thread)

    assert [] == spoken(house)


async def test_a_note_waits_while_slack_does_not_show_us_the_agents_channel_and_is_brought_when_it_does(
    house, monkeypatch
):
    """Who may read it cannot be asked then, as of a private channel that we were removed from."""
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=50))
    switch_on(house, notes=True)
    ticket = await opened(house)
    thread = (await told(house)).thread
    asked = []

    async def shut(channel):
        asked.append(channel)
        if len(asked) < 3:
            raise SlackRefused("channel_not_found", "Slack does not show Threadline that channel.")
        return Audience()

    monkeypatch.setattr(house.threads, "audience", shut)
    await house.agents.reply(ticket.id, "he is wrong again", internal=True)

    await pulled(house, thread)
    await house.until(lambda: house.voice.told)

    assert ["he is wrong again"] == spoken(house)
    words = "Slack does not show Threadline that channel. Their notes are kept"
    assert [True] == [words in text for _, text, _ in house.voice.told]


@pytest.mark.parametrize("notes", [True, False])
async def test_after_a_merger_the_ticket_gets_what_agents_say_below_the_card_only_where_notes_are_on(house, notes):
    switch_on(house, notes=notes)
    await opened(house)
    link = await told(house)
    await house.store.links.update(link.thread, lambda now: now.model_copy(update={"state": "gone", "mirror": False}))

    new = await relink(house.rooms, link, house.desk, link.ref)

    assert new
    assert notes == new.mirror


async def test_what_agents_say_below_the_card_is_a_note_and_stays_out_of_the_requesters_thread(house):
    switch_on(house, notes=True)
    ticket = await opened(house)
    link = await told(house)
    message = {"ts": "1900000001.000100", "text": "I know this printer"}
    await house.intake.mirror(link.thread, AddMessage(actor="U2", ts=message["ts"], message=message))
    await house.until(lambda: house.voice.receipts)

    await pulled(house, THREAD)

    (_, note) = (await house.agents.ticket(ticket.id)).messages
    assert (True, "I know this printer") == (note.internal, note.text.splitlines()[0])
    assert [] == spoken(house)


async def test_a_reply_typed_at_the_agents_card_reaches_ticket_and_requester_and_counts_as_the_first(house):
    switch_on(house, first_reply=60)
    ticket = await opened(house)
    link = await told(house)
    work = AddMessage(actor="U2", text="Try another one", visibility=Visibility.PUBLIC)

    await house.intake.add_message(link.thread, work, once="press")

    async def answered():
        return (await house.store.links.get(link.thread)).answered

    await house.until(answered)
    await pulled(house, THREAD)
    assert ["Try another one"] == spoken(house)
    assert ["Ben Bitdiddle"] == [post.author for post in house.voice.posted.values()]
    assert "Try another one" in (await house.agents.ticket(ticket.id)).messages[-1].text


async def test_an_assignment_is_said_below_the_card_once_and_the_card_knows(house):
    switch_on(house)
    await opened(house)
    link = await told(house)
    agent = next(choice for choice in await house.desk.choices("agents") if choice.label == "Sam Agent")
    await house.desk.change(link.ref, Change(act=Act.ASSIGN, value=agent.id))

    await pulled(house, link.thread)
    await pulled(house, link.thread)

    assert [f"Ticket {link.number} was assigned to Sam Agent."] == spoken(house)
    assert "Sam Agent" == house.voice.updates[-1].ticket.owner


# --- timers ---


async def late(house, **changes):
    """An agents' thread whose time has come."""
    link = await told(house)
    past = datetime.now(UTC) - timedelta(minutes=90)
    return await house.store.links.update(
        link.thread, lambda now: now.model_copy(update={"created_at": past, **changes})
    )


async def test_who_has_waited_too_long_for_a_first_reply_is_spoken_of_once_and_the_reminder_is_taken_back(house):
    switch_on(house, first_reply=60)
    ticket = await opened(house)
    link = await late(house, first_reply_by=datetime.now(UTC) - timedelta(minutes=30))

    await reminded(house, link.thread)
    await reminded(house, link.thread)
    (marker,) = house.voice.broadcast
    assert "has had no reply since" in to_plain(house.voice.posted[marker].document)

    await house.agents.reply(ticket.id, "Try another one")
    await pulled(house, link.thread)
    await house.until(lambda: house.voice.rewritten)

    (post,) = house.voice.rewritten.values()
    assert f"Ticket {link.number} had its first reply after 90 min." == to_plain(post.document)
    assert 1 == len(house.voice.broadcast)


async def test_nobody_is_reminded_of_a_ticket_that_was_closed_meanwhile(house):
    switch_on(house, first_reply=60)
    ticket = await opened(house)
    link = await late(house, first_reply_by=datetime.now(UTC) - timedelta(minutes=30))
    await house.agents.set_closed(ticket.id, closed=True)

    await reminded(house, link.thread)

    assert [] == house.voice.broadcast


async def test_a_reminder_whose_answer_was_lost_is_looked_for_and_not_repeated(house):
    switch_on(house, first_reply=60)
    await opened(house)
    link = await late(house, first_reply_by=datetime.now(UTC) - timedelta(minutes=30))
    house.voice.lose_next_post = True

    await reminded(house, link.thread)

    assert 1 == len(house.voice.broadcast)


async def test_a_ticket_that_was_there_already_has_no_timer(house):
    switch_on(house, first_reply=60, within=8)
    await opened(house, OPEN)
    (ticket,) = await house.tickets()
    thread = ThreadKey(team="T1", channel="C2", ts="1700000500.000100")
    link = await told(house)
    for one in (link, await house.store.links.get(THREAD)):
        await house.store.links.remove(one)
    house.voice.updates.clear()
    await house.intake.link_ticket(
        thread, LinkTicket(actor="U2", desk="desk", number=ticket.number, channel="C2", thread_ts=thread.ts)
    )

    again = await told(house)

    assert (None, None) == (again.first_reply_by, again.deadline)


def link_with(**changes):
    made = Link(
        thread=ThreadKey(team="T1", channel=AGENTS, ts="1.000100"),
        desk="desk",
        ticket_id="1",
        number="1",
        agents=True,
        created_at=NOW,
    )
    return made.model_copy(update=changes)


def test_a_deadline_is_spoken_of_before_and_when_it_is_over_and_another_one_anew():
    settings = AgentsChannel(id=AGENTS, remind=30)
    later = link_with(deadline=NOW + timedelta(hours=2))

    first = dues(link_with(deadline=NOW + timedelta(hours=1)), settings)
    second = dues(later, settings)

    assert [NOW + timedelta(minutes=30), NOW + timedelta(hours=1)] == [due.at for due in first]
    assert set() == {due.key for due in first} & {due.key for due in second}


def test_an_answered_ticket_waits_for_no_first_reply():
    settings = AgentsChannel(id=AGENTS)

    assert ["first reply"] == [due.key for due in dues(link_with(first_reply_by=NOW), settings)]
    assert [] == dues(link_with(first_reply_by=NOW, answered=NOW), settings)


def test_the_desks_deadline_goes_before_that_of_the_settings():
    settings = AgentsChannel(within=8)
    ticket = Ticket(ref=link_with().ref, subject="", status=Status.OPEN, status_name="Open")

    assert NOW + timedelta(hours=8) == deadline_of(ticket, settings, since=NOW)
    assert deadline_of(ticket, AgentsChannel(), since=NOW) is None
    own = Ticket(ref=ticket.ref, subject="", status=Status.OPEN, status_name="Open", deadline=NOW)
    assert NOW == deadline_of(own, settings, since=NOW)
