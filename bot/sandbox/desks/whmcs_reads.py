"""What the WHMCS stand-in answers to actions that only read, with the forms and oddities of real answers."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.sandbox.desks.whmcs_actions import Answer, Refused, find_ticket
from bot.sandbox.desks.whmcs_parameters import Call
from bot.sandbox.desks.whmcs_state import Post, State, StoredTicket, encode

COLOURS = ("#779500", "#000000", "#ff6600", "#224488", "#cc0000", "#888888")


def get_ticket(state: State, call: Call) -> Answer:
    """GetTicket. The opening post is the reply with number 0; the documents do not say which comes first unasked."""
    target = state.merged.get(int(call["ticketid"] or 0))  # the documents do not say so; it was seen
    ticket = state.tickets[target] if target else find_ticket(state, call, "Ticket ID Not Found")
    replies = [
        _reply(post) for post in sorted((ticket.opening, *ticket.replies), key=lambda post: (post.date, post.id))
    ]
    if call["repliessort"] != "ASC":
        replies.reverse()
    notes = [_note(post) for post in ticket.notes]
    return {
        "ticketid": str(ticket.id),
        "deptname": encode(state.departments[ticket.deptid]),
        **_row(ticket),
        "replies": {"reply": replies},
        "notes": {"note": notes} if notes else [],
    }


def get_tickets(state: State, call: Call) -> Answer:
    """GetTickets, newest reply first; without ignore_dept_assignments only the admin's departments."""
    found = [ticket for ticket in state.tickets.values() if _matches(state, ticket, call)]
    found.sort(key=lambda ticket: (ticket.lastreply, ticket.id), reverse=True)
    page, numbers = _page(found, call)
    rows = [{"id": str(ticket.id), **_row(ticket)} for ticket in page]
    return {**numbers, "tickets": {"ticket": rows} if rows else []}


def get_notes(state: State, call: Call) -> Answer:
    """GetTicketNotes."""
    notes = find_ticket(state, call, "Ticket ID Not Found").notes
    return {"totalresults": len(notes), "notes": {"note": [{**_note(post), "id": str(post.id)} for post in notes]}}


def get_attachment(state: State, call: Call) -> Answer:
    """GetTicketAttachment."""
    if call["relatedid"] in {"", "0"}:
        raise Refused("Related ID Required")
    if call["type"] not in {"ticket", "reply", "note"}:
        raise Refused("Invalid Type. Must be one of ticket, reply, note")
    posts = [post for ticket in state.tickets.values() for post in _posts(ticket, call["type"], call["relatedid"])]
    if not posts:
        raise Refused("Related ID Not Found")
    if not call["index"]:
        raise Refused("Attachment Index Required")
    if not posts[0].files:
        raise Refused("No Attachments Found")
    if int(call["index"]) >= len(posts[0].files):
        raise Refused("Invalid Attachment Index")
    name, data = posts[0].files[int(call["index"])]
    return {"filename": encode(name), "data": base64.b64encode(data).decode()}


def get_departments(state: State, call: Call) -> Answer:
    """GetSupportDepartments."""
    wanted = state.departments if call.flag("ignore_dept_assignments") else state.assigned
    rows = [
        {"id": number, "name": encode(name), "awaitingreply": "0", "opentickets": "0"}
        for number, name in state.departments.items()
        if number in wanted
    ]
    return {"totalresults": len(rows), "departments": {"department": rows} if rows else []}


def get_statuses(state: State, _call: Call) -> Answer:
    """GetSupportStatuses."""
    counts = [sum(ticket.status == title for ticket in state.tickets.values()) for title in state.statuses]
    rows = [
        {"title": title, "count": count, "color": colour}
        for title, count, colour in zip(state.statuses, counts, COLOURS, strict=False)
    ]
    return {"totalresults": len(rows), "statuses": {"status": rows}}


def get_client(state: State, call: Call) -> Answer:
    """GetClientsDetails: by id or by exactly that address, with the deprecated copy at the top."""
    if not (call["clientid"] or call["email"]):
        raise Refused("Either clientid Or email Is Required")
    for number, client in state.clients.items():
        if number == call["clientid"] or client.email.casefold() == call["email"].casefold():
            first, _, last = client.name.partition(" ")
            names = {"firstname": encode(first), "lastname": encode(last), "fullname": encode(client.name)}
            row = {"client_id": int(number), "id": int(number), "userid": int(number), **names, "email": client.email}
            return {**row, "client": row}
    raise Refused("Client Not Found")


def get_contacts(state: State, call: Call) -> Answer:
    """GetContacts, by client or exactly that address."""
    rows = []
    for client, known in state.clients.items():
        for number, (name, mail) in known.contacts.items():
            first, _, last = name.partition(" ")
            if call["userid"] in {"", client} and call["email"].casefold() in {"", mail.casefold()}:
                row = {"id": int(number), "userid": int(client), "firstname": encode(first), "lastname": encode(last)}
                rows.append({**row, "email": mail, "created_at": "0000-00-00 00:00:00"})
    page, numbers = _page(rows, call)
    return {**numbers, "contacts": {"contact": page} if page else []}


def get_users(state: State, call: Call) -> Answer:
    """GetUsers: a search for beginnings; its list is flat, unlike the others."""
    rows = []
    for client, known in state.clients.items():
        for number, (name, mail) in known.users.items():
            first, _, last = name.partition(" ")
            if any(text.casefold().startswith(call["search"].casefold()) for text in (mail, name, last)):
                clients = [{"id": int(client), "isOwner": mail == known.email}]
                row = {"id": int(number), "firstname": encode(first), "lastname": encode(last), "email": mail}
                rows.append({**row, "clients": clients})
    page, numbers = _page(rows, call)
    return {**numbers, "users": page}


def get_admins(state: State, _call: Call) -> Answer:
    """GetAdminUsers, whose answer has no ``result``."""
    rows = [
        {"id": int(number), "username": username, "fullName": encode(name), "isDisabled": 0}
        for number, (username, name) in state.admins.items()
    ]
    return {"result": None, "count": len(rows), "admin_users": rows}


def _matches(state: State, ticket: StoredTicket, call: Call) -> bool:
    active = ticket.status != "Closed"
    by_status = {
        "": True,
        "All Active Tickets": active,
        "Awaiting Reply": ticket.status in {"Open", "Customer-Reply"},
        "My Flagged Tickets": active and ticket.flag == "1",
    }.get(call["status"], ticket.status == call["status"])
    return (
        by_status
        and (call.flag("ignore_dept_assignments") or ticket.deptid in state.assigned)
        and call["deptid"] in {"", ticket.deptid}
        and call["clientid"] in {"", ticket.opening.userid}
        and (not call["email"] or (ticket.opening.userid == "0" and ticket.opening.email == encode(call["email"])))
        and call["subject"].casefold() in ticket.subject.casefold()
    )


def _page(found: Sequence[Any], call: Call) -> tuple[Sequence[Any], Answer]:
    start = int(call["limitstart"] or 0)
    page = found[start : start + int(call["limitnum"] or 25)]
    return page, {"totalresults": str(len(found)), "startnumber": start, "numreturned": len(page)}


def _row(ticket: StoredTicket) -> Answer:
    """What GetTicket and GetTickets both tell of a ticket."""
    return {
        "tid": ticket.tid,
        "c": ticket.c,
        "deptid": ticket.deptid,
        **_who(ticket.opening),
        "cc": "",
        "date": ticket.opening.date,
        "subject": ticket.subject,
        "status": ticket.status,
        "priority": ticket.priority,
        "admin": ticket.opening.admin,
        "lastreply": ticket.lastreply,
        "flag": ticket.flag,
        "service": ticket.service,
    }


def _who(post: Post) -> Answer:
    kind = "Operator" if post.admin else "Owner" if post.userid != "0" else "Guest"
    return {
        "userid": post.userid,
        "contactid": post.contactid,
        "name": "" if post.admin else post.name,
        "email": post.email,
        "requestor_name": post.admin or post.name,
        "requestor_email": post.email,
        "requestor_type": kind,
    }


def _reply(post: Post) -> Answer:
    return {"replyid": str(post.id), **_who(post), **_text(post), "rating": "0"}


def _note(post: Post) -> Answer:
    return {"noteid": str(post.id), **_text(post)}


def _text(post: Post) -> Answer:
    kept = "|".join(f"{100_000 + index}_{encode(name)}" for index, (name, _) in enumerate(post.files))
    listed = [{"filename": encode(name), "index": index} for index, (name, _) in enumerate(post.files)]
    return {
        "date": post.date,
        "message": post.message,
        "attachment": kept,
        "attachments": listed or [[]],
        "attachments_removed": False,
        "admin": post.admin,
    }


def _posts(ticket: StoredTicket, kind: str, related: str) -> list[Post]:
    if kind == "ticket":
        return [ticket.opening] if str(ticket.id) == related else []
    return [post for post in (ticket.replies if kind == "reply" else ticket.notes) if str(post.id) == related]


READS: Mapping[str, Callable[[State, Call], Answer]] = {
    "GetTicket": get_ticket,
    "GetTickets": get_tickets,
    "GetTicketNotes": get_notes,
    "GetTicketAttachment": get_attachment,
    "GetSupportDepartments": get_departments,
    "GetSupportStatuses": get_statuses,
    "GetClientsDetails": get_client,
    "GetContacts": get_contacts,
    "GetUsers": get_users,
    "GetAdminUsers": get_admins,
}
