"""`threadline forget` and `threadline export`: what Redis holds about a person or a ticket."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from bot.commands.console import fail, out, print_json
from bot.commands.links import told
from bot.commands.opening import UNREAD, in_store, settings_at
from bot.commands.people import settings_for
from bot.settings import Settings
from bot.store.personal import (
    Held,
    Waiting,
    about_person,
    about_ticket,
    forget_everything as remove,
    forget_person,
    forget_ticket,
    rewrite_log,
)
from bot.store.store import Store

T = TypeVar("T")
Work = Callable[[Store], Awaitable[tuple[Held, list[Waiting]]]]

_WAITS = (
    "{count} messages or wishes wait to be delivered and would be lost. Wait until they are "
    "(`threadline parked list` shows what waits for a person), or repeat this with --drop-waiting."
)


def forget_user(config: Path | None, user: str, *, drop: bool) -> None:
    """Take out what is kept about somebody in Slack."""
    settings = settings_for(config, user)

    async def work(store: Store) -> tuple[Held, list[Waiting]]:
        held = await about_person(store, user)
        return held, [] if _why_not(held, drop=drop) else await forget_person(store, user, held)

    held = _forget(settings, work, drop=drop)
    out.print(
        f"{user} is forgotten: {len(held.links)} links without them, {len(held.work)} waiting operations dropped, "
        f"{len(held.mapped)} mappings and {len(held.forms)} open forms removed. "
        "Slack and the helpdesks keep what they have.",
        markup=False,
        soft_wrap=True,
    )


def forget_about_ticket(config: Path | None, desk: str, number: str, *, drop: bool) -> None:
    """Take out what is kept about a ticket; thread and ticket stay as they are."""
    settings = settings_at(config)

    async def work(store: Store) -> tuple[Held, list[Waiting]]:
        held = await about_ticket(store, desk, number)
        return held, [] if _why_not(held, drop=drop) else await forget_ticket(store, held)

    held = _forget(settings, work, drop=drop)
    if not (held.links or held.work):
        fail(f"No thread is linked to {number} at {desk}. `threadline links list` shows all links.")
    out.print(
        f"{number} at {desk} is forgotten: {len(held.links)} links removed, {len(held.work)} waiting operations "
        "dropped. Thread and ticket stay as they are, and no longer follow each other.",
        markup=False,
        soft_wrap=True,
    )


def forget_everything(config: Path | None, *, drop: bool) -> None:
    """Delete all that is kept, as after the app was taken out of its workspace."""
    settings = settings_at(config)

    removed, waiting = _with_its_log(settings, lambda store: remove(store, drop=drop))
    if waiting and not drop:
        fail(_WAITS.format(count=waiting))
    out.print(
        f"Everything is forgotten: {removed} keys removed. Slack and the helpdesks keep what they have, and no thread "
        "follows a ticket any more. Backups of Redis keep what they had.",
        markup=False,
        soft_wrap=True,
    )


def export_user(config: Path | None, user: str) -> None:
    """Print what is kept about somebody in Slack as one JSON object."""
    held = in_store(settings_for(config, user), lambda store: about_person(store, user), as_json=True)
    print_json(
        {
            "user": user,
            "links": [told(link) for link in held.links],
            "mappings": held.mapped,
            "waiting": [{"lane": one.lane, "id": one.id, "operation": _told(one)} for one in held.work],
            "forms": held.forms,
            "unread": held.unread,
        }
    )


def _told(one: Waiting) -> Any:
    """An operation without what is as always, but with its kind."""
    told = one.operation.model_dump(mode="json", exclude_defaults=True)
    return {**told, "work": {"kind": one.operation.work.kind, **told["work"]}}


def _why_not(held: Held, *, drop: bool) -> str:
    if held.unread:
        return UNREAD.format(count=held.unread)
    return "" if drop or not held.waits else _WAITS.format(count=len(held.waits))


def _with_its_log(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """What *work* gives; the log of the own server holds nothing of what it took out."""

    async def whole(store: Store) -> T:
        done = await work(store)
        if not settings.redis_url:
            await rewrite_log(store)
        return done

    return in_store(settings, whole)


def _forget(settings: Settings, work: Work, *, drop: bool) -> Held:
    """Do it, or end the command with the reason why it was not done."""
    held, left = _with_its_log(settings, work)
    if why := _why_not(held, drop=drop):
        fail(why)
    if left:
        fail(f"{len(left)} operations are being worked on in this moment. Repeat the command.")
    return held
