"""What a person's decision writes into the work that waited for it."""

import pytest

from bot.conversion.decisions import Decision, asks, decided
from bot.conversion.records import AddMessage, Operation, Progress, UnknownVersion, decode, encode


def parked(**progress):
    work = AddMessage(actor="U1", text="hello")
    return encode(Operation(work=work, progress=Progress(**progress), why="It was refused."))


def test_discarded_work_has_no_record():
    assert decided(parked(), Decision.DISCARD) is None


def test_work_goes_back_with_what_it_has_done_and_without_its_failures():
    payload = decided(parked(attempts=7, crashes=5, first_failed=1.0, done={"open": "7"}), Decision.AGAIN)

    assert payload
    operation = decode(payload)
    assert Progress(done={"open": "7"}) == operation.progress
    assert "" == operation.why


@pytest.mark.parametrize("decision", [Decision.AGAIN, Decision.THERE])
def test_an_answer_is_written_where_a_question_was_open(decision):
    payload = decided(parked(asked="add", calling="add"), decision)

    assert asks(parked(asked="add"))
    assert payload
    progress = decode(payload).progress
    assert (decision, "", "add") == (progress.answer, progress.asked, progress.calling)


def test_without_a_question_the_worker_still_looks_before_it_does_it_again():
    payload = decided(parked(calling="add"), Decision.AGAIN)

    assert payload
    assert ("", "add") == (decode(payload).progress.answer, decode(payload).progress.calling)


def test_a_record_of_a_newer_threadline_is_left_to_it():
    with pytest.raises(UnknownVersion):
        decided('{"v":99,"work":{"kind":"teleport"}}', Decision.AGAIN)
