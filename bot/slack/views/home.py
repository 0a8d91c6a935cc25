"""The app's home: what failed, what waits for the person, and their open tickets, by desk and a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.slack.ids import Action
from bot.slack.limits import BUTTON_VALUE
from bot.slack.views.elements import Json, actions, button, context, cut, header, section
from bot.slack.views.help import help_blocks, what_it_does
from bot.slack.views.notices import QUESTION_BLOCK, choices, question
from bot.slack.views.results import Row, row_buttons, row_text
from bot.words import _

PAGE_SIZE = 18
"""Entries on a page: at most four blocks each, headings included, of the 100 that Slack takes."""
_WORDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A delivery that waits for a decision. ``named`` is ``lane|operation``."""

    named: str
    desk: str
    what: str
    why: str
    asks: bool = False
    editable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """All that the home shows. Rows come with the title of their desk. ``said``: what the last button did."""

    failed: Sequence[Failed] = ()
    waiting: Sequence[tuple[str, Row]] = ()
    open: Sequence[tuple[str, Row]] = ()
    page: int = 0
    said: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    heading: str
    desk: str
    item: Failed | Row


def home(shown: Home) -> Json:
    """The tab."""
    entries = _entries(shown)
    last = max(0, (len(entries) - 1) // PAGE_SIZE)
    page = min(max(0, shown.page), last)
    blocks = [header("Threadline"), section(shown.said or what_it_does())]
    blocks += actions(
        "home", [button(_("New ticket"), Action.FORM), button(_("Look again"), Action.HOME_NEXT, str(page))]
    )
    blocks += _listed(entries[page * PAGE_SIZE : (page + 1) * PAGE_SIZE])
    if not entries:
        blocks.append(section(_("You have no open tickets, and nothing failed.")))
    blocks += [context(note) for note in shown.notes]
    if last:
        blocks.append(context(_("Page {page} of {last}", page=page + 1, last=last + 1)))
        blocks += actions("pages", _turns(page, last))
    if page == last:
        blocks += help_blocks()
    return {"type": "home", "private_metadata": str(page), "blocks": blocks}


def _entries(shown: Home) -> list[_Entry]:
    parts: list[tuple[str, list[tuple[str, Failed | Row]]]] = [
        (_("Not delivered: please decide"), [(one.desk, one) for one in shown.failed]),
        (_("Waiting for you"), list(shown.waiting)),
        (_("Your open tickets"), list(shown.open)),
    ]
    entries: list[_Entry] = []
    for heading, items in parts:
        by_desk: dict[str, list[Failed | Row]] = {}
        for desk, item in items:
            by_desk.setdefault(desk, []).append(item)
        entries += [_Entry(heading, desk, item) for desk, group in by_desk.items() for item in group]
    return entries


def _listed(entries: Sequence[_Entry]) -> list[Json]:
    blocks: list[Json] = []
    heading = desk = ""
    for place, entry in enumerate(entries):
        if entry.heading != heading:
            blocks.append(header(entry.heading))
            heading, desk = entry.heading, ""
        if entry.desk != desk:
            blocks.append(context(entry.desk))
            desk = entry.desk
        blocks += _failed(place, entry.item) if isinstance(entry.item, Failed) else _row(place, entry.item)
    return blocks


def _failed(place: int, failed: Failed) -> list[Json]:
    blocks = [section(f"{cut(failed.what, _WORDS)}\n{cut(failed.why, _WORDS)}")]
    if len(failed.named) > BUTTON_VALUE:
        return [*blocks, context(_("Your operator can decide about this one on the command line."))]
    if failed.asks:
        return [*blocks, *actions(f"{QUESTION_BLOCK}:{place}", question(failed.named))]
    return [*blocks, *actions(f"failed:{place}", choices(failed.named, editable=failed.editable))]


def _row(place: int, row: Row) -> list[Json]:
    return [section(row_text(row)), *actions(f"row:{place}", row_buttons(row))]


def _turns(page: int, last: int) -> list[Json]:
    back = [button(_("Previous"), Action.HOME_BACK, str(page - 1))] if page else []
    return [*back, button(_("Next"), Action.HOME_NEXT, str(page + 1))] if page < last else back
