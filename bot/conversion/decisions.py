"""What a person decides about work that waits for them, written into the work's record. Pure."""

import json
from dataclasses import dataclass
from enum import StrEnum

from bot.conversion.records import CLOSED, AddMessage, Delivered, OpenTicket, Operation, Progress, Work, decode, encode
from bot.conversion.stamps import UNSEEN


class Decision(StrEnum):
    """The answers that a person can give."""

    AGAIN = "again"  # it did not happen: do it
    THERE = "there"  # it did happen: go on
    DISCARD = "discard"  # drop it
    REOPEN = "reopen"  # the ticket is closed: open it again for this
    NEW = "new"  # the ticket is closed: open a new one for this


WAYS = frozenset({Decision.REOPEN, Decision.NEW})
"""The answers to the question how a reply to a closed ticket goes on."""


def asks(payload: str) -> bool:
    """Whether parked work waits for the answer to "is it there?".

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    return decode(payload).progress.asked not in {"", CLOSED}


def is_closed(payload: str) -> bool:
    """Whether parked work waits because its ticket is closed. Raises UnknownVersion."""
    return decode(payload).progress.asked == CLOSED


def typed(payload: str) -> AddMessage | None:
    """Parked work whose text was typed into a command or a form, so it is nowhere in Slack. Raises UnknownVersion."""
    work = decode(payload).work
    return work if isinstance(work, AddMessage) and not work.ts else None


def is_of(payload: str, user: str) -> bool:
    """Whether parked work is *user*'s, who alone may decide about it. Raises UnknownVersion."""
    return getattr(decode(payload).work, "actor", "") == user


def decided(payload: str, decision: Decision) -> str | None:
    """The record with which parked work goes back into its lane; None drops it.

    The counts of failures start anew. An answer is only written where its question was open, so that after a plain
    refusal, or in place of a choice, "again" does not keep the worker from looking first.

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    operation = decode(payload)
    if decision is Decision.DISCARD:
        return None
    progress = operation.progress
    answer = decision.value if progress.asked and (progress.asked == CLOSED) is (decision in WAYS) else ""
    anew = {"asked": "", "attempts": 0, "crashes": 0, "alone": 0, "first_failed": 0.0, "announced": False}
    fresh = progress.model_copy(update={"answer": answer, **anew})
    return encode(operation.model_copy(update={"progress": fresh, "why": ""}))


def in_part(operation: Operation) -> Delivered | None:
    """Where a Slack message is of which nothing more is sent; None where nothing of it is known to be at the desk."""
    work, progress = operation.work, operation.progress
    parts = [step for step in progress.done if step == "open" or step.startswith("message ")]
    if not (isinstance(work, AddMessage) and parts):
        return None
    alone, said = parts == ["message 0"] and not progress.calling, progress.said.get(work.ts, "")
    there, edited = progress.done.get("message 0", ""), work.edited if said else ""
    return Delivered(message_id=there, alone=alone, edited=edited, said=said)


def number_opened(progress: Progress) -> str:
    """The number of the ticket that an operation has opened; empty where it has not, or only a person says so."""
    opened = progress.done.get("open", "")
    return str(json.loads(opened)[1]) if opened else ""


def opened_with(operation: Operation) -> dict[str, Delivered]:
    """Where the Slack messages are that a ticket has, of those with which it was to be opened: by timestamp."""
    progress, known = operation.progress, dict[str, Delivered]()
    if not (isinstance(operation.work, OpenTicket) and progress.done.get("open")):
        return known
    _id, _number, first = json.loads(progress.done["open"])
    for number, stamps in enumerate(progress.packed):
        there = progress.done.get(f"message {number}", None if number else first)
        for ts in stamps if there is not None else ():
            known.setdefault(ts, Delivered(message_id=there, alone=False, said=progress.said.get(ts, "")))
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a person may change before another try. ``subject`` is None where there is none.

    ``in_slack``: it stands in a Slack message, is changed there, and is read again for the next try.
    """

    text: str = ""
    subject: str | None = None
    in_slack: bool = False


def written(payload: str) -> Written | None:
    """What may be changed in parked work; None where a part of it may be at the desk already, or it has no text.

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    operation = decode(payload)
    progress = operation.progress
    if progress.begun or progress.asked:
        return None
    match operation.work:
        case AddMessage(ts="", text=text):
            return Written(text=text)
        case AddMessage():
            return Written(in_slack=True)
        case OpenTicket(subject=subject, description=description):
            return Written(text=description, subject=subject)
    return None


def rewritten(payload: str, new: Written) -> str:
    """The record with which parked work goes back into its lane with another text, and its files are uploaded anew.

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    operation = decode(payload)
    work: Work = operation.work
    done = {step: gave for step, gave in operation.progress.done.items() if not step.startswith(UNSEEN)}
    progress = operation.progress.model_copy(update={"done": done})
    match work:
        case AddMessage(ts=""):
            work = work.model_copy(update={"text": new.text})
        case AddMessage():
            work = work.model_copy(update={"message": None})
        case OpenTicket():
            work = work.model_copy(update={"subject": new.subject or work.subject, "description": new.text})
    again = decided(encode(operation.model_copy(update={"work": work, "progress": progress})), Decision.AGAIN)
    return again or payload
