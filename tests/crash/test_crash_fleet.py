"""Two fronts and four workers as processes share the work, take over from the dead, and hand back when they stop."""

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest

from bot.store.keys import Shard
from bot.store.store import Store
from tests.crash.ledger import Ledger
from tests.crash.people import People
from tests.crash.town import Waits, town

LEASE = 2.0
MESSAGES, THREADS = 600, 24
FAIR = MESSAGES // 4 // 3
"""What each of four workers does at least; chance alone would give each a quarter."""
STOPS_WITHIN = 10.0

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]


class Office:
    """A town without harm, in which people write into threads that have a ticket."""

    def __init__(self, place):
        self.place, self.ledger = place, Ledger()
        self.people = People(place, self.ledger, random.Random(1))

    async def at_the_desk(self):
        """How often each message is on a ticket."""
        agents = self.place.agents
        tickets = [await agents.ticket(ticket.id) for ticket in await agents.tickets()]
        texts = [message.text for ticket in tickets for message in ticket.messages]
        return Counter(said.versions[0] for said in self.ledger.said for text in texts if said.versions[0] in text)

    async def all_there(self):
        """Wait until every message is at the desk; True where each is there once."""
        while len(found := await self.at_the_desk()) < len(self.ledger.said):  # noqa: ASYNC110 - a desk has no event
            await asyncio.sleep(0.5)
        return set(found.values()) == {1}

    async def holders(self):
        """Which lanes are held, and by which lease."""
        async with Store.open(self.place.server.url) as store:
            found = [await store.connection.do("HGETALL", Shard(number).key("holder")) for number in range(16)]
        return {lane: token for shard in found for lane, token in shard.items()}

    def shares(self, log):
        """How many messages each process brought to the desk."""
        lines = [line.split() for line in log.read_text().splitlines() if " add_message done" in line]
        return Counter(words[0] for words in lines)

    def ends(self, name):
        """Take a process out of the fleet, so that nobody starts it again; its process id."""
        del self.place.fleet.plans[name]
        return self.place.fleet.pids[name]


@asynccontextmanager
async def office(folder):
    async with town("local", folder, seed=1, fronts=2, workers=4, often=0.0, waits=Waits(LEASE)) as place:
        one = Office(place)
        for _ in range(THREADS):
            await one.people.open_from_thread()
        assert await one.all_there()
        yield one


async def test_four_workers_share_evenly_and_take_over_within_the_lease_and_five_seconds(tmp_path):
    async with office(tmp_path) as one:
        for _ in range(MESSAGES):
            await one.people.reply()
        assert await one.all_there()
        shares = one.shares(tmp_path / "bots.log")
        assert 4 == len(shares)
        assert min(shares.values()) >= FAIR, shares

        for _ in range(THREADS * 2):
            await one.people.reply()
        one.ends("worker-0")
        one.place.fleet.kill("worker-0")
        held = await one.holders()
        await asyncio.sleep(LEASE + 5)
        now = await one.holders()

        assert {} == {lane: token for lane, token in now.items() if held.get(lane) == token}
        assert await one.all_there()


async def test_a_stop_hands_back_what_is_in_hand_and_others_go_on_at_once(tmp_path):
    async with office(tmp_path) as one:
        writing = asyncio.create_task(_write(one, MESSAGES // 4))
        await asyncio.sleep(2)
        names = [f"worker-{number}" for number in range(4)]
        plans = {name: one.place.fleet.plans[name] for name in names}
        pids = [one.ends(name) for name in names]
        began = time.monotonic()
        for name in names:
            one.place.fleet.terminate(name)
        while any(_lives(pid) for pid in pids):  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(0.05)

        assert time.monotonic() < began + STOPS_WITHIN
        assert {} == await one.holders()
        one.place.fleet.plans.update(plans)
        await writing
        assert await one.all_there()


async def _write(one, messages):
    for _ in range(messages):
        await one.people.reply()


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
