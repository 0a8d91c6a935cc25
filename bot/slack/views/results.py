"""Lists of tickets for one person, a page at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.slack.ids import Action
from bot.slack.limits import BLOCK_TEXT
from bot.slack.views.elements import Json, Said, actions, button, context, cut, is_address, section, spoken
from bot.words import _, ngettext

PAGE_SIZE = 5
_SUBJECT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A ticket in a list. ``thread_url`` goes to its thread in Slack; ``link_here`` is what that button carries."""

    number: str
    subject: str
    facts: str
    url: str = ""
    thread_url: str = ""
    link_here: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list and which page of it is shown. ``again`` is what finds it again: words, and the thread of the search."""

    heading: str
    rows: Sequence[Row]
    page: int = 0
    again: dict[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def results(listed: Listed) -> Said:
    """One page of a list."""
    last = max(0, (len(listed.rows) - 1) // PAGE_SIZE)
    page = min(max(0, listed.page), last)
    start = page * PAGE_SIZE
    shown = listed.rows[start : start + PAGE_SIZE]
    heading = cut(listed.heading, _SUBJECT)
    if last:
        part = {"first": start + 1, "last": start + len(shown), "count": len(listed.rows)}
        heading = _("{heading} ({first} to {last} of {count})", heading=heading, **part)
    blocks = [section(heading)]
    for place, row in enumerate(shown):
        blocks.append(section(row_text(row)))
        blocks += actions(f"row:{place}", row_buttons(row))
    blocks += [context(note) for note in listed.notes]
    blocks += actions("pages", _turns(listed, page, last))
    return blocks, spoken(blocks)


def newest(count: int) -> str:
    """What is said where a list may go on."""
    return ngettext(
        "This is the newest ticket; there may be more.",
        "These are the newest {number} tickets; there may be more.",
        count,
    )


def row_text(row: Row) -> str:
    """A ticket in two lines."""
    title = _("Ticket {number}", number=row.number)
    if row.subject.strip():
        title = _("Ticket {number}: {subject}", number=row.number, subject=cut(row.subject, _SUBJECT))
    return cut(f"{title}\n{row.facts}", BLOCK_TEXT)


def row_buttons(row: Row) -> list[Json]:
    """What can be done with a ticket of a list."""
    buttons = []
    if is_address(row.url):
        buttons.append(button(_("Open"), Action.OPEN, url=row.url))
    if is_address(row.thread_url):
        buttons.append(button(_("Go to the thread"), Action.THREAD, url=row.thread_url))
    if row.link_here:
        buttons.append(button(_("Link to this thread"), Action.LINK_HERE, row.link_here))
    return buttons


def _turns(listed: Listed, page: int, last: int) -> list[Json]:
    def to(number: int) -> str:
        return json.dumps({**listed.again, "page": str(number)}, ensure_ascii=False)

    back = [button(_("Previous"), Action.BACK, to(page - 1))] if page else []
    return [*back, button(_("Next"), Action.NEXT, to(page + 1))] if page < last else back
