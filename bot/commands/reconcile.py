"""`threadline reconcile` and `threadline links rebuild`: what threads and tickets lack, and lost links made again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import typer
from pydantic import BaseModel

from adapters.contract import Capability
from adapters.errors import AdapterError
from adapters.model import TicketRef
from bot.commands.console import fail, out, print_json, table
from bot.commands.links import thread_key
from bot.commands.opening import UNREAD, finish, settings_at
from bot.conversion.ports import FoundCard, SlackRefused, SlackTrouble
from bot.conversion.reconcile import Comparison, compared, link_again, mend
from bot.conversion.records import Link, ThreadKey
from bot.conversion.rooms import Rooms
from bot.conversion.stored import UnknownVersion
from bot.slack.traces import found_cards
from bot.wiring import Threadline, assembled

T = TypeVar("T")

_PATIENCE = 120.0
"""Seconds that a call to Slack may wait for its turn: there are many to be made, and a running bot makes its own."""


class Line(BaseModel):
    """What was found about one thread, and what became of it. Counts only: no text leaves its place."""

    thread: str
    desk: str
    ticket: str
    outcome: str = ""
    unsent: int = 0  # messages of the thread that the ticket lacks
    parked: int = 0  # those that wait for a person's decision
    vanished: int = 0  # delivered messages that the desk does not show any more
    unseen: int = 0  # public messages of the desk that the thread lacks
    equal: bool = False
    failed: bool = False  # what was to be done with it could not be

    def count(self, comparison: Comparison) -> None:
        """Write down how thread and ticket differ."""
        self.unsent, self.parked, self.vanished = map(len, (comparison.unsent, comparison.parked, comparison.vanished))
        self.unseen, self.equal = len(comparison.unseen), comparison.equal


def reconcile(config: Path | None, thread: str, *, repair: bool, as_json: bool) -> None:
    """Compare one thread, or all, with their tickets; exit code 1 where they differ and nothing was mended."""
    only = thread_key(thread, as_json=as_json) if thread else None

    async def work(threadline: Threadline) -> tuple[list[Line], int]:
        lines = await reconciled(threadline, only, repair=repair)
        return lines, 0 if only else await threadline.store.links.unread()

    lines, unread = _run(config, work, as_json=as_json)
    if only is not None and not lines:
        fail(f"The thread {thread} has no ticket.", as_json=as_json)
    _show(lines, as_json=as_json)
    if unread:
        fail(UNREAD.format(count=unread))
    if not all(line.equal or line.outcome in {_MENDED, _NOT_COMPARED} for line in lines):
        raise typer.Exit(1)


async def reconciled(threadline: Threadline, only: ThreadKey | None = None, *, repair: bool) -> list[Line]:
    """Compare each linked thread that can be read here, or one, with its ticket. Raises UnknownVersion for that one."""
    threadline.web.patience = _PATIENCE
    if only:
        one = await threadline.store.links.get(only)
        links = [one] if one else []
    else:
        links = [link async for link in threadline.store.links.all()]
    links.sort(key=lambda link: link.created_at)
    return [await _reconciled(threadline.rooms, link, repair=repair) for link in links]


async def _reconciled(rooms: Rooms, link: Link, *, repair: bool) -> Line:
    line = Line(thread=str(link.thread), desk=link.desk, ticket=link.number)

    async def look() -> str:
        comparison = await compared(rooms, link)
        if comparison is None:
            return _NOT_COMPARED
        line.count(comparison)
        if comparison.equal:
            return f"equal but for {line.parked} in `threadline parked list`" if line.parked else "equal"
        if not repair or not (comparison.unsent or comparison.unseen):
            return "differs"
        await mend(rooms, link, comparison)
        return _MENDED

    return await _tried(line, look)


_NOT_COMPARED = "this kind of desk does not show what is on a ticket, so it cannot be compared"
_MENDED = "differs; a running Threadline now brings what is missing"


def rebuild(config: Path | None, *, days: int, dry_run: bool, as_json: bool) -> None:
    """Make links again from the cards in Slack and the markers at the desks; exit code 1 where one could not be."""
    lines = _run(config, lambda threadline: rebuilt(threadline, days=days, dry_run=dry_run), as_json=as_json)
    _show(lines, as_json=as_json)
    if not as_json:
        linked, failed = sum(line.outcome.startswith(_AGAIN) for line in lines), sum(line.failed for line in lines)
        out.print(f"{len(lines)} threads with a card: {linked} linked again, {failed} could not be.")
    if any(line.failed for line in lines):
        raise typer.Exit(1)


async def rebuilt(threadline: Threadline, *, days: int, dry_run: bool) -> list[Line]:
    """Link each thread of the last *days* that has a card of ours and no link. The newest card of a thread counts."""
    threadline.web.patience = _PATIENCE
    cards = [card async for card in found_cards(threadline.web, since=datetime.now(UTC) - timedelta(days=days))]
    newest = {card.thread: card for card in sorted(cards, key=lambda card: float(card.ts))}
    return [await _rebuilt(threadline.rooms, card, dry_run=dry_run) for card in newest.values()]


async def _rebuilt(rooms: Rooms, card: FoundCard, *, dry_run: bool) -> Line:
    line = Line(thread=str(card.thread), desk=card.desk, ticket=card.number)

    async def make() -> str:
        if await rooms.links.get(card.thread):
            return "is linked"
        desk = rooms.desks.get(card.desk)
        ref = TicketRef(id=card.ticket_id, number=card.number)
        ticket = await desk.get_ticket(ref) if desk.has(Capability.READ_TICKET) else None
        if dry_run:
            return "would be linked again"
        comparison = await link_again(rooms, card, ticket)
        if comparison is None:
            return f"{_AGAIN}; what was written before cannot be compared and is not sent again"
        line.count(comparison)
        return _AGAIN

    return await _tried(line, make)


_AGAIN = "linked again"


async def _tried(line: Line, work: Callable[[], Awaitable[str]]) -> Line:
    """*line* with what *work* says as its outcome; what goes wrong with one thread keeps no other from its turn."""
    try:
        line.outcome = await work()
    except (AdapterError, SlackRefused) as error:
        line.outcome, line.failed = str(error), True
    except UnknownVersion:
        line.outcome, line.failed = UNREAD.format(count=1), True
    except SlackTrouble as trouble:
        line.outcome, line.failed = f"Slack did not answer ({trouble.code}); try again", True
    return line


def _run(config: Path | None, work: Callable[[Threadline], Awaitable[T]], *, as_json: bool) -> T:
    settings = settings_at(config, as_json=as_json)

    async def whole() -> T:
        async with assembled(settings) as threadline:
            return await work(threadline)

    try:
        return finish(whole, as_json=as_json)
    except (SlackRefused, SlackTrouble) as error:
        fail(f"Slack: {error}", as_json=as_json)


def _show(lines: Sequence[Line], *, as_json: bool) -> None:
    if as_json:
        print_json(lines)
    else:
        headings = ("thread", "desk", "ticket", "not on the ticket", "gone at the desk", "not in the thread", "outcome")
        rows = ((x.thread, x.desk, x.ticket, x.unsent, x.vanished, x.unseen, x.outcome) for x in lines)
        table(headings, rows)
