"""The calls of the SuperOffice WebAPI stand-in: what each does and answers, by the letter of the documents."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from bot.sandbox.desks import superoffice_rest_odata as odata, superoffice_rest_rules as rules
from bot.sandbox.desks.superoffice_rest_state import API_USER, AUTOMATIC, Entity, File, Note, Request, Site
from bot.sandbox.desks.superoffice_rest_views import Views


@dataclass
class Call:
    """One request that was signed in: its route, the names in its path, parameters, headers and body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    route: str = ""
    name: str = ""
    sent: Any = None


class Refused(Exception):
    """An answer that is an error; ``violation`` where the documents do not allow the request."""

    def __init__(self, status: int, kind: str, words: str, *, violation: bool = False) -> None:
        super().__init__(words)
        self.status = status
        self.kind = kind
        self.violation = violation


def missing(what: str, number: object) -> Refused:
    """The error that SuperOffice documents for something that is not there."""
    return Refused(404, "SoNotFoundException", f"{what} id {number} not found")


def undocumented(words: str) -> Refused:
    """The error for what no document allows."""
    return Refused(400, "BadRequest", f"The stand-in allows only what is documented: {words}", violation=True)


@dataclass
class Answer:
    """What comes back: JSON, or bytes of a file, or nothing."""

    json: Any = None
    content: bytes | None = None
    status: int = 200


@dataclass
class Calls:
    """Runs calls on a site. ``has_agents_calls`` False plays a SuperOffice before 10.1.9."""

    site: Site
    has_agents_calls: bool = True
    service_licence: bool = True
    seen: list[Call] = field(default_factory=list)

    def run(self, call: Call) -> Answer:
        """Do what a call says.

        Raises:
            Refused: it is answered with an error.
        """
        self._find_route(call)
        if call.route.startswith("Agents/") and not self.has_agents_calls:
            raise Refused(404, "", "")
        allowed = rules.ROUTES[call.method, call.route]
        if wrong := [name for name in call.query if name not in allowed]:
            raise undocumented(f"{call.route} has no parameter {', '.join(wrong)}")
        self._read_body(call)
        self.seen.append(call)
        views = Views(self.site, call.headers.get("so-timezone", ""))
        name = re.sub(r"\W+", "_", f"{call.method}_{call.route}").strip("_").lower()
        answer: Answer = getattr(self, f"_{name}")(call, views)
        return answer

    def _find_route(self, call: Call) -> None:
        patterns = [(route, re.sub(r"\{\w+\}", r"([^/]+)", route)) for _, route in rules.ROUTES]
        fitting = {route: found for route, one in patterns if (found := re.fullmatch(one, call.path))}
        plain = {route: found for route, found in fitting.items() if "{" not in route} or fitting
        if not plain:
            raise Refused(404, "", f"no path {call.path}", violation=True)
        call.route, found = next(iter(plain.items()))
        call.name = found.group(1) if found.groups() else ""
        if (call.method, call.route) not in rules.ROUTES:
            raise Refused(405, "", f"{call.method} {call.path}", violation=True)

    def _read_body(self, call: Call) -> None:
        kind = call.headers.get("content-type", "").partition(";")[0]
        if call.route == "Attachment/{id}/Content" or not call.body:
            wanted = "application/octet-stream" if call.body else ""
        else:
            wanted = "application/json-patch+json" if call.method == "PATCH" else "application/json"
            try:
                call.sent = json.loads(call.body)
            except ValueError:
                raise undocumented("the body is no JSON") from None
        if kind != wanted:
            raise undocumented(f"{call.route} takes {wanted or 'no body'}, not {kind}")

    # --- tickets

    def _get_ticket_default(self, _call: Call, _views: Views) -> Answer:
        return Answer(self.site.default_ticket())

    def _get_ticket_customfield(self, _call: Call, _views: Views) -> Answer:
        flags = {"HideField": False, "IsMandatory": False, "IsReadOnly": False, "Description": "", "Rank": 1}
        return Answer([{**flags, **one} for one in self.site.custom])

    def _get_ticket(self, call: Call, views: Views) -> Answer:
        return self._archive(call, views.columns("Ticket"), list(self.site.tickets.values()), "ticket")

    def _post_ticket(self, call: Call, views: Views) -> Answer:
        _documented(call.sent, rules.TICKET, "newEntity")
        if not str(call.sent.get("Title") or "").strip():
            raise Refused(400, "ArgumentException", "Title must not be empty")
        if len(str(call.sent["Title"])) > 255:
            raise Refused(400, "ArgumentException", "Title is too long")
        entity = {**self.site.default_ticket(), **call.sent, "TicketId": self.site.next_id()}
        entity = {name: value for name, value in entity.items() if name in rules.TICKET}
        entity |= {"CreatedAt": self.site.now(), "LastChanged": self.site.now(), "CreatedBy": {"AssociateId": API_USER}}
        ticket = Request(entity)
        self._check_references(ticket)
        self.site.tickets[ticket.number] = ticket
        if _true(call.query.get("notify", "False")):
            self.site.told.append(f"new ticket {ticket.number}")
        return Answer(views.ticket(ticket))

    def _get_ticket_id(self, call: Call, views: Views) -> Answer:
        entity = views.ticket(self._ticket(call.name))
        chosen = [one.lower() for one in call.query.get("$select", "").split(",") if one]
        kept = {name: value if name.lower() in chosen else None for name, value in entity.items()}
        return Answer(kept if chosen else entity)

    def _patch_ticket_id(self, call: Call, views: Views) -> Answer:
        ticket = self._ticket(call.name)
        self._unmodified(call, ticket.entity)
        changed = Request(_patched(views.ticket(ticket), call.sent, rules.TICKET))
        self._check_references(changed)
        status = self.site.statuses[changed.points_at("Status", "TicketStatusId")][1]
        if status != changed.entity["BaseStatus"]:
            raise undocumented("Status and BaseStatus do not mean the same")
        steps = [step["path"].strip("/").lower() for step in call.sent if step["op"] != "test"]
        for name in rules.TICKET:
            if name.lower() in steps:
                ticket.entity[name] = changed.entity[name]
        self.site.touch(ticket)
        return Answer(views.ticket(ticket))

    def _get_ticket_id_messages(self, call: Call, views: Views) -> Answer:
        return self._archive(call, views.columns("TicketMessage"), self._ticket(call.name).notes, "ticketmessage")

    # --- messages and files

    def _get_ticketmessage(self, call: Call, views: Views) -> Answer:
        return self._archive(call, views.columns("TicketMessage"), list(self.site.notes().values()), "ticketmessage")

    def _post_ticketmessage(self, call: Call, views: Views) -> Answer:
        return Answer(views.message(self._save(call.sent, (), notify=_true(call.query.get("notify", "False")))))

    def _post_agents_ticket_saveticketmessageentitywithoptions(self, call: Call, views: Views) -> Answer:
        _documented(call.sent, rules.OPTIONS, "request")
        files = call.sent.get("AttachmentIds") or []
        note = self._save(call.sent["Entity"], files, notify=bool(call.sent.get("Notify")))
        if call.sent.get("UpdateRepliedAt"):
            self.site.replied.append(note.number)
        return Answer(views.message(note))

    def _save(self, sent: Any, files: Sequence[int], *, notify: bool) -> Note:
        _documented(sent, rules.MESSAGE, "TicketMessageEntity")
        if sent.get("EjMessageId"):
            raise undocumented("a new message has no key")
        ticket = self._ticket((sent.get("Ticket") or {}).get("TicketId"))
        self._person(sent.get("Person"))
        for one in files:
            self._file(one)
        note = self.site.add_note(ticket, {**rules.MESSAGE, **sent}, by=API_USER, files=list(files))
        if notify:
            self.site.told.append(f"new message {note.number}")
        return note

    def _post_agents_ticket_getticketmessageentities(self, call: Call, views: Views) -> Answer:
        _documented(call.sent, rules.READ_MANY, "request")
        notes = self.site.notes()
        found = [notes[one] for one in call.sent["MessageIds"] if one in notes]
        return Answer([views.message(note) for note in found if note.ticket == call.sent["TicketId"]])

    def _patch_ticketmessage_id(self, call: Call, views: Views) -> Answer:
        note = self._note(call.name)
        self._unmodified(call, note.entity)
        note.entity = _patched(note.entity, call.sent, rules.MESSAGE)
        self.site.touch(self.site.tickets[note.ticket])
        return Answer(views.message(note))

    def _delete_ticketmessage_id(self, call: Call, _views: Views) -> Answer:
        note = self._note(call.name)
        ticket = self.site.tickets[note.ticket]
        ticket.notes.remove(note)
        self.site.touch(ticket)
        return Answer(status=204)

    def _get_ticketmessage_id_attachment(self, call: Call, views: Views) -> Answer:
        return Answer(views.attachments(self._note(call.name)))

    def _post_ticketmessage_id_attachment(self, call: Call, _views: Views) -> Answer:
        note = self._note(call.name)
        if not isinstance(call.sent, list):
            raise undocumented("ids of attachments are a list")
        for one in call.sent:
            self._file(one)
        note.files += call.sent
        self.site.touch(self.site.tickets[note.ticket])
        return Answer(status=204)

    def _post_attachment(self, call: Call, _views: Views) -> Answer:
        _documented(call.sent, rules.ATTACHMENT, "AttachmentEntity")
        number = self.site.next_id()
        self.site.files[number] = File({**call.sent, "AttachmentId": number})
        return Answer({**self.site.files[number].about, "AuthKey": f"auth-key-{number}"})

    def _post_attachment_id_content(self, call: Call, _views: Views) -> Answer:
        file = self.site.files.get(int(call.name))
        if file is None:
            raise missing("Attachment", call.name)
        file.data = call.body
        return Answer(status=204)

    def _get_attachment_id_content(self, call: Call, _views: Views) -> Answer:
        return Answer(content=self._file(int(call.name)).data or b"")

    # --- lists and people

    def _get_mdolist_name(self, call: Call, views: Views) -> Answer:
        found = views.mdo(call.name)
        if found is None:
            raise missing("List", call.name)
        return Answer(found)

    def _get_person(self, call: Call, views: Views) -> Answer:
        addresses = [(number, email) for number, one in self.site.persons.items() for email in one["Emails"]]
        return self._archive(call, views.columns("Person"), addresses, "person")

    def _get_person_default(self, _call: Call, _views: Views) -> Answer:
        return Answer(dict(rules.PERSON))

    def _post_person(self, call: Call, views: Views) -> Answer:
        _documented(call.sent, rules.PERSON, "newEntity")
        number = self.site.next_id()
        emails = [one["Value"] for one in call.sent["Emails"]]
        self.site.persons[number] = {**call.sent, "PersonId": number, "Emails": emails}
        return Answer(views.person(number))

    def _get_user_currentprincipal(self, _call: Call, _views: Views) -> Answer:
        me = {"Associate": "TL", "AssociateId": API_USER, "FullName": self.site.associates[API_USER]}
        return Answer({**me, "EjUserId": API_USER + 100 if self.service_licence else 0})

    def _get_archive_dynamic(self, call: Call, views: Views) -> Answer:
        return self._archive(call, views.dynamic(), list(self.site.tickets.values()), "dynamic")

    # --- what several calls need

    def _archive(self, call: Call, columns: Mapping[str, odata.Column], things: Sequence[Any], entity: str) -> Answer:
        try:
            found, more = odata.select(columns, things, call.query)
        except (odata.NoSuchQuery, ValueError) as error:
            raise undocumented(str(error)) from None
        value = [{"PrimaryKey": str(number), "EntityName": entity, **row} for number, row in enumerate(found)]
        link = "https://next.invalid" if more else None
        return Answer({"odata.metadata": "https://metadata.invalid", "odata.nextLink": link, "value": value})

    def _ticket(self, number: object) -> Request:
        found = self.site.tickets.get(int(str(number or 0)))
        if found is None:
            raise missing("Ticket", number)
        return found

    def _note(self, number: str) -> Note:
        found = self.site.notes().get(int(number))
        if found is None:
            raise missing("TicketMessage", number)
        return found

    def _file(self, number: int) -> File:
        found = self.site.files.get(number)
        if found is None or found.data is None:
            raise missing("Attachment", number)
        return found

    def _person(self, person: Any) -> None:
        number = (person or {}).get("PersonId") or 0
        if number and number not in self.site.persons:
            raise missing("Person", number)

    def _check_references(self, ticket: Request) -> None:
        site = self.site
        for name, key, known, what in (
            ("Category", "TicketCategoryId", site.categories, "TicketCategory"),
            ("Priority", "TicketPriorityId", site.priorities, "TicketPriority"),
            ("Status", "TicketStatusId", site.statuses, "TicketStatus"),
        ):
            number = ticket.points_at(name, key)
            if number not in known:
                raise missing(what, number)
        owner = ticket.points_at("OwnedBy", "AssociateId")
        if owner == AUTOMATIC:
            ticket.entity["OwnedBy"] = {"AssociateId": next(iter(site.associates))}
        elif owner and owner not in site.associates:
            raise missing("Associate", owner)
        self._person(ticket.entity.get("Person"))
        fields = {one["FieldName"] for one in site.custom}
        if unknown := [name for name in ticket.entity.get("CustomFields") or {} if name not in fields]:
            raise undocumented(f"tickets have no custom field {', '.join(unknown)}")

    def _unmodified(self, call: Call, entity: Entity) -> None:
        since = call.headers.get("if-unmodified-since")
        if since and f"{parsedate_to_datetime(since):%Y-%m-%dT%H:%M:%S}" < str(entity.get("LastChanged", "")):
            raise Refused(412, "", "changed since")


def _documented(sent: Any, allowed: Mapping[str, object] | frozenset[str], what: str) -> None:
    if wrong := rules.wrong_properties(sent, allowed, what):
        raise undocumented("; ".join(wrong))


def _patched(entity: Entity, steps: Any, allowed: Mapping[str, object]) -> Entity:
    """*entity* after a JSON patch of its own properties. Paths are read without regard to case."""
    if not isinstance(steps, list):
        raise undocumented("a JSON patch is a list")
    names = {name.lower(): name for name in allowed}
    entity = dict(entity)
    for step in steps:
        name = names.get(str(step.get("path")).strip("/").lower())
        if name is None or step.get("op") not in {"add", "replace", "remove", "test"}:
            raise undocumented(f"the patch cannot {step.get('op')} {step.get('path')}")
        if step["op"] == "test":
            if entity[name] != step["value"]:
                raise Refused(409, "", f"{name} is not as tested")
        elif step["op"] == "remove":
            entity[name] = allowed[name]
        else:
            _documented({name: step["value"]}, allowed, "patch")
            entity[name] = step["value"]
    return entity


def _true(value: str) -> bool:
    if value not in {"True", "False", "true", "false"}:
        raise undocumented("notify is True or False")
    return value.lower() == "true"
