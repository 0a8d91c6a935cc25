"""A desk that cannot be searched, and a store's server that began another run: how often a person is asked."""

import pytest

from adapters.contract import Reconcile
from bot.conversion.decisions import Decision, decided
from bot.store.keys import shard_of
from tests.conversion.test_conversion_worker import THREAD, opened, reply


async def another_run(house):
    """What stands in the thread's lane was stored in an earlier run of the server."""
    ops = shard_of(str(THREAD), house.store.lanes._shards).key("ops")
    for field, record in (await house.store.connection.do("HGETALL", ops)).items():
        await house.store.connection.do("HSET", ops, field, "abc" + record[record.index("|") :])


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
