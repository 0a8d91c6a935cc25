"""Workers and servers are killed while a pretend desk refuses, loses answers and commits late; then all is compared.

    python tests/store/crash.py DIRECTORY [--ops 400] [--seed 1] [--mutant settle|look|guard]

The last line is JSON: operations, kills by kind, and what was lost, doubled or out of order. A mutant leaves out one of
the three rules on which the promise rests, and must be found out.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from bot.conversion.ports import LeaseLost, NewOp, Outcome, StoreAway
from bot.store.server import NoServer, _lock, attach_or_start, stop
from bot.store.store import Store

LANES = [f"T1:C1:1700000{i:03d}.000100" for i in range(20)]
LEASE = timedelta(milliseconds=400)
LATE = 0.2
"""Seconds after which a call takes effect no more."""
SETTLE = LATE + 0.2
WORKERS = 3
PATIENCE = 5.0
"""Seconds without anything new at the desk after which what is missing is lost."""


class NotDone(Exception):
    """The desk says that it did nothing."""


class Unknown(Exception):
    """The desk did not say."""


class Desk:
    """An append-only file, and the ways in which a desk disappoints."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "desk"
        self._file.touch()
        self._late: set[asyncio.Task[None]] = set()

    def lines(self) -> list[tuple[str, int]]:
        """What is there, in the order in which it came: lane and number."""
        words = (line.split() for line in self._file.read_text().splitlines())
        return [(lane, int(number)) for lane, number in words]

    def _append(self, lane: str, number: int, began: float) -> bool:
        """Whether it was done; a desk gives up a call that is too old, however long we or it were held up."""
        if time.time() > began + LATE:
            return False
        with self._file.open("a") as file:
            file.write(f"{lane} {number}\n")
        return True

    async def _append_late(self, lane: str, number: int, began: float) -> None:
        await asyncio.sleep(random.uniform(0.05, LATE))
        self._append(lane, number, began)

    async def call(self, lane: str, number: int, began: float) -> None:
        """Write one down, or not, or say that it is not known."""
        fate = random.random()
        await asyncio.sleep(random.uniform(0, 0.01))
        if fate < 0.05:
            raise NotDone
        if fate < 0.12:
            self._late.add(asyncio.create_task(self._append_late(lane, number, began)))
            raise Unknown
        if not self._append(lane, number, began) or fate < 0.17:
            raise Unknown


class Worker:
    """The rules in their shortest form; the product's own worker is bot/conversion/worker.py."""

    def __init__(self, store: Store, directory: Path, mutant: str) -> None:
        self._lanes = store.lanes
        self._desk = Desk(directory)
        self._thread = directory / "slack"
        self._mutant = mutant
        self._settle = 0 if mutant == "settle" else SETTLE

    async def run(self) -> None:
        """Until killed."""
        while True:
            try:
                leases = await self._lanes.claim(8)
                await asyncio.gather(*(self._lane(lease) for lease in leases))
                if not leases:
                    await self._lanes.wake(timedelta(seconds=0.2))
            except StoreAway:
                await asyncio.sleep(0.05)

    async def _lane(self, lease):
        with suppress(LeaseLost, StoreAway):
            head = await self._lanes.head(lease)
            while head is not None:
                if head.resync and self._mutant != "guard":
                    await self._lanes.add(
                        [op_of(lane, n, "calling") for lane, n in read(self._thread) if lane == lease.lane]
                    )
                    await self._lanes.resynced(lease)
                    head = await self._lanes.head(lease)
                    continue
                head = await self._carry_out(lease, head)

    async def _carry_out(self, lease, head):
        record = json.loads(head.payload)
        number = int(head.id)
        if head.verify and self._mutant != "guard":  # whatever it says: a later call may be forgotten, and be under way
            record = {"state": "calling", "t": time.time()}
        there = False
        if record["state"] == "calling" and self._mutant != "look":
            left = record["t"] + self._settle - time.time()
            if left > 0:
                return await self._lanes.retry(lease, head.id, json.dumps(record), delay=timedelta(seconds=left + 0.01))
            there = (lease.lane, number) in self._desk.lines()
        if not there:
            record = {"state": "calling", "t": time.time()}
            await self._lanes.save(lease, head.id, json.dumps(record))
            try:
                await self._desk.call(lease.lane, number, record["t"])
            except (NotDone, Unknown) as trouble:
                record["state"] = "new" if isinstance(trouble, NotDone) else "calling"
                return await self._lanes.retry(lease, head.id, json.dumps(record), delay=timedelta(seconds=0.02))
        return await self._lanes.done(lease, head.id, Outcome())


def op_of(lane: str, number: int, state: str) -> NewOp:
    """The operation that brings one message; ``calling``: it may be there already."""
    return NewOp(lane=lane, id=str(number), order=number, payload=json.dumps({"state": state, "t": time.time()}))


def read(file: Path) -> list[tuple[str, int]]:
    """What people wrote so far."""
    return [(lane, int(number)) for lane, number in (line.split() for line in file.read_text().splitlines())]


class Run:
    """One run: people write, workers work, the seed decides who dies when."""

    def __init__(self, directory: Path, ops: int, seed: int, mutant: str) -> None:
        self._directory, self._mutant = directory, mutant
        self._data, self._copy, self._slack = directory / "data", directory / "copy", directory / "slack"
        self._chance = random.Random(seed)
        self._ops = [(LANES[i % len(LANES)], i) for i in range(ops)]
        self._workers: list[int] = []
        self._kills: Counter[str] = Counter()

    def run(self) -> dict[str, object]:
        """All of it; the comparison."""
        self._slack.touch()
        url = asyncio.run(attach_or_start(self._data)).url
        self._workers = [self._fork(url) for _ in range(WORKERS)]
        for start in range(0, len(self._ops), 10):
            asyncio.run(self._write(url, self._ops[start : start + 10]))
            self._do_harm(url)
        asyncio.run(self._write(url, [(lane, len(self._ops) + i) for i, lane in enumerate(LANES)]))
        self._wait_for_all(url)
        for worker in self._workers:
            self._kill(worker)
        asyncio.run(stop(asyncio.run(attach_or_start(self._data))))
        return self._compare()

    def _fork(self, url: str) -> int:
        if worker := os.fork():
            return worker
        try:
            asyncio.run(work(url, self._directory, self._mutant))
        finally:
            os._exit(1)

    def _kill(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)

    async def _write(self, url: str, ops: list[tuple[str, int]]) -> None:
        """Each message is in Slack first, and is handed to us until we have taken it."""
        with self._slack.open("a") as file:
            file.writelines(f"{lane} {number}\n" for lane, number in ops)
        async with Store.open(url, lease=LEASE) as store:
            for _ in range(2 if self._chance.random() < 0.2 else 1):
                await store.lanes.add([op_of(lane, number, "new") for lane, number in ops])

    def _do_harm(self, url: str) -> None:
        time.sleep(0.02)
        fate = self._chance.random()
        if fate < 0.5:
            self._kills["worker"] += 1
            self._kill(self._workers.pop(self._chance.randrange(WORKERS)))
            self._workers.append(self._fork(url))
        elif fate < 0.6:
            shutil.rmtree(self._copy, ignore_errors=True)
            shutil.copytree(self._data / "appendonlydir", self._copy)
        elif fate < 0.75:
            self._kill_server(back=self._copy.exists())

    def _kill_server(self, *, back: bool) -> None:
        self._kills["rollback" if back else "redis"] += 1
        os.kill(int((self._data / "server.pid").read_text()), signal.SIGKILL)
        while not held(self._data):
            time.sleep(0.005)
        if back:
            shutil.rmtree(self._data / "appendonlydir")
            shutil.move(self._copy, self._data / "appendonlydir")
        asyncio.run(attach_or_start(self._data))

    def _wait_for_all(self, url: str) -> None:
        wanted, seen, moved = set(read(self._slack)), 0, time.monotonic()
        while (there := set(Desk(self._directory).lines())) < wanted and time.monotonic() < moved + PATIENCE:
            if len(there) > seen:
                seen, moved = len(there), time.monotonic()
            time.sleep(0.05)
        time.sleep(2 * SETTLE)  # what is doubled late must be seen as well

    def _compare(self) -> dict[str, object]:
        wrote, there = read(self._slack), Desk(self._directory).lines()
        times = Counter(there)
        firsts = list(dict.fromkeys(there))
        return {
            "ops": len(wrote),
            "kills": dict(self._kills),
            "lost": sum(1 for op in wrote if op not in times),
            "duplicated": sum(count - 1 for count in times.values()),
            "out_of_order": sum(1 for lane in LANES if (got := [n for at, n in firsts if at == lane]) != sorted(got)),
        }


def held(data: Path) -> bool:
    """Whether the lock on the data is free, which means that the server is dead."""
    with _lock(data) as lock:
        return lock is not None


async def work(url: str, directory: Path, mutant: str) -> None:
    """A worker process."""
    random.seed()
    while True:
        with suppress(StoreAway, NoServer):
            async with Store.open(url, lease=LEASE, patience=1) as store:
                await Worker(store, directory, mutant).run()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--ops", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", default="", choices=["", "settle", "look", "guard"])
    chosen = parser.parse_args()
    print(json.dumps(Run(chosen.directory, chosen.ops, chosen.seed, chosen.mutant).run()))  # noqa: T201


if __name__ == "__main__":
    main()
