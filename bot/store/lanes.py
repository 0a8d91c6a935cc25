"""The lanes: queues that keep the order of each thread, as scripts that run inside Redis (scripts/*.lua).

Each script is one step that happens wholly or not at all, and may run twice. The server's clock counts, never ours.
A lane is worked on by whoever holds its token; the lease's end is the time at which the lane is due again.
"""

import itertools
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from typing_extensions import override

from bot.conversion.decisions import in_part, opened_with
from bot.conversion.ops import said_at
from bot.conversion.ports import Added, Head, Lanes, Lease, LeaseLost, NewOp, Outcome, Parked
from bot.conversion.records import (
    AddMessage,
    Delivered,
    EditMessage,
    OpenTicket,
    SlackEvent,
    decode,
    delivered_from,
    link_from,
    stored_form,
)
from bot.conversion.stamps import making
from bot.conversion.stored import UnknownVersion
from bot.store.bell import Bell
from bot.store.cipher import OPEN, Cipher
from bot.store.connection import Call, Connection
from bot.store.gauges import backlog
from bot.store.keys import Shard, shard_of, thread_of
from bot.store.links import drop_ways_back, scan, write_ways_back

REMEMBER = timedelta(days=7)
"""How long an operation that was done is not accepted again."""
LEASE = timedelta(seconds=30)
LOOK = timedelta(seconds=1)
"""A worker looks for due lanes everywhere at least so often, and in between only where it rang."""
BREATH = timedelta(milliseconds=20)
"""A worker that finds lanes due and can take no more of them asks again no sooner."""
LEFT = 10
"""So many times the length of a lease after the last sign of it, whoever had the lane is not at it any more."""
AT_ONCE = 500
"""Operations or lanes that one script takes, so that no script keeps the server for long."""
_ADDED = {one.value: one for one in Added}
LOST = -1
"""What a script answers to whoever does not hold the lane (any more)."""
BEHIND = "behind"
"""What ``add`` answers where something goes no straight way to its ticket; it was not stored then."""
NEWER = 2
"""What ``save`` answers where a newer text waits to take an operation's place."""


def milliseconds(span: timedelta) -> int:
    """*span* as the scripts want it."""
    return round(span.total_seconds() * 1000)


class RedisLanes(Lanes):
    """Lanes on one server, on a Cluster, or behind Sentinel."""

    def __init__(
        self,
        connection: Connection,
        shards: int,
        *,
        lease: timedelta = LEASE,
        replicas: int = 0,
        cipher: Cipher = OPEN,
    ) -> None:
        self._connection = connection
        self._cipher = cipher
        # lane -> what was handed out of it last: payload, as it is stored, and when its lease was last known to be good
        self._handed: dict[str, tuple[str, str, float]] = {}
        self._replicas = replicas
        self._shards = shards
        self._lease = milliseconds(lease)
        self._bell = Bell(connection)
        self._look_at = 0.0
        self._process, self._count = secrets.token_hex(12), itertools.count()

    def _call(self) -> str:
        """A name for a call, which no other has in any process."""
        return f"{self._process}{next(self._count):x}"

    def _shard(self, lane: str) -> Shard:
        return shard_of(lane, self._shards)

    @override
    async def add(self, ops: Sequence[NewOp]) -> list[Added]:
        return await self._add(ops)

    async def add_gathered(self, ops: Sequence[NewOp]) -> list[Added]:
        """`add`, for whoever has gathered already what goes together."""
        return await self._add(ops, gathered=True)

    async def _add(self, ops: Sequence[NewOp], *, gathered: bool = False) -> list[Added]:
        if self._cipher.closes:  # no script can look into a link then
            ops = [op.behind() if op.behind else op for op in ops]
        batches = self._batches(ops)
        calls = [_add_call(shard, [ops[i] for i in mine], self._cipher) for shard, mine in batches]
        answers = await self._connection.run_copied(calls, self._replicas, gathered=gathered)
        self._bell.ring({shard.number for shard, _ in batches})
        words = [""] * len(ops)
        for (_, mine), answer in zip(batches, answers, strict=True):
            for i, word in zip(mine, answer, strict=True):
                words[i] = word
        if BEHIND in words:
            events = [(i, later) for i, op in enumerate(ops) if words[i] == BEHIND and (later := op.behind)]
            stored = await self._add([later() for _, later in events], gathered=gathered)
            for (i, _), added in zip(events, stored, strict=True):
                words[i] = added
        return [_ADDED[word] for word in words]

    async def note_run(self) -> None:
        """Write down in each shard which run of the server this is, so that a later one is known to be another."""
        await self._connection.run_many([("add", Shard(number).all, []) for number in range(self._shards)])

    def _batches(self, ops: Sequence[NewOp]) -> list[tuple[Shard, list[int]]]:
        places: dict[Shard, list[int]] = {}
        for i, op in enumerate(ops):
            if not op.id or not op.lane or "|" in op.lane:
                raise ValueError("an operation needs an id, and a lane whose name has no |")
            places.setdefault(self._shard(op.lane), []).append(i)
        return [
            (shard, mine[start : start + AT_ONCE])
            for shard, mine in places.items()
            for start in range(0, len(mine), AT_ONCE)
        ]

    @override
    async def peek(self, lane: str, op: str) -> str | None:
        shard, field = self._shard(lane), f"{lane}|{op}"
        waiting, parked = await self._connection.do_many(
            [("HGET", shard.key("ops"), field), ("HGET", shard.key("parked"), field)]
        )
        if waiting is not None:
            return self._opened(field, waiting)
        return None if parked is None else self._parked(field, parked).payload

    @override
    async def claim(self, limit: int) -> list[Lease]:
        if limit < 1:
            return []
        rung, now = self._bell.take(), time.monotonic()
        everywhere = rung is None or now >= self._look_at
        shards = [Shard(number) for number in (range(self._shards) if rung is None or everywhere else rung)]
        if not shards:
            return []
        if everywhere:
            self._look_at = now + LOOK.total_seconds()
            self._forget_left()
        random.shuffle(shards)
        each, over = divmod(min(limit, AT_ONCE), len(shards))
        leases, due = await self._claims({shard: each + (i < over) for i, shard in enumerate(shards)})
        if quotas := _share(min(limit, AT_ONCE) - len(leases), due):
            leases += (await self._claims(quotas))[0]
        return leases

    async def _claims(self, quotas: dict[Shard, int]) -> tuple[list[Lease], dict[Shard, int]]:
        """Leases, at most so many from each shard, and how many more lanes of each are due."""
        tokens = [secrets.token_hex(8) for _ in quotas]
        calls: list[Call] = [
            ("claim", [*shard.all, shard.claimed(token)], [quota, self._lease, token])
            for (shard, quota), token in zip(quotas.items(), tokens, strict=True)
        ]
        leases, due = [], {}
        for shard, token, answer in zip(quotas, tokens, await self._connection.run_many(calls), strict=True):
            due[shard], wait, *lanes = answer
            leases += [Lease(lane=lane, token=token) for lane in lanes]
            if wait >= 0:
                self._look_in(wait / 1000)
        return leases, due

    def _forget_left(self) -> None:
        """Keep no text of lanes that were left, as where the store went away: another process may go on with them."""
        left = time.monotonic() - LEFT * self._lease / 1000
        for lane in [lane for lane, (*_, at) in self._handed.items() if at < left]:
            del self._handed[lane]

    def _look_in(self, seconds: float) -> None:
        """Have the next look everywhere at the latest so soon."""
        self._look_at = min(self._look_at, time.monotonic() + seconds)

    @override
    async def head(self, lease: Lease) -> Head | None:
        queue = self._shard(lease.lane).queue(lease.lane)
        return self._head(lease, await self._leased("head", lease, self._lease, extra=[queue]))

    @override
    async def save(self, lease: Lease, op: str, payload: str) -> bool:
        return bool(await self._leased("save", lease, self._lease, op, self._closed(lease, op, payload)) == NEWER)

    @override
    async def extend(self, lease: Lease) -> None:
        await self._leased("extend", lease, self._lease)

    @override
    async def resynced(self, lease: Lease) -> None:
        await self._leased("extend", lease, self._lease, "resynced")

    @override
    async def done(self, lease: Lease, op: str, outcome: Outcome) -> Head | None:
        shard, thread = self._shard(lease.lane), thread_of(lease.lane)
        extra = [shard.queue(lease.lane), shard.memory(lease.lane, op), shard.delivered(thread), shard.partings]
        link = "" if outcome.link is None else self._cipher.close(stored_form(outcome.link), thread)
        delivered = [text for ts, record in outcome.delivered.items() for text in (ts, stored_form(record))]
        if any(self._shard(following.lane) != shard for following in outcome.then):
            raise ValueError("what follows in the same step is for the same thread")
        keys, following = _added(shard, outcome.then, self._cipher)
        before = None
        if outcome.link is not None:
            await write_ways_back(self._connection, outcome.link)
        elif outcome.unlink:
            before = await self._connection.do("HGET", shard.key("links"), thread)
        unlink = "unlink" if outcome.unlink else ""
        answer = await self._leased(
            "done",
            lease,
            self._lease,
            self._call(),
            op,
            int(REMEMBER.total_seconds()),
            link,
            unlink,
            "untouched" if outcome.untouched else "",
            len(outcome.delivered),
            *delivered,
            *following,
            extra=[*extra, *keys],
        )
        if following:
            self._bell.ring({shard.number})
        if before is not None:
            await drop_ways_back(self._connection, link_from(self._cipher.open(before, thread)))
        return self._head(lease, answer)

    @override
    async def retry(self, lease: Lease, op: str, payload: str, *, delay: timedelta, begun: bool = True) -> None:
        handed, stored, _ = self._handed.pop(lease.lane, ("", "", 0.0))
        as_it_was = stored if payload == handed else self._closed(lease, op, payload)
        await self._leased("retry", lease, milliseconds(delay), op, as_it_was, "begun" if begun else "")
        self._look_in(delay.total_seconds())

    @override
    async def park(self, lease: Lease, op: str, payload: str, *, begun: bool = True) -> Head | None:
        queue, closed = self._shard(lease.lane).queue(lease.lane), self._closed(lease, op, payload)
        args = (self._lease, self._call(), op, closed, "begun" if begun else "")
        answer = await self._leased("park", lease, *args, extra=[queue])
        return self._head(lease, answer)

    @override
    async def hold(self, lease: Lease, op: str, payload: str, *, begun: bool = True, linked: bool = False) -> None:
        self._handed.pop(lease.lane, None)
        wish = "begun" if begun else "", "linked" if linked else ""
        await self._leased("hold", lease, op, self._closed(lease, op, payload), *wish)

    async def _leased(self, script: str, lease: Lease, *args: str | int, extra: Sequence[str] = ()) -> Any:
        keys = [*self._shard(lease.lane).all, *extra]
        answer = await self._connection.run(script, keys, [lease.lane, lease.token, *args])
        if answer == LOST:
            self._handed.pop(lease.lane, None)
            raise LeaseLost(lease.lane)
        if known := self._handed.get(lease.lane):
            self._handed[lease.lane] = *known[:2], time.monotonic()
        return answer

    @override
    async def parked(self, *, naming: str = "") -> AsyncIterator[Parked]:
        for shard in map(Shard, range(self._shards)):
            async for field, record in scan(self._connection, shard.key("parked")):
                if naming in (parked := self._parked(field, record)).payload:
                    yield parked
            lanes = [one async for one in scan(self._connection, shard.key("held"))]
            for start in range(0, len(lanes), AT_ONCE):
                some = [(lane, *held.partition("|")[::2]) for lane, held in lanes[start : start + AT_ONCE]]
                asked = [("HGET", shard.key("ops"), f"{lane}|{op}") for lane, _, op in some]
                for (lane, at, op), record in zip(some, await self._connection.do_many(asked), strict=True):
                    if record is not None and naming in (held := self._held(lane, op, at, record)).payload:
                        yield held

    @override
    async def find_parked(self, lane: str, op: str) -> Parked | None:
        field = f"{lane}|{op}"
        record = await self._connection.do("HGET", self._shard(lane).key("parked"), field)
        if record is not None:
            return self._parked(field, record)
        held = await self.held(lane)
        return held if held is not None and held.id == op else None

    @override
    async def held(self, lane: str) -> Parked | None:
        shard = self._shard(lane)
        held = await self._connection.do("HGET", shard.key("held"), lane)
        if held is None:
            return None
        at, _, op = held.partition("|")
        record = await self._connection.do("HGET", shard.key("ops"), f"{lane}|{op}")
        return None if record is None else self._held(lane, op, at, record)  # None: released in between

    @override
    async def unpark(self, lane: str, op: str, payload: str | None) -> bool:
        if payload is None:
            return await self._unpark(lane, op, "drop", *await self._known(lane, op))
        return await self._unpark(lane, op, "put", self._cipher.close(payload, f"{lane}|{op}"))

    async def _unpark(self, lane: str, op: str, *what: str) -> bool:
        shard, remember = self._shard(lane), int(REMEMBER.total_seconds())
        keys = [*shard.all, shard.queue(lane), shard.memory(lane, op), shard.delivered(thread_of(lane))]
        return bool(await self._connection.run("unpark", keys, [lane, op, remember, *what]))

    async def _known(self, lane: str, op: str) -> tuple[str, ...]:
        """Timestamp of a Slack message and what is known of it once this is dropped: not to be sent, or not so edited.

        Where a part of it is on the ticket, that part is known; so are all messages with which a ticket was opened. It
        lasts as long as the link, and so longer than the memory of an operation.
        """
        try:
            operation = decode(await self.peek(lane, op) or "")
        except UnknownVersion:
            return ()
        work, shard, do = operation.work, self._shard(lane), self._connection.do
        key = shard.delivered(thread_of(lane))
        if isinstance(work, OpenTicket) and op == making(lane, int(await do("HGET", shard.partings, lane) or 0)):
            there = opened_with(operation)  # the name says that the thread was not parted from that ticket since
            stored_of = await self._connection.do_many([("HGET", key, ts) for ts in there])
            new = [ts for ts, stored in zip(there, stored_of, strict=True) if stored is None]
            return tuple(text for ts in new for text in (ts, stored_form(there[ts])))
        ts = said_at(work.body) if isinstance(work, SlackEvent) else getattr(work, "ts", "")
        if not isinstance(work, AddMessage | EditMessage | SlackEvent) or not ts:
            return ()
        stored = await do("HGET", key, ts)
        known = delivered_from(stored) if stored else Delivered(message_id="", gone=True)
        if not known.message_id:
            known = in_part(operation) or known
        if isinstance(work, EditMessage):
            known = known.model_copy(update={"edited": work.edited})
        return ts, stored_form(known)

    async def everything(self) -> AsyncIterator[tuple[str, str, str]]:
        """Lane, id and payload of all that waits, stands behind what is in hand, or is parked. Raises StoreAway."""
        for shard in map(Shard, range(self._shards)):
            for key, before in (("ops", 2), ("again", 1), ("parked", 3)):
                async for field, record in scan(self._connection, shard.key(key)):
                    lane, _, op = field.partition("|")
                    yield lane, op, self._opened(field, record, before)

    async def forget(self, lane: str, op: str) -> bool:
        """Drop an operation wherever it is; False where a worker has it in hand. Raises StoreAway."""
        await self._unpark(lane, op, "forget", *await self._known(lane, op))
        return await self.peek(lane, op) is None

    @override
    async def nudge(self, lane: str) -> None:
        shard = self._shard(lane)
        await self._connection.run("nudge", shard.all, [lane])
        self._bell.ring([shard.number])

    @override
    async def waiting(self, lane: str) -> int:
        return int(await self._connection.do("ZCARD", self._shard(lane).queue(lane)))

    @override
    async def wake(self, at_most: timedelta) -> None:
        look = timedelta(seconds=self._look_at - time.monotonic())
        await self._bell.wait(min(at_most, max(look, BREATH)))

    @override
    async def backlog(self) -> dict[str, float]:
        return await backlog(self._connection, self._shards)

    async def aclose(self) -> None:
        """Stop listening for what others add."""
        await self._bell.aclose()

    def _head(self, lease: Lease, answer: Any) -> Head | None:
        if answer is None:
            self._handed.pop(lease.lane, None)
            return None
        op, stored, waiting, link, verify, resync, waited, deaths = answer
        payload = self._cipher.open(stored, f"{lease.lane}|{op}")
        if self._cipher.closes:
            self._handed[lease.lane] = payload, stored, time.monotonic()
        return Head(
            id=op,
            payload=payload,
            waiting=waiting,
            link=None if link is None else link_from(self._cipher.open(link, thread_of(lease.lane))),
            verify=bool(int(verify)),
            restarted=float(verify),
            resync=bool(resync),
            waited=bool(waited),
            deaths=deaths,
        )

    def _closed(self, lease: Lease, op: str, payload: str) -> str:
        return self._cipher.close(payload, f"{lease.lane}|{op}")

    def _opened(self, field: str, record: str, before: int = 2) -> str:
        """The payload of a record, which so many other parts go before."""
        return self._cipher.open(record.split("|", before)[before], field)

    def _parked(self, field: str, record: str) -> Parked:
        lane, _, op = field.partition("|")
        at = _time(record.partition("|")[0])
        return Parked(lane=lane, id=op, payload=self._opened(field, record, 3), parked_at=at, held=False)

    def _held(self, lane: str, op: str, at: str, record: str) -> Parked:
        payload = self._opened(f"{lane}|{op}", record)
        return Parked(lane=lane, id=op, payload=payload, parked_at=_time(at), held=True)


def _add_call(shard: Shard, ops: Sequence[NewOp], cipher: Cipher = OPEN) -> Call:
    keys, args = _added(shard, ops, cipher)
    return "add", [*shard.all, *keys], args


def _added(shard: Shard, ops: Sequence[NewOp], cipher: Cipher) -> tuple[list[str], list[str | int]]:
    """Keys and arguments of *ops* as scripts/adding.lua wants them."""
    keys, args, closes = list[str](), list[str | int](), cipher.closes
    for lane, op, order, payload, delay, linked_only, replace, instead, makes_link, begun, anew, behind in ops:
        wish = ("l" if linked_only else "") + ("r" if replace else "") + ("s" if instead else "")
        wish += ("m" if makes_link else "") + ("b" if begun else "") + ("a" if anew else "") + ("e" if behind else "")
        keys += (shard.queue(lane), shard.memory(lane, op))
        closed = cipher.close(payload, f"{lane}|{op}") if closes else payload
        args += (f"{order}|{milliseconds(delay) if delay else 0}|{wish}", closed)
    return keys, args


def _share(limit: int, due: dict[Shard, int]) -> dict[Shard, int]:
    """*limit* claims dealt out one by one over the shards that have lanes due, so that none goes hungry."""
    rounds = [(turn, i, shard) for i, (shard, lanes) in enumerate(due.items()) for turn in range(min(lanes, limit))]
    return dict(Counter(shard for _, _, shard in sorted(rounds, key=lambda deal: deal[:2])[: max(limit, 0)]))


def _time(at: str) -> datetime:
    return datetime.fromtimestamp(int(at) / 1000, UTC)
