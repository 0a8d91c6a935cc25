"""A thread that is moved to another desk takes along all that was said, and its old ticket says where it went."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters import registry
from adapters.model import Visibility
from adapters.shared import InProcess
from bot.conversion.ops import pull_op
from bot.conversion.records import AddMessage, DeleteMessage, MoveTicket, ThreadKey
from bot.conversion.text.plain import to_plain
from bot.sandbox.desks.local import LocalAgents
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_closed import text
from tests.conversion.test_conversion_unsearchable import answer_is_lost, say_that_it_is_there
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply


class TwoDesks:
    def __init__(self, *desks):
        self.desks = {desk.name: desk for desk in desks}

    def get(self, name):
        return self.desks[name]

    def names(self):
        return tuple(self.desks)

    def for_channel(self, channel):
        return next(iter(self.desks))


@pytest.fixture
async def other(house, tmp_path):
    """The agents' side of a second desk."""
    settings = registry.settings_for("other", {"kind": "local", "path": str(tmp_path / "other.sqlite")})
    async with registry.make("other", settings, InProcess()) as desk:
        object.__setattr__(house.rooms, "desks", TwoDesks(house.desk, desk))
        yield LocalAgents(tmp_path / "other.sqlite")


async def test_all_that_was_said_is_at_the_new_desk_and_the_old_ticket_is_closed(house, other):
    old = await opened(house)
    await house.agents.reply(old.id, "Try another one")
    await house.agents.reply(old.id, "the customer is cross", internal=True)
    work = MoveTicket(actor="U1", desk="other")

    await house.intake.move(THREAD, work, once="1")
    await house.intake.move(THREAD, work, once="1")

    async def is_closed():
        return (await house.agents.ticket(old.id)).closed

    await house.until(is_closed, seconds=60)
    await house.intake.mirror(THREAD, reply(1, "It burns still"))
    await house.until(lambda: house.voice.receipts, seconds=60)

    (listed,) = await other.tickets()
    new = await other.ticket(listed.id)
    first, note, later = new.messages
    assert (True, True, False) == (
        f"This was ticket {old.number} at desk before." in first.text,
        "It burns" in first.text and "Try another one" in first.text,
        "cross" in first.text,
    )
    assert (True, True) == ("cross" in note.text, note.internal)
    assert "It burns still" == text(later)
    last = (await house.agents.ticket(old.id)).messages[-1]
    assert (True, True) == (last.internal, f"ticket {new.number} at other" in last.text)
    link = await house.store.links.get(THREAD)
    assert ("other", new.number, old.number) == (link.desk, link.number, link.follows)
    await house.until(lambda: house.voice.posted)
    (words,) = [to_plain(post.document) for post in house.voice.posted.values()]
    assert f"goes on in ticket {new.number} at other" in words


@pytest.mark.usefixtures("quick_settle")
async def test_who_says_that_the_ticket_at_the_new_desk_is_there_is_told_how_to_link_it(house, other, monkeypatch):
    old = await opened(house)
    answer_is_lost(house, monkeypatch, house.rooms.desks.get("other"))
    await house.intake.move(THREAD, MoveTicket(actor="U1", desk="other"), once="1")

    told = await say_that_it_is_there(house)

    assert (1, False) == (len(await other.tickets()), (await house.agents.ticket(old.id)).closed)
    assert f"so this thread stays with ticket {old.number}." in told
    assert "write @Threadline unlink and then @Threadline link other:NUMBER in the thread" in told


async def test_what_agents_say_at_the_new_desk_does_not_wait_for_the_next_look_at_the_old_one(house, other):
    """The old desk had to be asked for each ticket, now and then; the new one tells what changed."""
    await opened(house)
    await house.store.lanes.add([pull_op(THREAD, repeat=True, delay=timedelta(hours=1))])
    await house.intake.move(THREAD, MoveTicket(actor="U1", desk="other"), once="1")
    await house.until(lambda: house.voice.posted, seconds=60)
    (new,) = await other.tickets()
    await other.reply(new.id, "Try another one")

    await house.store.lanes.add([pull_op(THREAD)])
    await house.until(lambda: any("Try another" in to_plain(one.document) for one in house.voice.posted.values()))


async def test_what_was_typed_into_commands_forms_and_behind_our_name_goes_along_as_what_it_was(house, other):
    old = await opened(house)
    for number, (words, visibility) in enumerate(
        [("typed for all", Visibility.PUBLIC), ("typed for agents", Visibility.INTERNAL)]
    ):
        work = AddMessage(actor="U1", text=words, visibility=visibility)
        await house.intake.add_message(THREAD, work, once=str(number))
    long = "\n".join(f"line {number} " + "x" * 90 for number in range(20))
    for number, words in enumerate(["sent by its verb", long, "deleted since"], start=1):
        await house.intake.mirror(THREAD, reply(number, words))
    await house.until(lambda: _sent(house, old, 6))
    gone = DeleteMessage(actor="U1", ts=reply(3).ts, previous=reply(3, "deleted since").message)
    await house.intake.delete(THREAD, gone)
    await house.until(lambda: _sent(house, old, 7))
    by_verb = replace(said(reply(1).ts, "sent by its verb"), wish=True, carries=True)
    refused = replace(said("1800000009.000100", "was refused"), wish=True, carries=True)
    house.threads.messages += [by_verb, said(reply(2).ts, long), refused]

    await house.intake.move(THREAD, MoveTicket(actor="U1", desk="other"), once="1")
    await house.until(lambda: house.voice.posted, seconds=60)

    (listed,) = await other.tickets()
    messages = (await other.ticket(listed.id)).messages
    public, internal = ("\n".join(one.text for one in messages if one.internal is which) for which in (False, True))
    for words in ("It burns", "typed for all", "sent by its verb", "line 0 ", "line 19 "):
        assert 1 == public.count(words), words
    assert (1, 0) == (internal.count("typed for agents"), public.count("typed for agents"))
    assert (0, 0) == ((public + internal).count("was refused"), (public + internal).count("deleted since"))


async def test_what_a_later_ticket_of_the_thread_began_with_goes_along_once(house, other):
    first = await opened(house)
    await house.intake.unlink(THREAD)
    await house.intake.open_ticket("T1", OPEN, once="again")
    await house.until(lambda: _goes_with_another(house, first))
    for name, one in (await house.store.links.deliveries(THREAD)).items():  # as of a desk that does not tell its ids
        await house.store.links.learn(THREAD, name, one.model_copy(update={"message_id": ""}))

    await house.intake.move(THREAD, MoveTicket(actor="U1", desk="other"), once="1")
    await house.until(lambda: house.voice.posted, seconds=60)

    (listed,) = await other.tickets()
    assert 1 == "".join(one.text for one in (await other.ticket(listed.id)).messages).count("It burns")


async def _goes_with_another(house, ticket):
    link = await house.store.links.get(THREAD)
    return link and link.ticket_id != ticket.id and not await house.store.lanes.waiting(str(THREAD))


async def _sent(house, ticket, number):
    return len((await house.agents.ticket(ticket.id)).messages) >= number


async def test_what_was_typed_into_the_form_that_a_ticket_began_as_goes_along(house, other):
    work = OPEN.model_copy(update={"thread_ts": "", "description": "All of it burns"})
    await house.intake.open_ticket("T1", work, once="view")
    await house.until(lambda: house.voice.cards)
    (old,) = await house.tickets()
    (link,) = await house.store.links.find(old.number)

    await house.intake.move(link.thread, MoveTicket(actor="U1", desk="other"), once="1")
    await house.until(lambda: house.voice.posted, seconds=60)

    (listed,) = await other.tickets()
    assert "All of it burns" in (await other.ticket(listed.id)).messages[0].text


async def test_what_was_said_in_the_agents_channel_goes_along(house, other):
    old = await opened(house)
    there = ThreadKey(team="T1", channel="C9", ts="1700000900.000100")
    link = await house.store.links.get(THREAD)
    await house.store.links.put(link.model_copy(update={"thread": there, "agents": True}))
    work = AddMessage(actor="U1", ts="1800000001.000100", message=reply(1, "from the agents' channel").message)
    await house.intake.add_message(there, work)
    await house.until(lambda: _sent(house, old, 2))

    await house.intake.move(THREAD, MoveTicket(actor="U1", desk="other"), once="1")
    await house.until(lambda: any("goes on in" in to_plain(one.document) for one in house.voice.posted.values()))

    (listed,) = await other.tickets()
    assert "from the agents' channel" in (await other.ticket(listed.id)).messages[0].text
