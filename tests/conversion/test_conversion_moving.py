"""A thread that is moved to another desk takes along all that was said, and its old ticket says where it went."""

from datetime import timedelta

import pytest

from adapters import registry
from adapters.shared import InProcess
from bot.conversion.ops import pull_op
from bot.conversion.records import MoveTicket
from bot.conversion.text.plain import to_plain
from bot.sandbox.desks.local import LocalAgents
from tests.conversion.test_conversion_closed import text
from tests.conversion.test_conversion_worker import THREAD, opened, reply


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
