"""Who would read what becomes public: asked before internal words leave for the requester."""

import asyncio

from bot.conversion.ports import Author, SlackRefused, SlackTrouble, Threads
from bot.conversion.records import Link
from bot.words import _, ngettext

LOOK = 1.0
"""Seconds that reading the thread may take; the form has to open within three."""
_NAMED = 10


async def readers(threads: Threads, link: Link, desk: str) -> tuple[str, ...]:
    """Lines that say who would read a public reply on the ticket of *link*, whose desk is called *desk*."""
    try:
        async with asyncio.timeout(LOOK):
            requester = (await threads.author(link.requester)).name if link.requester else ""
            lines = [_requester(requester, desk)]
            authors = {message.author.id: message.author for message in await threads.read(link.thread)}
    except (SlackTrouble, SlackRefused, TimeoutError):
        return (
            _requester("", desk),
            _("Slack does not tell just now whether guests or other companies take part here."),
        )
    outsiders = [line for author in authors.values() if (line := outsider(author))]
    lines += outsiders[:_NAMED]
    if len(outsiders) > _NAMED:
        more = len(outsiders) - _NAMED
        lines.append(ngettext("and {number} more from outside", "and {number} more people from outside", more))
    return tuple(lines)


def _requester(name: str, desk: str) -> str:
    return (
        _("{name}, the requester, at {desk}", name=name, desk=desk) if name else _("the requester at {desk}", desk=desk)
    )


def outsider(author: Author) -> str:
    """A line about somebody from outside in the thread; empty for everybody else."""
    if author.bot:
        return ""
    if not author.own_workspace:
        return _("{name}, of another company, who takes part in this thread", name=author.name)
    return _("{name}, a guest, who takes part in this thread", name=author.name) if author.guest else ""
