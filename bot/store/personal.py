"""What is kept about a person or a ticket: found for `threadline export`, taken out for `threadline forget`."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from bot.conversion.decisions import number_opened
from bot.conversion.mapped import Mapped
from bot.conversion.records import Asked, Link, Operation, Say, SlackEvent, Tell, decode
from bot.conversion.stored import UnknownVersion
from bot.store import keys
from bot.store.cipher import is_closed
from bot.store.connection import translating
from bot.store.keys import thread_of
from bot.store.store import Store

_AT_ONCE = 500
_WHOSE = frozenset({"actor", "requester", "user", "opened_by"})
"""Under these names records and Slack's events say whose they are; who is only mentioned is called otherwise."""
_OF_OTHERS = frozenset({"root", "files"})
"""What Slack puts into a message that may be somebody else's: what it answers, and files that are shared anew."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An operation that waits or is parked."""

    lane: str
    id: str
    operation: Operation

    @property
    def says(self) -> bool:
        """Whether it bears words or a wish of somebody, so that dropping it loses something."""
        return isinstance(self.operation.work, Asked | SlackEvent | Tell | Say)

    @property
    def opens(self) -> tuple[str, str]:
        """Desk and number of the ticket that it has opened, and that has no link before all of it is there."""
        return getattr(self.operation.work, "desk", ""), number_opened(self.operation.progress)

    @property
    def asks_about(self) -> str:
        """The thread whose parked work it asks somebody about, who is told where they are alone."""
        return thread_of(getattr(self.operation.work, "parked", "").partition("|")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All that is kept about somebody or something."""

    links: list[Link]
    work: list[Waiting]
    mapped: list[Mapped] = field(default_factory=list)
    forms: dict[str, Any] = field(default_factory=dict)  # key of an open form -> what it keeps
    unread: int = 0  # records of a newer Threadline, or under a key that we do not have: nobody can tell whose

    @property
    def waits(self) -> list[Waiting]:
        """What would be lost."""
        return [one for one in self.work if one.says]


async def about_person(store: Store, user: str) -> Held:
    """What is kept about somebody, by their Slack id. Raises StoreAway."""
    work, unread = await _work(store, lambda one: _is_of(user, one.operation.work.model_dump(mode="json")))
    kept = {key: value async for key, value in _forms(store)}
    forms = {key: json.loads(value) for key, value in kept.items() if not is_closed(value)}
    mapped = list[Mapped]()
    for desk in await store.mappings.desks():
        try:
            found = await store.mappings.get(desk, user)
        except UnknownVersion:
            unread += 1
        else:
            mapped += [found] if found else []
    return Held(
        links=[link async for link in store.links.all() if link != _without(link, user)],
        work=work,
        mapped=mapped,
        forms={key: value for key, value in forms.items() if _is_of(user, value)},
        unread=unread + len(kept) - len(forms) + await store.links.unread(),
    )


async def about_ticket(store: Store, desk: str, number: str) -> Held:
    """What is kept about a ticket: its links, the work of their threads, and what is opening it. Raises StoreAway."""
    links = [link for link in await store.links.find(number) if link.desk == desk]
    threads = {str(link.thread) for link in links}
    work, unread = await _work(
        store, lambda one: one.opens == (desk, number) or {thread_of(one.lane), one.asks_about} & threads
    )
    return Held(links=links, work=work, unread=unread + await store.links.unread())


async def forget_person(store: Store, user: str, held: Held) -> list[Waiting]:
    """Take out what was found of somebody; their tickets stay linked. What a worker has in hand stays, and is returned.

    Raises StoreAway.
    """
    left = await _drop(store, held.work)
    for link in held.links:
        await store.links.update(link.thread, lambda found: _without(found, user))
    for mapped in held.mapped:
        await store.mappings.remove(mapped.desk, mapped.user)
    for key in held.forms:
        await store.scratch.take(key)
    await store.scratch.forget_places(user)
    return left


async def forget_ticket(store: Store, held: Held) -> list[Waiting]:
    """Take out what was found of a ticket, its links too. What a worker has in hand stays, and is returned.

    Raises StoreAway.
    """
    if left := await _drop(store, held.work):
        return left  # the links stay until it is done, so that it is found again
    for link in held.links:
        await store.links.remove(link)
    return []


async def forget_everything(store: Store, *, drop: bool) -> tuple[int, int]:
    """Delete all our keys, unless something waits and may not be dropped; how many there were, and how much waits.

    Whoever else is at work would write some of them again. Raises StoreAway.
    """
    work, unread = await _work(store, lambda one: one.says)
    waiting = len(work) + unread
    if waiting and not drop:
        return 0, waiting
    async with translating():
        found = [str(name) async for name in store.connection.client.scan_iter(match=keys.OURS, count=500)]
    for start in range(0, len(found), _AT_ONCE):
        await store.connection.do_many([("DEL", name) for name in found[start : start + _AT_ONCE]])
    return len(found), waiting


async def unreadable(store: Store, desks: Iterable[str]) -> int:
    """How many operations, links and mappings of *desks* are closed with a key that we lack. Raises StoreAway."""
    closed = sum([1 async for _, _, payload in store.lanes.everything() if is_closed(payload)])
    return closed + await store.links.closed() + sum([await store.mappings.closed(desk) for desk in desks])


async def rewrite_log(store: Store) -> None:
    """Have the own server's log hold only what is there now, and wait for it. Raises StoreAway, TimeoutError."""
    await store.connection.do("BGREWRITEAOF")
    async with asyncio.timeout(60):
        while True:
            told = await store.connection.client.info("persistence")
            if not (told["aof_rewrite_in_progress"] or told["aof_rewrite_scheduled"]):
                return
            await asyncio.sleep(0.05)


async def _work(store: Store, wanted: Callable[[Waiting], object]) -> tuple[list[Waiting], int]:
    found, unread = list[Waiting](), 0
    async for lane, op, payload in store.lanes.everything():
        try:
            one = Waiting(lane, op, decode(payload))
        except UnknownVersion:
            unread += 1
            continue
        if wanted(one):
            found.append(one)
    return found, unread


async def _drop(store: Store, work: list[Waiting]) -> list[Waiting]:
    return [one for one in work if not await store.lanes.forget(one.lane, one.id)]


async def _forms(store: Store) -> AsyncIterator[tuple[str, str]]:
    async for key, value in store.scratch.everything():
        if key.startswith("form:"):
            yield key, value


def _without(link: Link, user: str) -> Link:
    """*link* without somebody, and without the words that they gave it, names of their files too; the desk has them."""
    opened, requester = link.opened_by, link.requester
    unnamed = link.unnamed or opened == user
    kept = tuple(said for said in link.left_out if f"/files/{user}/" not in said)
    return link.model_copy(
        update={
            "opened_by": "" if opened == user else opened,
            "requester": "" if requester == user else requester,
            "subject": "" if unnamed else link.subject,
            "unnamed": unnamed,
            "left_out": kept,
            "left_out_before": link.left_out_before + len(link.left_out) - len(kept),
        }
    )


def _is_of(user: str, said: Any) -> bool:
    """Whether a stored thing names somebody as its own."""
    if isinstance(said, dict):
        own = {name: value for name, value in said.items() if name not in _OF_OTHERS}
        return any((name in _WHOSE and value == user) or _is_of(user, value) for name, value in own.items())
    return isinstance(said, list) and any(_is_of(user, value) for value in said)
