"""The stand-in's entities, lists and archive rows as SuperOffice writes them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.desks.superoffice_rest_odata import Column
from bot.sandbox.desks.superoffice_rest_rules import COLUMNS, INT, MESSAGE, TEXT
from bot.sandbox.desks.superoffice_rest_state import Entity, Note, Request, Site

_DATES = {"CreatedAt", "LastChanged", "Deadline", "ClosedAt", "RepliedAt", "Activate"}


class Views:
    """Writes for one request; ``zone`` is what its SO-TimeZone header says."""

    def __init__(self, site: Site, zone: str) -> None:
        self.site = site
        self.utc, self.offsets = zone.partition(",")[0].strip() == "UTC", "includeTZOffset" in zone

    def time(self, kept: str) -> str:
        """A time: without SO-TimeZone in the site's own zone and with nothing that says so."""
        if kept.startswith("0001") or not kept:
            return "0001-01-01T00:00:00"
        at = datetime.fromisoformat(kept.removesuffix("Z")).replace(tzinfo=UTC)
        at = at if self.utc else at.astimezone(self.site.zone)
        return f"{at:%Y-%m-%dT%H:%M:%S.0000000%z}" if self.offsets else f"{at:%Y-%m-%dT%H:%M:%S}"

    def ticket(self, ticket: Request) -> Entity:
        """A TicketEntity with names in what it points at."""
        site, entity = self.site, ticket.entity
        owner = ticket.points_at("OwnedBy", "AssociateId")
        category = ticket.points_at("Category", "TicketCategoryId")
        priority = ticket.points_at("Priority", "TicketPriorityId")
        status = ticket.points_at("Status", "TicketStatusId")
        fullname = site.categories.get(category, "")
        return {
            **entity,
            **{name: self.time(str(entity.get(name) or "")) for name in _DATES},
            "OwnedBy": {"AssociateId": owner, "FullName": site.associates.get(owner, ""), "EjUserId": owner + 100},
            "Category": {
                "TicketCategoryId": category,
                "Name": fullname.rpartition("/")[2],
                "Fullname": fullname,
            },
            "Priority": {"TicketPriorityId": priority, "Name": site.priorities.get(priority, "")},
            "Status": {"TicketStatusId": status, "Name": site.statuses[status][0]},
            "Person": self.person(ticket.points_at("Person", "PersonId")),
            "NumMessages": len(ticket.notes),
            "HasAttachment": any(note.files for note in ticket.notes),
            "Messages": [self.header(note) for note in ticket.notes],
            "_Links": {"Self": f"/api/v1/Ticket/{ticket.number}", "Archive": "/api/v1/Ticket"},
        }

    def person(self, number: int) -> Entity | None:
        """A Person, or null."""
        one = self.site.persons.get(number)
        if one is None:
            return None
        names = {"Firstname": one["Firstname"], "Lastname": one["Lastname"], "FullName": self.site.full_name(number)}
        return {"PersonId": number, **names, "Email": next(iter(one["Emails"]), "")}

    def header(self, note: Note) -> Entity:
        """What a TicketEntity tells of a message."""
        person = int((note.entity.get("Person") or {}).get("PersonId") or 0)
        return {
            "TicketMessageId": note.number,
            "CreatedAt": self.time(note.entity["CreatedAt"]),
            "Slevel": note.entity["Slevel"],
            "Important": note.entity["Important"],
            "Author": note.entity["Author"],
            "PersonId": person,
            "PersonFullName": self.site.full_name(person),
            "NumAttachments": len(note.files),
            "CreatedBy": note.created_by,
            "Badge": note.entity["Badge"],
        }

    def message(self, note: Note) -> Entity:
        """A TicketMessageEntity."""
        person = int((note.entity.get("Person") or {}).get("PersonId") or 0)
        return {
            **MESSAGE,
            **note.entity,
            "CreatedAt": self.time(note.entity["CreatedAt"]),
            "CreatedBy": {"AssociateId": note.created_by, "FullName": self.site.associates[note.created_by]},
            "Ticket": {"TicketId": note.ticket},
            "Person": self.person(person),
            "AttachmentsInfo": self.attachments(note),
        }

    def attachments(self, note: Note) -> list[Entity]:
        """The files of a message, with the AuthKey that must go nowhere."""
        return [{**self.site.files[one].about, "AuthKey": f"auth-key-{one}"} for one in note.files]

    def mdo(self, name: str) -> list[Entity] | None:
        """An MDO list, or None where there is none of that name."""
        site = self.site
        lists: Mapping[str, list[tuple[int, str, str]]] = {
            "ejcategory": [(one, path, "parentId=0&replyTemplateId=-1") for one, path in site.categories.items()],
            "ticketpriority": [(one, label, str(one)) for one, label in site.priorities.items()],
            "ticketstatus": [(one, label, base) for one, (label, base) in site.statuses.items()],
            "associate": [(one, label, "") for one, label in site.associates.items()],
            "serviceassociate": [(one, label, "") for one, label in site.associates.items()],
            "udlist98": [(one, label, "") for one, label in site.udlist.items()],
        }
        if name not in lists:
            return None
        found = [self._item(one, label, extra) for one, label, extra in lists[name]]
        return [*found, {**self._item(99, "Gone", ""), "Deleted": True}]

    def _item(self, number: int, label: str, extra: str) -> Entity:
        words = {"Name": label.rpartition("/")[2], "FullName": label, "ToolTip": "", "ExtraInfo": extra}
        return {"Id": number, **words, "Deleted": False, "Rank": number, "Type": "", "ChildItems": [], "IconHint": ""}

    def columns(self, archive: str) -> dict[str, Column]:
        """The columns of an archive over the stand-in's rows."""
        makers: Mapping[str, Callable[[Any], Mapping[str, Any]]]
        makers = {"Ticket": self._of_ticket, "TicketMessage": self._of_note, "Person": self._of_person}
        return {name: Column(kind, _picking(makers[archive], name)) for name, kind in COLUMNS[archive].items()}

    def dynamic(self) -> dict[str, Column]:
        """Columns of the dynamic archive, which are named as the database's: the extra fields among them."""
        extra = [one["FieldName"] for one in self.site.custom if one["FieldName"].startswith("x_")]
        fields = {
            f"ticket.{name}": Column(TEXT, _picking(lambda one: one.entity["CustomFields"], name)) for name in extra
        }
        return {"ticket.id": Column(INT, lambda one: one.number), **fields}

    def _of_ticket(self, ticket: Request) -> Mapping[str, Any]:
        entity = self.ticket(ticket)
        person = entity["Person"] or {}
        return {
            "ticketId": ticket.number,
            "title": entity["Title"],
            "createdAt": entity["CreatedAt"],
            "lastChanged": entity["LastChanged"],
            "author": entity["Author"],
            "ticketStatusName": entity["Status"]["Name"],
            "status": entity["BaseStatus"],
            "categoryFullName": entity["Category"]["Fullname"],
            "priorityName": entity["Priority"]["Name"],
            "slevel": {"Internal": "Intern", "External": "Ekstern"}.get(entity["Slevel"], ""),
            "origin": entity["Origin"],
            "ownedBy/fullName": entity["OwnedBy"]["FullName"],
            "person/fullName": person.get("FullName", ""),
            "person/personId": person.get("PersonId", 0),
            "connectId": entity["ConnectId"],
            "numberOfMessages": entity["NumMessages"],
        }

    def _of_note(self, note: Note) -> Mapping[str, Any]:
        return {
            "ticketId": note.ticket,
            "ticketMessageId": note.number,
            "author": note.entity["Author"],
            "createdAt": self.time(note.entity["CreatedAt"]),
            "body": note.entity["Body"],
            "htmlBody": note.entity["HtmlBody"],
            "messageId": note.entity["MessageId"],
            "slevel": {"Internal": "Intern", "External": "Ekstern"}.get(note.entity["Slevel"], ""),
        }

    def _of_person(self, row: tuple[int, str]) -> Mapping[str, Any]:
        number, email = row
        one = self.site.persons[number]
        return {
            "personId": number,
            "firstName": one["Firstname"],
            "lastName": one["Lastname"],
            "fullName": self.site.full_name(number),
            "email/emailAddress": email,
        }


def _picking(row: Callable[[Any], Mapping[str, Any]], name: str) -> Callable[[Any], Any]:
    """Takes one value out of what *row* makes."""
    return lambda thing: row(thing).get(name, "")
