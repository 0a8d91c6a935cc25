"""What a person who looks at the ticket answers, when the product asks whether something is there."""

import json
from collections.abc import Sequence

from bot.sandbox.desks.base import SeenTicket
from tests.crash.comparing import DELETED
from tests.crash.ledger import TOKEN, Ledger


def is_there(payload: str, ledger: Ledger, tickets: Sequence[SeenTicket]) -> bool:
    """Whether what the operation in *payload* is to bring is on one of *tickets* already."""
    work = json.loads(payload)["work"]
    ts, kind = work.get("ts", ""), work["kind"]
    if kind == "open_ticket":
        return any(token in ticket.subject for token in TOKEN.findall(work["subject"]) for ticket in tickets)
    tokens = [said.versions for said in ledger.said if ts and said.ts == ts] or [TOKEN.findall(payload)]
    texts = [message.text for ticket in tickets for message in ticket.messages]
    if kind == "edit_message":
        return any(token in text for token in TOKEN.findall(json.dumps(work["message"])) for text in texts)
    about = [text for text in texts if (DELETED in text) == (kind == "delete_message")]
    return any(token in text for token in tokens[0] for text in about)
