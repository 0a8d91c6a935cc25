"""Rules of the product left out one at a time; the crash tests must find each of them missing."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from bot.conversion import intake, ops, pull, run, verdicts
from bot.conversion.journal import Journal
from bot.conversion.ops import new_op
from bot.conversion.ports import Lease, NewOp
from bot.conversion.records import AddMessage, Delivered, ThreadKey
from bot.conversion.stamps import microseconds
from bot.slack import web
from bot.slack.batch import StoreFirst
from bot.store import lanes
from bot.store.links import RedisLinks
from tests.crash.tuning import put


def no_settle_wait() -> None:
    """Look for a change at once, although it may still be on its way."""
    once = Journal.once

    async def hasty(journal: Journal, *args: Any, **kwargs: Any) -> str:
        return await once(journal, *args, **kwargs | {"settle": timedelta(), "longest": timedelta()})

    def impatient(error: Exception, **known: Any) -> verdicts.Verdict:
        return verdicts.verdict(error, **known | {"settle": timedelta()})

    put(Journal, "once", hasty)
    put(run, "verdict", impatient)


def no_reconciliation() -> None:
    """Find nothing, ever."""

    async def blind(*_: object, **__: object) -> None:
        return None

    put(Journal, "_find", blind)


def no_run_id_guard() -> None:
    """Believe a server that was restarted or set back."""
    head = lanes.RedisLanes._head

    def trusting(self: lanes.RedisLanes, lease: Lease, answer: Any) -> Any:
        return head(self, lease, [*answer[:4], 0, 0, 0, *answer[7:]] if answer else answer)

    put(lanes.RedisLanes, "_head", trusting)


def ack_before_store() -> None:
    """Acknowledge an event, and store it a little later."""
    store = StoreFirst.event
    kept: set[asyncio.Task[None]] = set()

    async def later(door: StoreFirst, body: dict[str, Any], retry: int) -> None:
        await asyncio.sleep(0.3)
        await store(door, body, retry)

    async def hasty(door: StoreFirst, body: dict[str, Any], retry: int) -> None:
        task = asyncio.create_task(later(door, body, retry))
        kept.add(task)
        task.add_done_callback(kept.discard)

    put(StoreFirst, "event", hasty)


def dedupe_by_event_id() -> None:
    """Know a message only by the delivery that brought it, not by what it is."""
    known, all_known = RedisLinks.delivered, RedisLinks.deliveries

    def mirror_op(thread: ThreadKey, work: AddMessage, *, parted: int | None) -> NewOp:
        return new_op(str(thread), bringing(), microseconds(work.ts), work, parted=parted, linked_only=True)

    def bringing(*_: str) -> str:
        return f"msg:{secrets.token_hex(8)}"

    async def delivered(links: RedisLinks, thread: ThreadKey, ts: str) -> Delivered | None:
        return None if "." in ts else await known(links, thread, ts)

    async def deliveries(links: RedisLinks, thread: ThreadKey) -> dict[str, Delivered]:
        return {ts: where for ts, where in (await all_known(links, thread)).items() if "." not in ts}

    put(ops, "bringing", bringing)
    put(intake, "mirror_op", mirror_op)
    put(RedisLinks, "delivered", delivered)
    put(RedisLinks, "deliveries", deliveries)


def watermark_first() -> None:
    """Note an agent's message as brought before it is."""
    bring = pull._Pull.bring

    async def forgetful(looking: Any, message: Any) -> None:
        await looking.rooms.links.update(looking.link.thread, lambda now: now.model_copy(update={"seen": message.id}))
        await bring(looking, message)

    async def kept(*_: Any, **__: Any) -> None:
        pass

    put(pull._Pull, "bring", forgetful)
    put(pull._Pull, "keep", kept)


def sdk_retries() -> None:
    """Post again where the connection broke, as Slack's SDK does unless it is told not to."""
    put(web, "_NEVER_REPEATED", frozenset())


MUTANTS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {
        "no settle wait": no_settle_wait,
        "no reconciliation": no_reconciliation,
        "no run_id guard": no_run_id_guard,
        "ack before store": ack_before_store,
        "dedupe by event id only": dedupe_by_event_id,
        "watermark before delivery": watermark_first,
        "SDK retries on": sdk_retries,
    }
)
