"""Who would read what becomes public: asked before internal words leave for the requester."""

import asyncio

from bot.conversion.ports import Author, SlackRefused, SlackTrouble, Threads
from bot.conversion.records import Link

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
        return (_requester("", desk), "Slack does not tell just now whether guests or other companies take part here.")
    outsiders = [line for author in authors.values() if (line := outsider(author))]
    lines += outsiders[:_NAMED]
    if len(outsiders) > _NAMED:
        lines.append(f"and {len(outsiders) - _NAMED} more people from outside")
    return tuple(lines)


def _requester(name: str, desk: str) -> str:
    return f"{name}, the requester, at {desk}" if name else f"the requester at {desk}"


def outsider(author: Author) -> str:
    """A line about somebody from outside in the thread; empty for everybody else."""
    if author.bot:
        return ""
    if not author.own_workspace:
        return f"{author.name}, of another company, who takes part in this thread"
    return f"{author.name}, a guest, who takes part in this thread" if author.guest else ""
