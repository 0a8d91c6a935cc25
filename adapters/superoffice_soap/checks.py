"""What a check looks at: address, login, rights, and the lists that a form needs; it changes nothing."""

from collections.abc import Awaitable, Callable

from adapters.errors import AdapterError
from adapters.model import ChoiceList, Finding
from adapters.superoffice_soap import fields, reading
from adapters.superoffice_soap.lookups import Lookups, where
from adapters.superoffice_soap.settings import IN_TITLE

Look = Callable[[Lookups], Awaitable[Finding]]


async def run(desk: Lookups) -> tuple[Finding, ...]:
    """All findings; where the login fails, nothing else is tried."""
    first = await _one(desk, "login", _login)
    if not first.ok:
        return (first,)
    return (first, *[await _one(desk, subject, look) for subject, look in _LOOKS])


async def _one(desk: Lookups, subject: str, look: Look) -> Finding:
    try:
        return await look(desk)
    except AdapterError as error:
        return Finding(subject=subject, ok=False, detail=error.cause, remedy=error.remedy)


async def _login(desk: Lookups) -> Finding:
    """A session of its own, so that a password that was changed is noticed while an older session still lives."""
    key = await desk.log_in()
    if desk.offers("logout"):
        await desk.once("logout", {"sessionKey": key})
    return Finding(subject="login", ok=True, detail=f"logged in as {desk.settings.username}")


async def _messages(desk: Lookups) -> Finding:
    newest = desk.message_operation == "addMessage3"
    detail = f"messages go by {desk.message_operation}" + (
        "" if newest else ", without HTML: the WSDL has nothing newer"
    )
    return Finding(subject="messages", ok=True, detail=detail)


async def _categories(desk: Lookups) -> Finding:
    found = {choice.id for choice in await desk.choices(ChoiceList.DEPARTMENTS)}
    wanted = desk.settings.department
    if wanted and wanted not in found:
        return Finding(
            subject="categories",
            ok=False,
            detail=f"there is no category {wanted}",
            remedy="Set department to the id of a category that our user sees.",
        )
    return _count("categories", len(found), "Give our user access to a category; no ticket can be opened without.")


async def _priorities(desk: Lookups) -> Finding:
    found = {choice.id for choice in await desk.choices(ChoiceList.PRIORITIES)}
    wanted = desk.settings.priority
    if wanted and wanted != "-1" and wanted not in found:
        return Finding(
            subject="priorities",
            ok=False,
            detail=f"there is no priority {wanted}",
            remedy="Set priority to the id of a priority, or leave it out.",
        )
    return _count("priorities", len(found), "Add a priority in SuperOffice Service.")


async def _extra_fields(desk: Lookups) -> Finding:
    found = set(fields.types((await desk.call("getExtraFields", {"domain": "ticket"})).get("extrafields")))
    needed = {fields.key_of(key) for key in desk.settings.required_fields}
    if desk.settings.marker_field != IN_TITLE:
        needed.add(fields.key_of(desk.settings.marker_column))
    if lacking := sorted(needed - found):
        return Finding(
            subject="extra fields",
            ok=False,
            detail=f"tickets have no extra field {', '.join(lacking)}",
            remedy="Add it in SuperOffice Service, or correct marker_field and required_fields.",
        )
    return Finding(subject="extra fields", ok=True, detail=f"{len(found)} extra fields of tickets")


async def _reading(desk: Lookups) -> Finding:
    newest = await desk.tickets([where("ticket.id", "Gt", "0")], limit=1)
    detail = f"the newest is {newest[0].ref.number}" if newest else "there are none yet"
    if desk.offers("getActiveTicketsStatus"):
        active = reading.structs((await desk.call("getActiveTicketsStatus")).get("ticketstatusresult"))
        unread = sum(one.get("readstatus") == _UNREAD for one in active)
        detail += f"; {len(active)} active, {unread} of them unread"
    return Finding(subject="tickets", ok=True, detail=f"tickets can be read; {detail}")


_UNREAD = "3"  # getActiveTicketsStatus: 1 green, 2 yellow, 3 red


def _count(subject: str, count: int, remedy: str) -> Finding:
    return Finding(subject=subject, ok=count > 0, detail=f"{count} {subject}", remedy="" if count else remedy)


_LOOKS: tuple[tuple[str, Look], ...] = (
    ("messages", _messages),
    ("categories", _categories),
    ("priorities", _priorities),
    ("extra fields", _extra_fields),
    ("tickets", _reading),
)
