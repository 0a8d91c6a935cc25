"""`threadline links`: which thread belongs to which ticket."""

from pathlib import Path
from typing import Any

from bot.commands.console import fail, out, plain, print_json, table
from bot.commands.opening import UNREAD, in_store, settings_at
from bot.conversion.records import Link, ThreadKey
from bot.store.store import Store


def list_links(config: Path | None, *, as_json: bool) -> None:
    """All links; exit code 1 where some cannot be read here."""

    async def work(store: Store) -> tuple[list[Link], int]:
        return [link async for link in store.links.all()], await store.links.unread()

    links, unread = in_store(settings_at(config, as_json=as_json), work, as_json=as_json)
    found = sorted(links, key=lambda link: link.created_at)
    if as_json:
        print_json([told(link) for link in found])
    else:
        rows = ((link.thread, link.desk, link.number, link.status, link.subject[:60]) for link in found)
        table(("thread", "desk", "ticket", "status", "subject"), rows)
    if unread:
        fail(UNREAD.format(count=unread))


def told(link: Link) -> dict[str, Any]:
    """*link* for machines, its thread as the commands take it."""
    return {**plain(link), "thread": str(link.thread)}


def show_link(config: Path | None, thread: str, *, as_json: bool) -> None:
    """One link, and how much waits in its thread."""
    key = thread_key(thread, as_json=as_json)

    async def work(store: Store) -> tuple[Link | None, int]:
        return await store.links.get(key), await store.lanes.waiting(str(key))

    link, waiting = in_store(settings_at(config, as_json=as_json), work, as_json=as_json)
    if link is None:
        fail(f"The thread {thread} has no ticket.", as_json=as_json)
    found = told(link) | {"waiting": waiting}
    if as_json:
        print_json(found)
    else:
        table(("", ""), found.items())


def remove_link(config: Path | None, thread: str) -> None:
    """Part a thread and its ticket."""
    key = thread_key(thread)

    async def work(store: Store) -> Link | None:
        link = await store.links.get(key)
        if link:
            await store.links.remove(link)
        return link

    link = in_store(settings_at(config), work)
    if link is None:
        fail(f"The thread {thread} has no ticket.")
    out.print(f"Parted {thread} and ticket {link.number} at {link.desk}. Both stay as they are.", markup=False)


def thread_key(thread: str, *, as_json: bool = False) -> ThreadKey:
    """The thread that an argument names; ends the command where it names none."""
    try:
        return ThreadKey.parse(thread)
    except ValueError:
        words = f"{thread!r} is not a thread. It looks like T0123:C0456:1700000000.000100; `links list` shows them."
        fail(words, as_json=as_json)
