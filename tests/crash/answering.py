"""What a person who looks at the ticket answers, when the product asks whether something is there."""

import json
from collections.abc import Sequence

from bot.conversion.ports import Parked
from bot.sandbox.desks.base import SeenTicket
from tests.crash.comparing import DELETED
from tests.crash.ledger import TOKEN, Ledger


def is_there(parked: Parked, ledger: Ledger, tickets: Sequence[SeenTicket]) -> bool:
    """Whether what a parked operation is to bring is among *tickets*, those of the desk that it is for."""
    payload = parked.payload
    work = json.loads(payload)["work"]
    ts, kind = work.get("ts", ""), work["kind"]
    if kind == "open_ticket":
        return any(token in ticket.subject for token in TOKEN.findall(work["subject"]) for ticket in tickets)
    if kind == "move_ticket":  # back to the desk on which its first ticket stays
        name = next(thread.name for thread in ledger.threads if thread.ts and thread.ts in parked.lane)
        return sum(name in ticket.subject for ticket in tickets) > 1
    tokens = [said.versions for said in ledger.said if ts and said.ts == ts] or [TOKEN.findall(payload)]
    texts = [message.text for ticket in tickets for message in ticket.messages]
    if kind == "edit_message":
        return any(token in text for token in TOKEN.findall(json.dumps(work["message"])) for text in texts)
    about = [text for text in texts if (DELETED in text) == (kind == "delete_message")]
    return any(token in text for token in tokens[0] for text in about)
