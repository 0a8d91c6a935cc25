"""A ticket that is merged or deleted at its desk is followed, or its thread hears of it; with each desk."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from adapters import registry
from adapters.contract import Capability
from adapters.model import ChoiceList, Status
from adapters.shared import InProcess
from bot.conversion.ops import pull_op
from bot.conversion.records import LinkTicket, OpenTicket, ThreadKey
from bot.conversion.text.plain import to_plain
from bot.sandbox.demo import STAND_INS, stand_in
from bot.sandbox.desks.local import LocalAgents
from tests.conversion.conftest import House, embedded, store
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import reply

__all__ = ["embedded", "store"]

THREAD, OTHER = (ThreadKey(team="T1", channel="C1", ts=f"170000000{number}.000100") for number in (1, 2))
TELLS_NO_TARGET = {"superoffice_soap"}


@pytest.fixture(params=["local", *STAND_INS])
async def house(request, store, tmp_path):
    """Two threads with a ticket each."""
    async with AsyncExitStack() as stack:
        agents: Any = LocalAgents(tmp_path / "desk.sqlite")
        table = {"kind": "local", "path": tmp_path / "desk.sqlite"}
        if request.param != "local":
            agents = stand_in(request.param)
            table = await stack.enter_async_context(agents.serve())
        settings = registry.settings_for("desk", table | {"visibility": "public", "poll": 1})
        desk = await stack.enter_async_context(registry.make("desk", settings, InProcess()))
        made = House(store, desk, agents)
        for thread in (THREAD, OTHER):
            await _open(made, thread)
        yield made


async def _open(house, thread):
    house.threads.messages = [said(thread.ts, f"It burns {thread.ts}")]
    department = ""
    if house.desk.has(Capability.DEPARTMENTS):
        department = (await house.desk.choices(ChoiceList.DEPARTMENTS))[0].id
    work = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=thread.ts, subject="Fire", department=department)
    await house.intake.open_ticket("T1", work, once="view")
    await house.until(lambda: (thread.channel, thread.ts) in {key[:2] for key in house.voice.cards})


def _posts(house):
    return [(post.author, to_plain(post.document)) for post in house.voice.posted.values()]


async def _pulled(house, condition):
    await house.store.lanes.add([pull_op(THREAD)])
    await house.until(condition)


async def _link(house, thread=THREAD):
    return await house.store.links.get(thread)


async def _texts(house, ticket_id):
    return "\n".join(message.text for message in (await house.agents.ticket(ticket_id)).messages)


async def test_a_merged_ticket_is_followed_or_its_thread_hears_how_to_go_on(house):
    first, second = await _link(house), await _link(house, OTHER)
    await house.agents.merge(first.ticket_id, second.ticket_id)
    await _pulled(house, lambda: any("merged into" in words for _, words in _posts(house)))
    if house.desk.kind in TELLS_NO_TARGET:
        assert (Status.GONE, False) == ((await _link(house)).state, (await _link(house)).mirror)
        work = LinkTicket(actor="U1", desk="desk", number=second.number, channel="C1", thread_ts=THREAD.ts)
        await house.intake.link_ticket(THREAD, work)
    await house.until(lambda: _goes_with(house, second))

    await house.intake.mirror(THREAD, reply(1, "It burns still"))
    await house.until(lambda: [state for _, state in house.voice.receipts] == ["delivered"])
    await house.agents.reply(second.ticket_id, "Help is coming")
    await _pulled(house, lambda: any("Help is coming" in words for _, words in _posts(house)))

    link = await _link(house)
    assert (first.number, True) == (link.follows, link.mirror)
    assert 1 == (await _texts(house, second.ticket_id)).count("It burns still")
    said_once = [words for _, words in _posts(house) if "merged" in words]
    assert 1 == len(said_once)
    assert [] == [words for author, words in _posts(house) if author and "Help" not in words]


async def _goes_with(house, link):
    return (await _link(house)).ticket_id == link.ticket_id


async def test_a_deleted_ticket_is_said_once_and_gets_no_more_replies(house):
    first = await _link(house)
    await house.agents.delete(first.ticket_id)
    for _ in range(2):
        await _pulled(house, lambda: _is_gone(house))

    (words,) = [words for _, words in _posts(house)]
    assert (True, True) == (first.number in words, "New replies stay here" in words)
    assert not (await _link(house)).mirror
    await house.until(lambda: any(card.link.state == Status.GONE for card in house.voice.updates))


async def _is_gone(house):
    return (await _link(house)).state == Status.GONE
