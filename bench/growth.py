"""What grows with use: threads that are imported, links, a backlog; and what a start costs."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from typing_extensions import override

from bench.door import link
from bench.load import CHANNEL, TEAM, root
from bench.measuring import MEASURED, Figure, Line, cpu_seconds, keeper, median, memory, quantile, stay_on
from bench.office import Office, office
from bot.conversion.intake import Intake
from bot.conversion.ports import Lease, Outcome
from bot.conversion.records import AddMessage, OpenTicket, ThreadKey
from bot.store.connection import Connection
from bot.store.lanes import RedisLanes
from bot.store.links import RedisLinks
from bot.store.store import Store

THREADS = (10, 100, 1_000, 10_000)
LINKS = (1, 1_000, 100_000, 1_000_000)
BACKLOGS = (100, 1_000, 10_000, 50_000)
AT_ONCE = 200
_ONE, _TOGETHER = 98_765_432, 5_000
"""The number of the link that is the pattern of all others, and how many are written at a time."""
PATIENCE = 120.0


async def imports(*, most: int = THREADS[-1]) -> list[Line]:
    """Seconds until a thread of so many messages is on its ticket at the local desk."""
    lines: list[Line] = []
    async with office() as place, place.bot(paced=False) as bot:
        for length in (length for length in THREADS if length <= most):
            thread = _thread(place, length)
            await asyncio.sleep(1.5)  # Slack takes one post a second in a channel, and the last was there, too
            cpu, began = cpu_seconds(bot.pid), time.perf_counter()
            await _imported(place, thread)
            took = time.perf_counter() - began
            await _is_whole(place, length)
            lines.append(
                Figure(
                    row="import",
                    what=f"a thread of {length:,} messages",
                    value=took,
                    unit="s",
                    at=length,
                    along="messages",
                    more={
                        "ms_per_message": 1e3 * took / length,
                        "cpu_ms_per_message": 1e3 * (cpu_seconds(bot.pid) - cpu) / length,
                        "memory_mb": memory(bot.pid),
                    },
                )
            )
    return lines


def _thread(place: Office, length: int) -> str:
    """The timestamp of a new thread in the pretend Slack; nobody is told of its messages."""
    state, channel, tom = place.world.workspace.state, place.channel("it-help"), place.person("tom")
    first = ""
    for number in range(length):
        message = {"type": "message", "user": tom, "ts": state.new_ts(), "text": f"Message {number} of {length}."}
        if first:
            message["thread_ts"] = first
        first = first or message["ts"]
        state.add_message(channel, message, count=False)
    state.refresh_root(channel, first)
    return first


async def _imported(place: Office, ts: str) -> None:
    team, channel, tom = place.world.workspace.team_id, place.channel("it-help"), place.person("tom")
    async with Store.open(place.store.url) as store:
        work = OpenTicket(
            desk="demo", actor=tom, channel=channel, thread_ts=ts, subject=f"Thread {ts}", department="IT"
        )
        await Intake(store.lanes, store.links).open_ticket(team, work, once=ts)
        thread = ThreadKey(team=team, channel=channel, ts=ts)
        async with asyncio.timeout(PATIENCE):
            while (link := await store.links.get(thread)) is None or not link.card_ts:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def _is_whole(place: Office, length: int) -> None:
    """Raises RuntimeError: the ticket of a thread lacks messages, so that its figure would be of something else."""
    (newest, *_) = await place.world.agents.tickets()
    texts = "\n".join(message.text for message in (await place.world.agents.ticket(newest.id)).messages)
    if missing := [number for number in range(length) if f"Message {number} of {length}." not in texts]:
        raise RuntimeError(f"{len(missing)} of {length} messages are not on the ticket")


async def links(*, most: int = LINKS[-1], looks: int = 300) -> list[Line]:
    """Bytes of Redis for each link, and how long finding one takes."""
    lines: list[Line] = []
    with TemporaryDirectory(prefix="threadline-bench-") as folder:
        async with keeper(Path(folder), fsync="everysec") as kept, Store.open(kept.url) as store:
            made, empty = 0, await kept.used()
            for count in (count for count in LINKS if count <= most):
                await _put(store, kept.url, range(made, count))
                made = count
                took = []
                for number in range(looks):
                    thread = ThreadKey(team=TEAM, channel=CHANNEL, ts=root(number * 7919 % count))
                    began = time.perf_counter()
                    await store.links.get(thread)
                    took.append(time.perf_counter() - began)
                size = (await kept.used() - empty) / count
                lines.append(
                    Figure(
                        row="links",
                        what=f"{count:,} links, one found, p50",
                        value=1e6 * median(took),
                        unit="µs",
                        at=count,
                        along="links",
                        more={"p99_us": 1e6 * quantile(took, 0.99), "bytes_per_link": size if count > 1 else 0},
                    )
                )
    return lines


class _Collecting(Connection):
    """Keeps the commands that `RedisLinks` gives it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.client)
        self.held: list[Sequence[str | int]] = []

    @override
    async def do(self, *command: str | int) -> None:
        self.held.append(command)

    @override
    async def do_many(self, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        self.held += commands
        return []


async def _put(store: Store, url: str, numbers: range) -> None:
    """Links of these numbers, written as `RedisLinks` writes one, many thousands at a time."""
    collecting = _Collecting(store.connection)
    await RedisLinks(collecting, 1).put(link(_ONE))
    one, replies = b"".join(map(_packed, collecting.held)), len(b":1\r\n") * len(collecting.held)
    reader, writer = await asyncio.open_unix_connection(url.removeprefix("unix://"))
    for start in range(numbers.start, numbers.stop, _TOGETHER):
        some = range(start, min(numbers.stop, start + _TOGETHER))
        writer.write(b"".join(one.replace(b"%08d" % _ONE, b"%08d" % number) for number in some))
        await reader.readexactly(replies * len(some))
    writer.close()


def _packed(command: Sequence[str | int]) -> bytes:
    """A command as it goes over the wire."""
    parts = [str(part).encode() for part in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


async def backlog(*, most: int = BACKLOGS[-1]) -> list[Line]:
    """Operations a second into and out of the lanes while so many wait, each in a thread of its own."""
    lines: list[Line] = []
    with TemporaryDirectory(prefix="threadline-bench-") as folder:
        async with keeper(Path(folder)) as kept:
            for count in (count for count in BACKLOGS if count <= most):
                await kept.empty()
                async with Store.open(kept.url) as store:
                    began = time.perf_counter()
                    await _pile_up(store, count)
                    added = time.perf_counter() - began
                    used = await kept.used()
                    began = time.perf_counter()
                    await _empty(store.lanes, count)
                    done = time.perf_counter() - began
                lines.append(
                    Figure(
                        row="backlog",
                        what=f"{count:,} waiting, taken and finished",
                        value=count / done,
                        unit="operations/s",
                        at=count,
                        along="waiting",
                        more={"added_per_s": count / added, "redis_mb": used / 2**20},
                    )
                )
    return lines


async def _pile_up(store: Store, count: int) -> None:
    intake = Intake(store.lanes, store.links)
    for start in range(0, count, AT_ONCE):
        await asyncio.gather(*(_say(intake, number) for number in range(start, min(count, start + AT_ONCE))))


async def _say(intake: Intake, number: int) -> None:
    thread = ThreadKey(team=TEAM, channel=CHANNEL, ts=root(number))
    await intake.add_message(thread, AddMessage(actor="U0", ts=root(number), text="It is out now, but smells."))


async def _empty(lanes: RedisLanes, count: int) -> None:
    """Take and finish everything, twenty lanes at a time as a worker does, doing no work."""
    done = 0
    while done < count:
        leases = await lanes.claim(20)
        done += sum(await asyncio.gather(*(_finish(lanes, lease) for lease in leases)))


async def _finish(lanes: RedisLanes, lease: Lease) -> int:
    head, done = await lanes.head(lease), 0
    while head is not None:
        head, done = await lanes.done(lease, head.id, Outcome()), done + 1
    return done


async def start(*, rounds: int = 3) -> list[Line]:
    """Seconds until `threadline run` is ready, what it holds then and uses idly, and until `--help` has answered."""
    help_took = [_help() for _ in range(rounds)]
    least = [_python("pass") for _ in range(rounds)]
    async with office() as place:
        ready, held, idle = [], 0.0, 0.0
        for _ in range(rounds):
            began = time.perf_counter()
            async with place.bot() as bot:
                ready.append(time.perf_counter() - began)
                await asyncio.sleep(1)
                held, cpu = memory(bot.pid), cpu_seconds(bot.pid)
                await asyncio.sleep(3)
                idle = (cpu_seconds(bot.pid) - cpu) / 3
    return [
        Figure(
            row="start", what="until ready", value=median(ready), unit="s", more={"memory_mb": held, "idle_core": idle}
        ),
        Figure(
            row="start",
            what="threadline --help",
            value=median(help_took),
            unit="s",
            ratio=median(help_took) / median(least),
            against="python -c pass",
        ),
    ]


def _python(code: str, *more: str) -> float:
    command: Sequence[str] = [sys.executable, *(more or ("-c", code))]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: stay_on(MEASURED))
    return time.perf_counter() - began


def _help() -> float:
    return _python("", "-m", "bot", "--help")
