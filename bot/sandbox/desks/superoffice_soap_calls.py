"""What the operations of the SuperOffice stand-in do, and with which error codes they refuse."""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.desks import superoffice_soap_rules as rules
from bot.sandbox.desks.superoffice_soap_rules import Refused
from bot.sandbox.desks.superoffice_soap_state import Customer, File, Note, Request, Site, User

Out = dict[str, Any]
Values = Mapping[str, Any]


@dataclass
class Session:
    """Who has logged in, and when the key was last used, in seconds of a monotonic clock."""

    user: User
    used: float


@dataclass
class Calls:
    """The operations over a `Site`.

    ``idle``: seconds after which an unused session is forgotten. ``fail``: error codes to answer operations with.
    ``breaks``: words of a fault of the server that operations end with after they have done their work.
    ``mails`` and ``notifications`` are what would have been sent. ``clock`` may be moved by tests.
    """

    site: Site
    idle: float = 1800.0
    licensed: bool = True
    fail: dict[str, int] = field(default_factory=dict)
    breaks: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[tuple[str, str]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic

    def run(self, operation: str, values: Values) -> Out:
        """Do *operation* and give its parts.

        Raises:
            Refused: with the code that the manual has for that.
        """
        self.made.append(operation)
        if operation in self.fail:
            raise Refused(self.fail[operation])
        if not self.licensed:
            raise Refused(19)
        match operation:
            case "login":
                return {"sessionKey": self._log_in(self._account(values["userName"], values["password"]))}
            case "loginAsUser":
                return self._login_as_user(values)
        session = self.sessions.get(values["sessionKey"] or "")
        if session is None or self.clock() - session.used > self.idle:
            raise Refused(5)
        session.used = self.clock()
        done: Callable[[Values, User], Out] = getattr(self, "_" + re.sub("([A-Z])", r"_\1", operation).lower())
        return done(values, session.user)

    def _account(self, login: str | None, password: str | None) -> User:
        if not password:
            raise Refused(15)
        found = next((user for user in self.site.users.values() if user.login and user.login == login), None)
        if found is None or found.password != password:
            raise Refused(2)
        if not found.admin:
            raise Refused(4)
        return found

    def _log_in(self, user: User) -> str:
        key = secrets.token_hex(16)
        self.sessions[key] = Session(user, self.clock())
        return key

    def _login_as_user(self, values: Values) -> Out:
        self._account(values["username"], values["password"])
        if values["userId"] not in self.site.users:
            raise Refused(34)
        return {"sessionKey": self._log_in(self.site.users[values["userId"]])}

    def _logout(self, values: Values, _user: User) -> Out:
        del self.sessions[values["sessionKey"]]
        return {}

    # --- tickets ---

    def _new_ticket(self, values: Values, user: User) -> Out:
        site = self.site
        category = self._category(values["categoryId"])
        priority = self._priority(values["priorityId"])
        self._slevel(values["sLevel"])
        owner = site.delegates.get(category, "1") if values["owner"] == "-1" else self._owner(values["owner"])
        customers = [self._customer(number).id for number in values["customers"] or ()]
        extra = {one["field"]: self._extra(one) for one in values["extraFields"] or ()}
        now = site.now()
        made = Request(
            site.next_id(), (values["title"] or "")[:255], values["sLevel"], category, priority, owner, customers,
            extra, user.name, now, now,
        )  # fmt: skip
        site.tickets[made.id] = made
        if values["sendNotification"]:
            self.notifications.append(("new ticket", made.id))
        return {"ticketId": made.id}

    def _set_ticket(self, values: Values, _user: User) -> Out:
        ticket = self._ticket(values["ticketId"])
        changes = [(one["field"], one["value"]) for one in values["ticketValues"] or ()]
        for name, value in changes:  # all of them are valid, or nothing is stored
            self._may_set(name, value)
        for name, value in changes:
            match name:
                case "ticket.category":
                    ticket.category = value
                case "ticket.owner":
                    ticket.owner = value
                case "ticket.title":
                    ticket.title = value[:255]
                case "ticket.slevel":
                    ticket.slevel = value
                case "ticket.status":
                    self.site.set_status(ticket, {"open": "1", "close": "2", "delete": "4"}[value])
                case "ticket.customerId":
                    ticket.customers = [] if value == "-1" else [*ticket.customers, value]
                case _ if name in self.site.extra_fields:
                    ticket.extra[name] = value
                case _:
                    ticket.more[name] = value
        self.site.touch(ticket)
        return {}

    def _may_set(self, name: str, value: str) -> None:
        if name in self.site.extra_fields:
            self._extra({"field": name, "value": value})
        elif name not in rules.SET_TICKET:
            raise Refused(17)
        elif name == "ticket.status" and value not in {"open", "close", "delete"}:
            raise Refused(32)
        elif name == "ticket.category":
            self._category(value)
        elif name == "ticket.owner":
            self._owner(value)
        elif name == "ticket.slevel":
            self._slevel(value)
        elif name == "ticket.customerId" and value != "-1":
            self._customer(value)

    def _get_ticket(self, values: Values, _user: User) -> Out:
        ticket = self._ticket(values["ticketId"])
        wanted = values["ticketFields"] or ()
        if any(name not in rules.GET_TICKET and name not in self.site.extra_fields for name in wanted):
            raise Refused(17)
        row = self._row(ticket)
        return {"ticketResult": rules.results(row, wanted), "messageIds": [note.id for note in ticket.messages]}

    def _find_tickets(self, values: Values, _user: User) -> Out:
        legal = rules.FIND_TICKET | set(self.site.extra_fields)
        if any(name not in legal for name in values["searchFields"] or ()):
            raise Refused(17)
        rows = [self._row(one) for one in self.site.tickets.values() if one.status != "4"]
        found = [row for row in rows if rules.meets(row, values["searchCriteria"] or (), legal)]
        order = values["orderBy"] or "ticket.id"
        if order not in legal:
            raise Refused(17)
        found.sort(key=lambda row: rules.comparable(order, row.get(order, "")), reverse=not values["ascending"])
        wanted = values["searchFields"] or ()
        return {"searchResult": [rules.results(row, wanted) for row in found[: int(values["maxRows"] or 0)]]}

    def _get_active_tickets_status(self, _values: Values, user: User) -> Out:
        mine = [one for one in self.site.tickets.values() if one.status == "1" and one.owner in {user.id, "1"}]
        return {"ticketStatusResult": [{"ticketId": one.id, "readStatus": "3"} for one in mine]}

    def _row(self, ticket: Request) -> dict[str, str]:
        """A ticket by the names of its fields."""
        first = self.site.customers.get(ticket.customers[0]) if ticket.customers else None
        values = {
            "id": ticket.id, "title": ticket.title, "created_at": ticket.created_at, "category": ticket.category,
            "status": ticket.status, "closed_at": ticket.closed_at, "priority": ticket.priority,
            "last_changed": ticket.last_changed, "author": ticket.author, "owned_by": ticket.owner,
            "cust_id": first.id if first else "-1",
        }  # fmt: skip
        person = {"id": first.id, "firstname": first.firstname, "lastname": first.lastname} if first else {}
        return {
            **{f"ticket.{name}": value for name, value in values.items()},
            **{f"customer.{name}": value for name, value in person.items()},
            **ticket.extra,
        }

    # --- messages and files ---

    def _add_message(self, values: Values, user: User) -> Out:
        return self._add_message3(values, user)

    def _add_message2(self, values: Values, user: User) -> Out:
        return self._add_message3(values, user)

    def _add_message3(self, values: Values, user: User) -> Out:
        ticket = self._ticket(values["ticketId"])
        self._slevel(values["sLevel"])
        files = values["attachmentIds"] or []
        if any(number not in self.site.files for number in files):
            raise Refused(16)
        body = values["messageBody"] or ""
        template = self.site.templates.get(values.get("replyTemplateId") or "-1")
        if template is not None:
            body = template.replace("%message.body%", body)
        note = Note(
            self.site.next_id(), body, values.get("htmlMessageBody") or "", values["sLevel"], user.name, True,
            self.site.now(), list(files),
        )  # fmt: skip
        ticket.messages.append(note)
        self.site.touch(ticket)
        lists = {name: [one for one in values.get(name) or () if "@" in one] for name in ("To", "Cc", "Bcc")}
        if any(lists.values()):
            self.mails.append({"ticket": ticket.id, "body": body, **lists})
        if values["sendNotification"]:
            self.notifications.append(("new message", ticket.id))
        return {"messageID": note.id}

    def _get_message(self, values: Values, _user: User) -> Out:
        note = self.site.message(values["messageId"] or "")
        if note is None:
            raise Refused(18)
        wanted = values["messageField"] or ()
        if any(name not in rules.GET_MESSAGE for name in wanted):
            raise Refused(17)
        shown = {"id": note.id, "body": note.body, "created_at": note.at, "author": note.author, "slevel": note.slevel}
        row = {f"message.{name}": value for name, value in shown.items()}
        files = [self.site.files[number] for number in note.files]
        info = [
            {
                "attachmentId": one.id,
                "attachmentName": one.name,
                "contentType": one.media_type,
                "attachmentKey": one.key,
            }
            for one in files
        ]
        return {"messageResult": rules.results(row, wanted), "attachmentInfo": info}

    def _add_attachment(self, values: Values, _user: User) -> Out:
        file = File(
            self.site.next_id(), values["attachmentName"] or "", values["contentType"] or "", values["data"] or b"",
            secrets.token_hex(8),
        )  # fmt: skip
        self.site.files[file.id] = file
        return {"attachmentId": file.id}

    def _get_attachment(self, values: Values, _user: User) -> Out:
        file = self.site.files.get(values["attachmentId"] or "")
        if file is None or file.key != values["attachmentKey"]:
            raise Refused(16)
        return {"attachmentName": file.name, "contentType": file.media_type, "data": file.data}

    # --- people and lists ---

    def _find_customers(self, values: Values, _user: User) -> Out:
        rows = [
            {
                "person.person_id": one.id,
                "person.firstname": one.firstname,
                "person.lastname": one.lastname,
                rules.EMAIL: email,
            }
            for one in self.site.customers.values()
            for email in one.emails or [""]
        ]
        found = [row for row in rows if rules.meets(row, values["searchCriteria"] or (), rules.PERSON)]
        wanted = [
            name for name in values["searchFields"] or () if name in rules.PERSON
        ]  # others are dropped, says the manual
        return {"searchResult": [rules.results(row, wanted) for row in found[: int(values["maxRows"] or 0)]]}

    def _new_customer(self, _values: Values, _user: User) -> Out:
        made = Customer(self.site.next_id())
        self.site.customers[made.id] = made
        return {"customerId": made.id}

    def _set_customer(self, values: Values, _user: User) -> Out:
        customer = self._customer(values["customerId"])
        changes = {one["field"]: one["value"] for one in values["customerValues"] or ()}
        if set(changes) - rules.SET_CUSTOMER:
            raise Refused(17)
        customer.values |= changes
        customer.firstname = changes.get("firstname", customer.firstname)
        customer.lastname = changes.get("lastname", customer.lastname)
        customer.emails += [changes["email"]] if "email" in changes else []
        return {}

    def _find_user(self, values: Values, _user: User) -> Out:
        column = {"username": "name", "loginname": "login", "email": "email"}.get(values["field"] or "")
        if column is None:
            raise Refused(17)
        wanted = (values["value"] or "").casefold()
        for user in self.site.users.values():
            if wanted and getattr(user, column).casefold() == wanted:
                return {"userId": user.id}
        raise Refused(35)

    def _get_categories(self, _values: Values, _user: User) -> Out:
        return {
            "categoryIds": [
                {"id": number, "name": name, "parentId": parent, "isInternal": "false"}
                for number, name, parent in self.site.categories
            ]
        }

    def _get_priorities(self, _values: Values, _user: User) -> Out:
        return {"priorities": [{"id": one, "name": name, "sortOrder": one} for one, name in self.site.priorities]}

    def _get_extra_fields(self, values: Values, _user: User) -> Out:
        if values["domain"] not in {"company", "customer", "ticket"}:
            raise Refused(11)
        fields = self.site.extra_fields.items() if values["domain"] == "ticket" else ()
        return {
            "extraFields": [
                {"fieldName": name, "displayField": label, "fieldId": name.rpartition("_")[2], "fieldType": kind}
                for name, (label, kind) in fields
            ]
        }

    # --- what a value must be ---

    def _ticket(self, number: str | None) -> Request:
        found = self.site.tickets.get(number or "")
        if found is None or found.status == "4":
            raise Refused(13)
        return found

    def _customer(self, number: str | None) -> Customer:
        if number not in self.site.customers:
            raise Refused(31)
        return self.site.customers[number]

    def _category(self, number: str | None) -> str:
        return rules.one_of(number, {one for one, _, _ in self.site.categories}, 8)

    def _priority(self, number: str | None) -> str:
        return "2" if number == "-1" else rules.one_of(number, {one for one, _ in self.site.priorities}, 9)

    def _owner(self, number: str | None) -> str:
        return rules.one_of(number, set(self.site.users), 29)

    @staticmethod
    def _slevel(level: str | None) -> str:
        return rules.one_of(level, {"1", "2"}, 10)

    def _extra(self, one: Mapping[str, str]) -> str:
        if one["field"] not in self.site.extra_fields:
            raise Refused(12)
        form = rules.VALUES.get(self.site.extra_fields[one["field"]][1])
        if form is not None and not form.fullmatch(one["value"]):
            raise Refused(17)
        return one["value"]
