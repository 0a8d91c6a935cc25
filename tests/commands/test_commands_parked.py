"""`threadline parked`: an operator decides in place of the person who was asked, and no decision is lost."""

import pytest

from bot.conversion.ports import NewOp
from bot.conversion.records import CLOSED, AddMessage, Operation, Progress, decode, encode
from tests.commands.test_commands_forget import LANE, USER, directory, stored, threadline

__all__ = ["directory", "threadline"]


async def a_question(store, asked):
    """A reply that holds its lane until somebody has answered."""
    payload = encode(Operation(work=AddMessage(actor=USER, text="x"), progress=Progress(asked=asked)))
    await store.lanes.add([NewOp(lane=LANE, id="reply", order=1, payload=payload)])
    (lease,) = await store.lanes.claim(1)
    await store.lanes.hold(lease, "reply", payload)


async def the_reply(store):
    """Whether it holds its lane still, and the answer that it has."""
    (parked, payload) = await store.lanes.find_parked(LANE, "reply"), await store.lanes.peek(LANE, "reply")
    return parked is not None, decode(payload).progress.answer


@pytest.mark.parametrize(
    ("asked", "words", "answer"),
    [
        ("message 0", (), "again"),
        ("message 0", ("--reopen",), "again"),
        (CLOSED, ("--reopen",), "reopen"),
        (CLOSED, ("--new",), "new"),
    ],
)
def test_what_is_retried_goes_on_with_the_answer_that_its_question_asks_for(
    threadline, directory, asked, words, answer
):
    stored(directory, lambda store: a_question(store, asked))

    result = threadline("parked", "retry", LANE, "reply", *words)

    assert "It is back in its lane and will be tried again now." == " ".join(result.output.split())
    assert (False, answer) == stored(directory, the_reply)


def test_a_reply_to_a_closed_ticket_waits_until_it_is_said_how_it_goes_on(threadline, directory):
    stored(directory, lambda store: a_question(store, CLOSED))

    result = threadline("parked", "retry", LANE, "reply")

    assert 1 == result.exit_code
    assert "Its ticket is closed: add --reopen" in " ".join((result.output + (result.stderr or "")).split())
    assert (True, "") == stored(directory, the_reply)
