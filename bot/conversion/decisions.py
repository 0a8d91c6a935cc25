"""What a person decides about work that waits for them, written into the work's record. Pure."""

from enum import StrEnum

from bot.conversion.records import decode, encode


class Decision(StrEnum):
    """The answers that a person can give."""

    AGAIN = "again"  # it did not happen: do it
    THERE = "there"  # it did happen: go on
    DISCARD = "discard"  # drop it


def asks(payload: str) -> bool:
    """Whether parked work waits for the answer to "is it there?".

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    return bool(decode(payload).progress.asked)


def decided(payload: str, decision: Decision) -> str | None:
    """The record with which parked work goes back into its lane; None drops it.

    The counts of failures start anew. An answer is only written where a question was open, so that after a plain
    refusal "again" does not keep the worker from looking first.

    Raises:
        UnknownVersion: the record is from a newer Threadline.
    """
    operation = decode(payload)
    if decision is Decision.DISCARD:
        return None
    progress = operation.progress
    answer = decision.value if progress.asked else ""
    anew = {"asked": "", "attempts": 0, "crashes": 0, "first_failed": 0.0}
    fresh = progress.model_copy(update={"answer": answer, **anew})
    return encode(operation.model_copy(update={"progress": fresh, "why": ""}))
