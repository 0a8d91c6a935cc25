"""What each action of the WHMCS stand-in does, with the documented errors in the documented words."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.sandbox.desks.whmcs_parameters import Call, read_date
from bot.sandbox.desks.whmcs_state import Post, State, StoredTicket, encode

Answer = dict[str, Any]
PRIORITIES = ("Low", "Medium", "High")
MAIL = re.compile(r"[^@\s<>&,;]+@[^@\s<>&,;]+\.[^@\s<>&,;]+")


class Refused(Exception):
    """WHMCS answers with ``result: error`` and this message."""


def open_ticket(state: State, call: Call) -> Answer:
    """OpenTicket."""
    post = _post(state, call, 0, _author(state, call, unknown_user="The system cannot find the provided user ID."))
    _require(call["deptid"] in state.departments, "Department ID not found")
    _require(call["subject"], "Subject is required")
    _require(call["message"], "Message is required")
    client = state.clients.get(call["clientid"])
    service = ""
    for name, letter, owned in (("serviceid", "S", "services"), ("domainid", "D", "domains")):
        if call[name]:
            known = client is not None and call[name] in getattr(client, owned)
            _require(known, f"{'Service' if letter == 'S' else 'Domain'} ID Not Found")
            service = letter + call[name]
    number = state.next_ticket()
    state.tickets[number] = StoredTicket(
        id=number,
        tid=state.next_tid(),
        c=f"c{number:07x}",
        deptid=call["deptid"],
        subject=encode(call["subject"]),
        opening=post,
        priority=call["priority"] or "Low",
        service=service,
        lastreply=post.date,
        noemail=call.flag("noemail"),
        prevent_closure=call.flag("preventClientClosure") if call["preventClientClosure"] else None,
        fields=call.fields,
    )
    ticket = state.tickets[number]
    return {"id": str(number), "tid": ticket.tid, "c": ticket.c}


def add_reply(state: State, call: Call) -> Answer:
    """AddTicketReply, which does not tell the reply's number."""
    ticket = find_ticket(state, call, "Ticket ID not found")
    author = _author(state, call, unknown_user="")
    _require(call["message"], "Message is required")
    _require(not call["status"] or call["status"] in state.statuses, "Invalid Ticket Status")
    post = _post(state, call, state.next_post(), author, what="Reply")
    ticket.replies.append(post)
    ticket.status = call["status"] or ("Answered" if post.admin else "Customer-Reply")
    ticket.lastreply = post.date
    ticket.noemail = call.flag("noemail")
    ticket.fields |= call.fields
    return {}


def add_note(state: State, call: Call) -> Answer:
    """AddTicketNote, by the admin of the credentials."""
    ticket = find_ticket(state, call, "Ticket ID not found")
    _require(call["message"], "Message is required")
    ticket.notes.append(_post(state, call, state.next_post(), {"admin": encode(state.admins["1"][1])}))
    return {}


def update_ticket(state: State, call: Call) -> Answer:
    """UpdateTicket, whose ``userid`` is a client's id."""
    ticket = find_ticket(state, call, "Ticket ID Not Found")
    _require(not call["deptid"] or call["deptid"] in state.departments, "Department ID Not Found")
    priorities = f"Invalid Ticket Priority. Valid priorities are: {','.join(PRIORITIES)}"
    _require(not call["priority"] or call["priority"] in PRIORITIES, priorities)
    statuses = f"Invalid Ticket Status. Valid statuses are: {','.join(state.statuses)}"
    _require(not call["status"] or call["status"] in state.statuses, statuses)
    _require(not call["userid"] or call["userid"] in state.clients, "Client ID Not Found")
    ticket.deptid = call["deptid"] or ticket.deptid
    ticket.priority = call["priority"] or ticket.priority
    ticket.status = call["status"] or ticket.status
    ticket.subject = encode(call["subject"]) if call["subject"] else ticket.subject
    ticket.flag = "0" if call.flag("removeFlag") else call["flag"] or ticket.flag
    if call["message"]:
        ticket.opening.message = encode(call["message"])
        ticket.opening.markdown = call.flag("markdown")
    ticket.fields |= call.fields
    return {"ticketid": str(ticket.id)}


def update_reply(state: State, call: Call) -> Answer:
    """UpdateTicketReply."""
    _require(call["replyid"] not in {"", "0"}, "Reply ID Required")
    _require(call["message"], "Message is Required")
    found = [post for ticket in state.tickets.values() for post in ticket.replies if str(post.id) == call["replyid"]]
    _require(found, "Reply ID Not Found")
    found[0].message = encode(call["message"])
    found[0].markdown = call.flag("markdown") or found[0].markdown
    return {"replyid": call["replyid"]}


def delete_reply(state: State, call: Call) -> Answer:
    """DeleteTicketReply."""
    _require(call["ticketid"] not in {"", "0"}, "Ticket ID Required")
    _require(call["replyid"] not in {"", "0"}, "Reply ID Required")
    ticket = find_ticket(state, call, "Ticket ID Not Found")
    kept = [post for post in ticket.replies if str(post.id) != call["replyid"]]
    _require(len(kept) < len(ticket.replies), "Reply ID Not Found")
    ticket.replies = kept
    return {}


def delete_note(state: State, call: Call) -> Answer:
    """DeleteTicketNote."""
    for ticket in state.tickets.values():
        kept = [post for post in ticket.notes if str(post.id) != call["noteid"]]
        if len(kept) < len(ticket.notes):
            ticket.notes = kept
            return {}
    raise Refused("Note ID Not Found")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise Refused(message)


def find_ticket(state: State, call: Call, missing: str) -> StoredTicket:
    """The ticket that a call names by its id or, where documented, by its number."""
    if call["ticketnum"]:
        found = next((ticket for ticket in state.tickets.values() if ticket.tid == call["ticketnum"]), None)
    else:
        found = state.tickets.get(int(call["ticketid"] or 0))
    if found is None:
        raise Refused(missing)
    return found


def _author(state: State, call: Call, *, unknown_user: str) -> dict[str, str]:
    """Who writes: an admin, a client with contact or user, or a name with an address; exactly one of these."""
    given = [name for name in ("adminusername", "clientid", "name") if call[name]]
    if len(given) > 1:
        call.wrong.append(f"{call.action}: more than one identity: {', '.join(given)}")
    if call["adminusername"]:
        known = dict(state.admins.values())
        return {"admin": encode(known.get(call["adminusername"], call["adminusername"]))}
    if call["clientid"]:
        return _client(state, call, unknown_user=unknown_user)
    for name in ("userid", "contactid"):
        if call[name]:
            call.wrong.append(f"{call.action}: {name} without clientid")
    _require(call["name"] and call["email"], "Name and email address are required if not a client")
    _require(MAIL.fullmatch(call["email"]), "Email Address Invalid")
    return {"name": encode(call["name"]), "email": encode(call["email"])}


def _client(state: State, call: Call, *, unknown_user: str) -> dict[str, str]:
    client = state.clients.get(call["clientid"])
    if client is None:
        raise Refused("Client ID Not Found")
    name, mail = client.name, client.email
    if call["userid"]:
        _require(call["userid"] in client.users, unknown_user)
        name, mail = client.users[call["userid"]]
        if call["contactid"]:
            call.wrong.append(f"{call.action}: contactid beside userid")
    elif call["contactid"]:
        _require(call["contactid"] in client.contacts, "Contact ID Not Found")
        name, mail = client.contacts[call["contactid"]]
    identity = {"name": encode(name), "email": encode(mail), "userid": call["clientid"]}
    return {**identity, "contactid": call["contactid"] or "0"}


def _post(state: State, call: Call, number: int, author: dict[str, str], *, what: str = "Ticket") -> Post:
    date = state.now()
    if call["created"]:
        try:
            date = read_date(call["created"], now=max(state.clock, datetime.now(state.zone)).astimezone(state.zone))
        except ValueError as error:
            raise Refused(str(error) if "Format" in str(error) else f"{what} {error}") from error
    if unknown := call.fields.keys() - state.custom.keys():
        call.wrong.append(f"{call.action}: no custom field {', '.join(sorted(unknown))}")
    if call["priority"] and call["priority"] not in PRIORITIES:
        call.wrong.append(f"{call.action}: no priority {call['priority']}")
    message = encode(call.given.get("message", ""))
    return Post(number, message, date, markdown=call.flag("markdown"), files=list(call.files), **author)


CHANGES: Mapping[str, Callable[[State, Call], Answer]] = {
    "OpenTicket": open_ticket,
    "AddTicketReply": add_reply,
    "AddTicketNote": add_note,
    "UpdateTicket": update_ticket,
    "UpdateTicketReply": update_reply,
    "DeleteTicketReply": delete_reply,
    "DeleteTicketNote": delete_note,
}
