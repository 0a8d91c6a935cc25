"""*Add to ticket* on a message that was meant for another ticket before."""

import pytest

from adapters.contract import Reconcile
from adapters.local import LocalDesk
from bot.conversion.records import decode
from bot.slack.ids import Shortcut


@pytest.fixture
async def said(stage):
    """A message that is on its way to ticket 1042."""
    message = await stage.workspace.post(stage.ada, stage.channel, "It burns")
    await stage.link(message, number="1042")
    await stage.shortcut(message, Shortcut.ADD)
    return message


async def _goes_with_another(stage, said):
    await stage.store.links.remove(await stage.store.links.get(stage.thread(said)))
    await stage.link(said, number="2000", ticket_id="2")


async def _waiting(stage, said):
    thread = stage.thread(said)
    return decode(await stage.store.lanes.peek(str(thread), thread.bringing(said["ts"])))


@pytest.mark.parametrize(("reconcile", "doubted"), [(Reconcile.EXACT, True), (Reconcile.NONE, False)])
async def test_it_is_looked_for_on_the_next_ticket_only_where_it_can_be(stage, said, monkeypatch, reconcile, doubted):
    """Elsewhere a person would be asked whether it arrived, though nothing was sent."""
    monkeypatch.setattr(LocalDesk, "reconcile", reconcile)
    await stage.accepted()
    await _goes_with_another(stage, said)

    await stage.shortcut(said, Shortcut.ADD)

    assert doubted == ((await _waiting(stage, said)).progress.verify > 0)


async def test_what_was_refused_is_on_its_way_to_the_next_ticket(stage, said):
    lanes = stage.store.lanes
    (lease,) = [lease for lease in await lanes.claim(10) if lease.lane == str(stage.thread(said))]
    head = await lanes.head(lease)
    await lanes.park(lease, head.id, head.payload, begun=False)
    await _goes_with_another(stage, said)

    await stage.shortcut(said, Shortcut.ADD)

    assert "The message is on its way to ticket 2000." == (await stage.whispered())[-1]
    assert "2" == (await _waiting(stage, said)).work.under.ticket_id
