"""`threadline desk`: an operator tries a desk by hand, past Slack and the lanes."""

import asyncio
import hashlib
import mimetypes
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import (
    ChoiceList,
    MessageDraft,
    MessageRef,
    OutgoingFile,
    Person,
    Ticket,
    TicketDraft,
    TicketRef,
    Visibility,
)
from bot.commands.console import fail, findings, out, plain, print_json, table
from bot.commands.opening import at_desk
from bot.conversion.compose import render
from bot.conversion.stamps import marker_of
from bot.conversion.text.plain import from_plain


def check(config: Path | None, name: str, *, as_json: bool) -> None:
    """Prove address, credentials, rights and lists without changing anything."""
    lines = at_desk(config, name, lambda desk: desk.check(), as_json=as_json)
    if as_json:
        print_json({"desk": name, "ok": all(line.ok for line in lines), "findings": lines})
    well = all(line.ok for line in lines) if as_json else findings(lines)
    if not well:
        fail("", as_json=False) if as_json else fail(f"{name} is not ready.")


def fields(config: Path | None, name: str, department: str, *, as_json: bool) -> None:
    """What the form asks for at this desk: lists, custom fields and the desk's own options."""

    async def work(desk: TicketAdapter[Any]) -> dict[str, Any]:
        lists: dict[str, Any] = {
            which: await desk.choices(which, department=department or None)
            for which in ChoiceList
            if desk.has(Capability[which.name])
        }
        return {**lists, "fields": await desk.custom_fields(department or None), "options": desk.options}

    found = at_desk(config, name, work, as_json=as_json)
    if as_json:
        print_json(found)
        return
    for which, entries in found.items():
        out.print(f"\n{which}", style="bold")
        table(("id", "label"), ((getattr(entry, "id", getattr(entry, "key", "")), entry.label) for entry in entries))


def open_ticket(config: Path | None, name: str, given: dict[str, Any], *, as_json: bool) -> None:
    """Open a ticket, in as many calls as the desk needs."""
    first = _draft(given)
    draft = TicketDraft(
        subject=given["subject"],
        first=first,
        requester=first.author,
        priority=given["priority"] or None,
        owner=given["owner"] or None,
        fields=_pairs(given["field"], as_json=as_json),
        options=_pairs(given["option"], as_json=as_json),
    )

    async def work(desk: TicketAdapter[Any]) -> dict[str, Any]:
        opened = await desk.open_ticket(replace(draft, department=given["department"] or desk.settings.department))
        message = opened.first
        if not desk.has(Capability.FIRST_MESSAGE):
            message = await _add(desk, opened.ticket, first)
        return {"ticket": opened.ticket, "message": message}

    done = at_desk(config, name, work, as_json=as_json)
    _say(done, f"Opened ticket {done['ticket'].number} (id {done['ticket'].id}) at {name}.", as_json=as_json)


def add_message(config: Path | None, name: str, number: str, given: dict[str, Any], *, as_json: bool) -> None:
    """Write a public reply or an internal note on a ticket."""
    draft = _draft(given)

    async def work(desk: TicketAdapter[Any]) -> dict[str, Any]:
        ticket = (await _ticket(desk, number)).ref
        return {"ticket": ticket, "message": await _add(desk, ticket, draft)}

    done = at_desk(config, name, work, as_json=as_json)
    what = "an internal note" if draft.visibility is Visibility.INTERNAL else "a public reply"
    _say(done, f"Wrote {what} on ticket {number} at {name}.", as_json=as_json)


def show(config: Path | None, name: str, number: str, *, as_json: bool) -> None:
    """A ticket with its messages, as the desk's API tells it."""

    async def work(desk: TicketAdapter[Any]) -> dict[str, Any]:
        ticket = await _ticket(desk, number)
        has = desk.has(Capability.READ_MESSAGES)
        return {"ticket": ticket, "messages": await desk.messages(ticket.ref) if has else ()}

    found = at_desk(config, name, work, as_json=as_json)
    if as_json:
        print_json(found)
        return
    table(("", ""), ((key, value) for key, value in plain(found["ticket"]).items() if value is not None))
    for message in found["messages"]:
        out.print(
            f"\n{message.author.name}, {message.at or 'no time'}, {message.visibility}", style="bold", markup=False
        )
        out.print(message.body.plain, markup=False)
        for file in message.attachments:
            out.print(f"[file] {file.name}", markup=False)


async def _ticket(desk: TicketAdapter[Any], number: str) -> Ticket:
    """By the number that people use; ``id:`` before it names the API's own id."""
    if number.startswith("id:"):
        return await desk.get_ticket(TicketRef(id=number[3:], number=number[3:]))
    return await desk.find_by_number(number)


async def _add(desk: TicketAdapter[Any], ticket: TicketRef, draft: MessageDraft) -> MessageRef:
    if desk.has(Capability.UPLOAD_FIRST):
        uploads = tuple([await desk.upload(file, draft.marker) for file in draft.files])
        draft = replace(draft, files=(), uploads=uploads)
    return await desk.add_message(ticket, draft)


def _draft(given: dict[str, Any]) -> MessageDraft:
    return MessageDraft(
        body=render(from_plain(given["body"])),
        author=Person(name=given["name"] or given["email"] or "Operator", email=given["email"] or None),
        marker=marker_of(secrets.token_hex()),
        visibility=Visibility.INTERNAL if given["internal"] else Visibility.PUBLIC,
        files=tuple(asyncio.run(_read_all(given["file"]))) if given["file"] else (),
        notify=False if given["quiet"] else None,
    )


async def _read_all(paths: list[Path]) -> list[OutgoingFile]:
    return [await asyncio.to_thread(_file, path) for path in paths]


def _file(path: Path) -> OutgoingFile:
    content = path.read_bytes()
    return OutgoingFile(
        name=path.name,
        media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
    )


def _pairs(texts: list[str], *, as_json: bool) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            fail(f"{text!r} is not of the form key=value.", as_json=as_json)
    return dict(text.split("=", 1) for text in texts)


def _say(done: dict[str, Any], words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        out.print(words, markup=False)
