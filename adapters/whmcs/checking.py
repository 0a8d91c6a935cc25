"""The check of a WHMCS desk: each action that we need is called in a way that changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.errors import AdapterError, NotAuthorised, Rejected
from adapters.model import Finding
from adapters.whmcs.refusals import is_unknown
from adapters.whmcs.settings import WhmcsSettings
from adapters.whmcs.wire import Answer, WhmcsWire
from adapters.whmcs_family.reading import rows, text, when

NOBODY = "nobody@threadline.invalid"


@dataclass(frozen=True, slots=True)
class Probe:
    """A call that shows whether the API role allows *action*: a look, or a change that lacks what it needs."""

    action: str
    params: Mapping[str, str] = field(default_factory=dict)
    changes: bool = False


PROBES = (
    Probe("GetSupportDepartments", {"ignore_dept_assignments": "1"}),
    Probe("GetSupportStatuses"),
    Probe("GetTickets", {"limitnum": "25", "ignore_dept_assignments": "1"}),
    Probe("GetTicket", {"ticketid": "0"}),
    Probe("GetTicketAttachment", {"relatedid": "0", "type": "reply", "index": "0"}),
    Probe("GetAdminUsers"),
    Probe("OpenTicket", changes=True),
    Probe("AddTicketReply", {"ticketid": "0"}, changes=True),
    Probe("AddTicketNote", {"ticketid": "0"}, changes=True),
    Probe("UpdateTicket", {"ticketid": "0"}, changes=True),
    Probe("UpdateTicketReply", {"replyid": "0"}, changes=True),
    Probe("DeleteTicketReply", {"ticketid": "0", "replyid": "0"}, changes=True),
    Probe("DeleteTicketNote", {"noteid": "0"}, changes=True),
)
LOOK_UPS = {
    "clients": Probe("GetClientsDetails", {"email": NOBODY}),
    "contacts": Probe("GetContacts", {"email": NOBODY}),
    "users": Probe("GetUsers", {"search": NOBODY}),
}
ACTIONS = frozenset(probe.action for probe in (*PROBES, *LOOK_UPS.values()))
"""Every action that the API role needs."""


async def check(desk: WhmcsWire) -> tuple[Finding, ...]:
    """What is well and what is not. A failure that is not about one action ends it: the next would say the same."""
    findings: list[Finding] = []
    answers: dict[str, Answer] = {}
    allowed = []
    for probe in (*PROBES, *(LOOK_UPS[place] for place in desk.settings.look_up)):
        try:
            answers[probe.action] = await desk.call(probe.action, probe.params, changes=False)
            if probe.changes:
                findings.append(_accepted(probe.action))
        except Rejected:
            pass  # it was allowed, looked, and refused for what the call lacks
        except NotAuthorised as error:
            findings.append(_failing(f"API action {probe.action}", error))
            if not error.code.lower().startswith("invalid permissions"):
                return tuple(findings)
            continue
        except AdapterError as error:
            if not is_unknown(error):
                return (*findings, _failing("connection", error))
            findings.append(_failing(f"API action {probe.action}", error))
            continue
        allowed.append(probe.action)
    reached = Finding(subject="API", ok=True, detail=f"{len(allowed)} actions allowed at {desk.settings.api}")
    return (reached, *findings, *_lists(answers, desk.settings))


def _failing(subject: str, error: AdapterError) -> Finding:
    remedy = error.remedy or "Look at WHMCS's activity log."
    return Finding(subject=subject, ok=False, detail=error.cause, remedy=remedy)


def _accepted(action: str) -> Finding:
    return Finding(
        subject=f"API action {action}",
        ok=False,
        detail=f"{action} accepted a call without its required parameters; this is no WHMCS as documented.",
        remedy="Look at what stands at url.",
    )


def _lists(answers: Mapping[str, Answer], settings: WhmcsSettings) -> Iterator[Finding]:
    """What the lists say: departments, statuses, and whether the dates of tickets fit the time zone."""
    if "GetSupportDepartments" in answers:
        listed = rows(answers["GetSupportDepartments"].get("departments"), "department")
        names = {str(row.get("id")): text(row.get("name")) for row in listed}
        known = not settings.department or settings.department in names
        yield Finding(
            subject="departments",
            ok=bool(names) and known,
            detail=", ".join(f"{name} ({number})" for number, name in names.items()) or "none",
            remedy="" if names and known else "Make a department in WHMCS, and set department to the number of one.",
        )
    if "GetSupportStatuses" in answers:
        listed = rows(answers["GetSupportStatuses"].get("statuses"), "status")
        titles = {text(row.get("title")) for row in listed}
        lacking = sorted({settings.open_status, settings.closed_status} - titles)
        yield Finding(
            subject="statuses",
            ok=not lacking,
            detail=f"WHMCS has no status {', '.join(lacking)}" if lacking else ", ".join(sorted(titles)),
            remedy="Set open_status and closed_status to statuses that WHMCS has." if lacking else "",
        )
    if "GetTickets" in answers:
        yield _zone(answers["GetTickets"], settings)


def _zone(answer: Answer, settings: WhmcsSettings) -> Finding:
    """A ticket's date in the future means that the server's time zone lies west of the one that is set."""
    listed = rows(answer.get("tickets"), "ticket")
    dates = [when(row.get(name), settings.zone) for row in listed for name in ("date", "lastreply")]
    latest = max((date for date in dates if date), default=None)
    ahead = latest is not None and latest > datetime.now(UTC) + timedelta(minutes=2)
    return Finding(
        subject="time zone",
        ok=not ahead,
        detail=f"in {settings.timezone} the newest ticket would be from the future ({latest})"
        if ahead
        else f"{settings.timezone}; no date of a ticket contradicts it",
        remedy="Set timezone to that of the WHMCS server, and check its clock." if ahead else "",
    )
