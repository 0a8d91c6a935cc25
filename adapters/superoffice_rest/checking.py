"""What a check looks at: address, sign-in, rights and the lists that a form needs; it changes nothing."""

from collections.abc import Awaitable, Callable

from adapters.errors import AdapterError
from adapters.model import ChoiceList, Finding
from adapters.superoffice_rest import fields, reading
from adapters.superoffice_rest.archive import Query, marked_by
from adapters.superoffice_rest.lookups import Lookups
from adapters.superoffice_rest.reading import ident, part, rows, text
from adapters.superoffice_rest.settings import IN_TITLE

Look = Callable[[Lookups], Awaitable[Finding]]
_NEVER = "TL-NEVER"


async def run(desk: Lookups) -> tuple[Finding, ...]:
    """All findings; where the address or the sign-in fails, nothing else is tried."""
    findings: list[Finding] = []
    for subject, look in _LOOKS:
        finding = await _one(desk, subject, look)
        findings.append(finding)
        if not finding.ok and look in {_address, _sign_in}:
            break
    return tuple(findings)


async def _one(desk: Lookups, subject: str, look: Look) -> Finding:
    try:
        return await look(desk)
    except AdapterError as error:
        remedy = error.remedy or "Look in SuperOffice."
        return Finding(subject=subject, ok=False, detail=error.cause, remedy=remedy)


async def _address(desk: Lookups) -> Finding:
    return Finding(subject="address", ok=True, detail=f"the API is at {await desk.base(anew=True)}")


async def _sign_in(desk: Lookups) -> Finding:
    who = await desk.entity("User/currentPrincipal")
    name = text(who.get("FullName")) or text(who.get("Associate")) or "somebody"
    if "EjUserId" in who and not ident(who.get("EjUserId")):
        return Finding(
            subject="sign-in",
            ok=False,
            detail=f"signed in as {name}, who has no access to Service",
            remedy="Give this user a Service licence in SuperOffice's administration.",
        )
    return Finding(subject="sign-in", ok=True, detail=f"signed in as {name}")


async def _defaults(desk: Lookups) -> Finding:
    entity = await desk.kept("Ticket/default", dict, anew=True)
    properties = part(entity, "FieldProperties")
    wanted = [
        name for name in properties if "UIHintMandatory" in text(part(part(properties, name), "FieldRight").get("Mask"))
    ]
    detail = f"new tickets must have {', '.join(wanted)}" if wanted else "nothing is mandatory for new tickets"
    return Finding(subject="new tickets", ok=True, detail=detail)


async def _categories(desk: Lookups) -> Finding:
    return await _listed(desk, ChoiceList.DEPARTMENTS, "department", desk.settings.department)


async def _priorities(desk: Lookups) -> Finding:
    return await _listed(desk, ChoiceList.PRIORITIES, "priority", desk.settings.priority)


async def _agents(desk: Lookups) -> Finding:
    return await _listed(desk, ChoiceList.AGENTS, "agent_list", "")


async def _listed(desk: Lookups, which: ChoiceList, setting: str, wanted: str) -> Finding:
    found = {choice.id: choice.label for choice in await desk.choices(which)}
    ok = bool(found) and (not wanted or wanted in found)
    names = ", ".join(f"{label} ({number})" for number, label in list(found.items())[:20])
    return Finding(
        subject=which,
        ok=ok,
        detail=names or "none",
        remedy="" if ok else f"Set {setting} to the number of an entry of the list, or add one in SuperOffice.",
    )


async def _statuses(desk: Lookups) -> Finding:
    bases = {ident(row.get("Id")): text(row.get("ExtraInfo")) for row in await desk.items("ticketstatus", anew=True)}
    wanted = {"open_status": "Active", "closed_status": "Closed"}
    wrong = []
    for setting, base in wanted.items():
        number = desk.settings.plain(setting)
        if (bases.get(number) != base) if number else (base not in bases.values()):
            wrong.append(setting)
    return Finding(
        subject="statuses",
        ok=not wrong,
        detail=f"there is no fitting status for {', '.join(wrong)}" if wrong else f"{len(bases)} statuses",
        remedy=f"Set {' and '.join(wrong)} to the number of a status that means it." if wrong else "",
    )


async def _custom_fields(desk: Lookups) -> Finding:
    found = {text(row.get("FieldName")): row for row in rows(await desk.kept("Ticket/CustomField", list, anew=True))}
    wanted = {*desk.settings.required_fields, desk.settings.marker_field} - {IN_TITLE}
    lacking = sorted(wanted - found.keys())
    known = [name for name, row in found.items() if fields.offered(row, (), required=frozenset())]
    return Finding(
        subject="custom fields",
        ok=not lacking,
        detail=f"tickets have no field {', '.join(lacking)}" if lacking else f"{len(known)} fields that a form can ask",
        remedy="Add it in SuperOffice, or correct marker_field and required_fields." if lacking else "",
    )


async def _searching(desk: Lookups) -> Finding:
    """The queries that find tickets again are tried, the one for our marker included."""
    newest = await desk.archive("Ticket", Query(select=("ticketId", "lastChanged"), order="lastChanged desc", top=1))
    known = {text(row.get("FieldName")) for row in rows(await desk.kept("Ticket/CustomField", list))}
    if desk.settings.marker_field in known:
        await desk.archive("Archive/dynamic", marked_by(desk.settings.marker_field, _NEVER))
    detail = f"the newest change is of ticket {newest[0].get('ticketId')}" if newest else "there are no tickets yet"
    offset = not newest or reading.when(newest[0].get("lastChanged")) is not None
    return Finding(
        subject="tickets",
        ok=offset,
        detail=f"tickets can be searched; {detail}" if offset else "the times of tickets cannot be read",
        remedy="" if offset else "Look whether a proxy changes SuperOffice's answers.",
    )


async def _agents_calls(desk: Lookups) -> Finding:
    if not desk.settings.agents_calls:
        return Finding(
            subject="messages", ok=True, detail="files are linked after their message (agents_calls = false)"
        )
    answer = await desk.call("POST", "Agents/Ticket/GetTicketMessageEntities", body={"TicketId": 0, "MessageIds": []})
    fits = answer is None or isinstance(answer, list)
    return Finding(
        subject="messages",
        ok=fits,
        detail="messages are written together with their files" if fits else "messages cannot be read at once",
        remedy="" if fits else "Set agents_calls = false.",
    )


_LOOKS: tuple[tuple[str, Look], ...] = (
    ("address", _address),
    ("sign-in", _sign_in),
    ("new tickets", _defaults),
    ("departments", _categories),
    ("priorities", _priorities),
    ("statuses", _statuses),
    ("agents", _agents),
    ("custom fields", _custom_fields),
    ("tickets", _searching),
    ("messages", _agents_calls),
)
