"""What was written for one ticket does not reach another to which its thread is linked meanwhile."""

from datetime import UTC, datetime

import pytest

from adapters.errors import NotFound, OutcomeUnknown, Rejected
from adapters.model import Act, TicketRef, Visibility
from bot.conversion.ops import pull_op, sweep_op
from bot.conversion.ports import NewOp
from bot.conversion.records import (
    AddMessage,
    ChangeTicket,
    DeleteMessage,
    Delivered,
    LinkRef,
    LinkTicket,
    Operation,
    Progress,
    ThreadKey,
    decode,
    encode,
)
from bot.conversion.relinking import relink
from bot.conversion.text.plain import to_plain
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_edits import _edit
from tests.conversion.test_conversion_pull import idle, pulled
from tests.conversion.test_conversion_unsent import just_now, parked
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply

NOT_SENT = "Your message was not sent:"
OTHER = ThreadKey(team="T1", channel="C1", ts="1700000500.000100")


@pytest.fixture
async def two(house):
    """The thread's ticket and another one."""
    mine = await opened(house)
    house.threads.messages = [said(OTHER.ts, "It leaks")]
    await house.intake.open_ticket("T1", OPEN.model_copy(update={"thread_ts": OTHER.ts}), once="other")

    async def there():
        return len(await house.tickets()) == 2

    await house.until(there)
    await idle(house, str(OTHER), f"ui/{OTHER}", f"ui/{THREAD}")  # whose cards ask the desk, too
    house.threads.messages = [said(THREAD.ts, "It burns")]
    (other,) = [ticket for ticket in await house.tickets() if ticket.id != mine.id]
    return mine, other


async def wait_for_mine(house):
    """All that can wait for a ticket, asked for while its desk is slow."""
    under = LinkRef.of(await house.store.links.get(THREAD))
    await house.intake.mirror(THREAD, reply(1, "for mine").model_copy(update={"under": under}))
    edit = _edit("1700000000.000100", "It blazes", "It burns", "1800000009.0").model_copy(update={"under": under})
    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts="1800000000.5", previous={}, under=under))
    typed = AddMessage(actor="U1", text="typed for mine", visibility=Visibility.PUBLIC, under=under)
    await house.intake.add_message(THREAD, typed, once="typed")
    await house.intake.change(THREAD, ChangeTicket(actor="U1", act=Act.CLOSE, under=under), once="close")


def told(house):
    return [words for _, words, *_ in house.voice.told]


async def standing(house):
    """Of each ticket: whether it is closed, and what stands behind its opening."""
    return [(ticket.closed, [message.text for message in ticket.messages[1:]]) for ticket in await house.tickets()]


async def test_after_another_was_linked_nothing_of_it_is_there_and_who_asked_is_told(house, two):
    _, other = two
    await wait_for_mine(house)
    await house.intake.unlink(THREAD)
    await link_to(house, other)

    await idle(house, str(THREAD))
    await idle(house, "ui/T1:C1:1700000000.000100")

    assert [(False, []), (False, [])] == await standing(house)
    why = "was not sent: it was for the ticket that this thread had then, not for ticket"
    assert 3 == sum(why in words for words in told(house))
    assert 1 == sum(words.endswith("\ntyped for mine") for words in told(house))


async def test_after_it_was_unlinked_who_asked_for_something_is_told_that_it_was_not_done(house, two):
    await wait_for_mine(house)
    await house.intake.unlink(THREAD)

    await idle(house, str(THREAD))
    await idle(house, "ui/T1:C1:1700000000.000100")

    assert [(False, []), (False, [])] == await standing(house)
    assert 3 == sum("was not sent: its thread has no ticket any more." in words for words in told(house))


async def ask(house, ticket):
    """A reply to the thread's ticket, about which somebody is to be asked, since it is closed."""
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "ask"})
    await house.agents.set_closed(ticket.id, closed=True)
    under = LinkRef.of(await house.store.links.get(THREAD))
    await house.intake.mirror(THREAD, reply(1, "hello").model_copy(update={"under": under}))


async def link_to(house, ticket, thread=THREAD):
    wish = LinkTicket(actor="U1", desk="desk", number=ticket.number, channel="C1", thread_ts=thread.ts)
    await house.intake.link_ticket(thread, wish)


async def test_the_question_about_a_closed_ticket_ends_with_its_link_and_holds_up_no_other_ticket(house, two):
    mine, other = two
    await ask(house, mine)
    await house.until(lambda: parked(house))

    await house.intake.unlink(THREAD)
    await link_to(house, other)
    await house.until(lambda: told(house))

    assert [] == await parked(house)
    assert other.number == (await house.store.links.get(THREAD)).number
    assert [f"{NOT_SENT} it was for the ticket that this thread had then, not for ticket {other.number}."] == told(
        house
    )


async def test_a_reply_whose_thread_is_unlinked_while_its_ticket_is_found_closed_holds_up_nothing(
    house, two, monkeypatch
):
    get_ticket = house.desk.get_ticket

    async def unlinked_meanwhile(ref):
        await house.intake.unlink(THREAD)
        return await get_ticket(ref)

    await ask(house, two[0])
    monkeypatch.setattr(house.desk, "get_ticket", unlinked_meanwhile)
    await house.until(lambda: told(house))

    assert [] == await parked(house)
    assert [f"{NOT_SENT} its thread has no ticket any more."] == told(house)


@pytest.fixture
async def waiting(house):
    """Stores a message for the thread's ticket with the progress of an earlier try."""

    async def add(**progress):
        work = reply(1, "for mine")
        work = work.model_copy(update={"under": LinkRef.of(await house.store.links.get(THREAD))})
        payload = encode(Operation(work=work, progress=Progress(**progress)))
        await house.store.lanes.add([NewOp(lane=str(THREAD), id=THREAD.bringing(work.ts), order=1, payload=payload)])
        return work

    return add


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        ({"calling": "message 0"}, "Your message may have reached the helpdesk already"),
        ({"calling": "message 0", "answer": "there"}, "Your message may have reached the helpdesk already"),
        ({"done": {"message 0": "7"}}, "Your message may have reached the helpdesk already"),
        ({"done": {"way": "reopen"}}, "Your message was not sent: its thread has no ticket any more."),
    ],
)
async def test_it_is_not_said_that_something_was_not_sent_that_may_have_been_before_it_was_unlinked(
    house, two, waiting, progress, words
):
    await waiting(**progress)
    await house.intake.unlink(THREAD)

    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")

    (said_so,) = told(house)
    assert said_so.startswith(words)


async def test_nothing_is_said_of_a_message_with_which_its_thread_got_another_ticket(house, two, waiting):
    """It waited, its thread was unlinked, and the new ticket was opened with all that the thread says."""
    _, other = two
    work = await waiting(shown=True)
    old = await house.store.links.get(THREAD)
    await house.intake.unlink(THREAD)
    await house.store.links.put(old.model_copy(update={"ticket_id": other.id, "created_at": datetime.now(UTC)}))
    await house.store.links.learn(THREAD, work.ts, Delivered(message_id="7", alone=False))

    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")

    assert ([], [(work.ts, "delivered")]) == (told(house), house.voice.receipts)


@pytest.mark.parametrize(("relinked", "brought"), [(False, ["one"]), (True, ["one", "of the other"])])
async def test_of_a_look_at_a_ticket_that_its_thread_is_parted_from_meanwhile_no_more_is_brought(
    house, two, monkeypatch, relinked, brought
):
    """What is being posted in that moment is there; at another ticket, read just as far, it does not count as read."""
    mine, other = two
    await house.agents.reply(other.id, "of the other")
    for text in ("one", "two", "three"):
        await house.agents.reply(mine.id, text)
    real = house.voice.post

    async def post(*args, **more):
        monkeypatch.setattr(house.voice, "post", real)
        link = await house.intake.unlink(THREAD)
        if relinked:
            await house.store.links.put(link.model_copy(update={"ticket_id": other.id, "number": other.number}))
        return await real(*args, **more)

    monkeypatch.setattr(house.voice, "post", post)
    await house.store.lanes.add([pull_op(THREAD)])
    await idle(house, f"pull/{THREAD}")

    assert brought == [to_plain(said.document) for said in house.voice.posted.values()]


async def test_where_the_thread_goes_on_with_another_ticket_it_all_goes_there(house, two):
    """As after a merger or a move."""
    _, other = two
    await wait_for_mine(house)
    link = await house.store.links.get(THREAD)
    await relink(house.rooms, link, house.desk, TicketRef(id=other.id, number=other.number))

    await idle(house, str(THREAD))

    mine, theirs = await standing(house)
    assert (False, []) == mine
    assert {"for mine", "typed for mine"} <= {text.splitlines()[0] for text in theirs[1]}


async def test_what_is_said_while_a_ticket_is_gone_stays_when_its_thread_is_linked_with_another(
    house, two, monkeypatch
):
    """The thread was told so."""
    failing(house, monkeypatch, "get_ticket", NotFound("desk", "no such ticket."))
    await pulled(house)
    meanwhile = just_now("among us")
    house.threads.messages.append(said(meanwhile.ts, "among us"))
    await link_to(house, two[1])
    await idle(house, str(THREAD))
    after = just_now("for all")
    house.threads.messages.append(said(after.ts, "for all"))

    await house.store.lanes.add([sweep_op(THREAD)])
    await idle(house, f"sweep/{THREAD}")
    await idle(house, str(THREAD))

    assert [(False, []), (False, ["for all"])] == await standing(house)


async def test_what_was_said_while_the_ticket_was_opened_and_refused_there_goes_to_no_other_after_an_edit(
    house, two, monkeypatch
):
    """It was stored when there was no link yet; the first try says for which ticket it is."""
    _, other = two
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    work = reply(1, "for mine")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: parked(house))
    await house.intake.unlink(THREAD)
    await link_to(house, other)
    await idle(house, str(THREAD))

    edit = _edit(work.ts, "for mine!", "for mine", "1800000009.0")
    await house.intake.edit(THREAD, edit, change="1800000009.1")
    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")

    assert [(False, []), (False, [])] == await standing(house)
    assert told(house)[-1].startswith(f"{NOT_SENT} it was for the ticket that this thread had then")


@pytest.mark.usefixtures("quick_settle")
async def test_of_what_may_have_arrived_it_is_not_said_that_it_was_not_sent_although_its_ticket_was_still_being_opened(
    house, two, monkeypatch
):
    failing(house, monkeypatch, "add_message", OutcomeUnknown("desk", "it did not answer."), after=True)
    work = reply(1, "for mine")
    await house.intake.mirror(THREAD, work)

    async def failed():
        record = await house.store.lanes.peek(str(THREAD), THREAD.bringing(work.ts))
        return record and decode(record).progress.attempts == 1

    await house.until(failed)
    await house.intake.unlink(THREAD)
    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")

    (said_so,) = told(house)
    assert said_so.startswith("Your message may have reached the helpdesk already")


@pytest.mark.parametrize("refused", [False, True])
async def test_a_thread_whose_ticket_is_gone_may_be_linked_to_a_number_after_that_has_failed(
    house, two, monkeypatch, refused
):
    """The desk did not have it yet, or somebody is still to decide about the first wish."""
    mine, other = two
    error = Rejected("desk", "not now.") if refused else NotFound("desk", "it is not there.")
    failing(house, monkeypatch, "find_by_number", error)
    await house.agents.delete(mine.id)
    await house.store.lanes.add([pull_op(THREAD)])
    await idle(house, f"pull/{THREAD}")

    for _ in range(2):
        await link_to(house, other)
        await idle(house, str(THREAD))

    assert other.number == (await house.store.links.get(THREAD)).number


MINE = reply(1, "please look")


async def _goes_with(house, ticket):
    """Part the thread from its ticket and have it go with *ticket*."""
    await house.intake.unlink(THREAD)
    wish = LinkTicket(actor="U1", desk="desk", number=ticket.number, channel="C1", thread_ts=THREAD.ts)
    assert (await house.intake.link_ticket(THREAD, wish)).new
    await idle(house, str(THREAD))


async def _added(house):
    """Whether *Add to ticket* on a message is a new wish; when this returns it is carried out."""
    under = LinkRef.of(await house.store.links.get(THREAD))
    work = MINE.model_copy(update={"under": under})
    accepted = await house.intake.add_message(THREAD, work, anew=True)
    await idle(house, str(THREAD))
    return accepted.new


@pytest.fixture
def written(house, monkeypatch):
    """The ids of the tickets on which messages are written; the local desk itself would refuse a second one."""
    calls, real = [], house.desk.add_message

    async def counted(ticket, draft):
        calls.append(ticket.id)
        return await real(ticket, draft)

    monkeypatch.setattr(house.desk, "add_message", counted)
    return calls


@pytest.mark.usefixtures("quick_settle")
async def test_what_was_added_to_a_wrong_ticket_is_added_to_the_right_one_once(house, two, written):
    mine, other = two
    assert (True, False) == (await _added(house), await _added(house))
    await _goes_with(house, other)

    again = [await _added(house) for _ in range(3)]
    await house.intake.mirror(THREAD, MINE)  # Slack hands it over once more
    await idle(house, str(THREAD))

    assert [True, False, False] == again
    assert [mine.id, other.id] == written


@pytest.mark.usefixtures("quick_settle")
async def test_what_is_on_the_ticket_that_a_thread_comes_back_to_is_not_added_twice(house, two, written):
    mine, other = two
    await _added(house)
    await _goes_with(house, other)
    await _goes_with(house, mine)

    assert await _added(house)
    assert not await _added(house)
    assert [mine.id] == written


@pytest.mark.usefixtures("quick_settle")
async def test_two_who_add_a_message_to_the_right_ticket_at_once_add_it_once(house, two, written):
    """The second finds that the first was done, after it has looked what is known of the message."""
    _, other = two
    await _added(house)
    await _goes_with(house, other)
    real = house.intake._is_known

    async def slow(*about):
        known = await real(*about)
        house.intake._is_known = real
        assert await _added(house)
        return known

    house.intake._is_known = slow
    assert await _added(house)
    assert [other.id] == written[1:]


async def test_what_is_on_the_ticket_before_a_follow_up_is_added_to_the_follow_up_once(house, two, written):
    mine, _ = two
    await _added(house)
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "new"})
    await house.agents.set_closed(mine.id, closed=True)
    await house.intake.mirror(THREAD, reply(2, "and this?"))
    await idle(house, str(THREAD))
    follower = await house.store.links.get(THREAD)

    assert (True, False) == (await _added(house), await _added(house))
    assert [mine.id, follower.ticket_id] == written


async def test_what_was_discarded_may_be_added_again(house, two, monkeypatch):
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    await _added(house)
    (parked,) = [one async for one in house.store.lanes.parked()]
    await house.store.lanes.unpark(parked.lane, parked.id, None)

    await _added(house)

    assert ["please look"] == (await standing(house))[0][1]


async def test_what_was_refused_on_a_wrong_ticket_is_added_to_the_right_one(house, two, monkeypatch):
    """Nobody has decided about it; who adds it has."""
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    await _added(house)
    await _goes_with(house, two[1])

    assert await _added(house)
    assert [[], ["please look"]] == [texts for _, texts in await standing(house)]
    assert [] == await parked(house)


async def test_what_was_refused_is_added_to_the_same_ticket_as_it_reads_now(house, two, monkeypatch):
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    await _added(house)
    work = MINE.model_copy(update={"message": {**MINE.message, "text": "look"}})

    assert (await house.intake.add_message(THREAD, work, anew=True)).new
    await idle(house, str(THREAD))

    assert ["look"] == (await standing(house))[0][1]
    assert [] == await parked(house)
