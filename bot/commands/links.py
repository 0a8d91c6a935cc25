"""`threadline links`: which thread belongs to which ticket."""

from pathlib import Path

from bot.commands.console import fail, out, plain, print_json, table
from bot.commands.opening import finish, settings_at, store_of
from bot.conversion.records import Link, ThreadKey


def list_links(config: Path | None, *, as_json: bool) -> None:
    """All links."""
    settings = settings_at(config)

    async def work() -> list[Link]:
        async with store_of(settings) as store:
            return [link async for link in store.links.all()]

    found = sorted(finish(work, as_json=as_json), key=lambda link: link.created_at)
    if as_json:
        print_json(found)
        return
    rows = ((link.thread, link.desk, link.number, link.status, link.subject[:60]) for link in found)
    table(("thread", "desk", "ticket", "status", "subject"), rows)


def show_link(config: Path | None, thread: str, *, as_json: bool) -> None:
    """One link, and how much waits in its thread."""
    key = thread_key(thread)
    settings = settings_at(config)

    async def work() -> tuple[Link | None, int]:
        async with store_of(settings) as store:
            return await store.links.get(key), await store.lanes.waiting(str(key))

    link, waiting = finish(work, as_json=as_json)
    if link is None:
        fail(f"The thread {thread} has no ticket.", as_json=as_json)
    found = plain(link) | {"waiting": waiting}
    if as_json:
        print_json(found)
    else:
        table(("", ""), found.items())


def remove_link(config: Path | None, thread: str) -> None:
    """Part a thread and its ticket."""
    key = thread_key(thread)
    settings = settings_at(config)

    async def work() -> Link | None:
        async with store_of(settings) as store:
            link = await store.links.get(key)
            if link:
                await store.links.remove(link)
            return link

    link = finish(work)
    if link is None:
        fail(f"The thread {thread} has no ticket.")
    out.print(f"Parted {thread} and ticket {link.number} at {link.desk}. Both stay as they are.", markup=False)


def thread_key(thread: str) -> ThreadKey:
    """The thread that an argument names; ends the command where it names none."""
    try:
        return ThreadKey.parse(thread)
    except ValueError:
        fail(f"{thread!r} is not a thread. It looks like T0123:C0456:1700000000.000100; `links list` shows them.")
