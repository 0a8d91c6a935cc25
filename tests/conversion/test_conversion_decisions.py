"""What a person's decision writes into the work that waited for it."""

import pytest

from adapters.model import Act
from bot.conversion.decisions import Decision, Written, asks, decided, in_part, opened_with, rewritten, written
from bot.conversion.records import (
    CLOSED,
    AddMessage,
    ChangeTicket,
    Delivered,
    EditMessage,
    OpenTicket,
    Operation,
    Progress,
    decode,
    encode,
)
from bot.conversion.stored import UnknownVersion


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


@pytest.mark.parametrize(("decision", "answer"), [(Decision.REOPEN, "reopen"), (Decision.AGAIN, "")])
def test_how_a_reply_to_a_closed_ticket_goes_on_is_answered_by_a_choice_alone(decision, answer):
    """Else the worker would take it for what it asks later, whether something is at the desk."""
    payload = decided(parked(asked=CLOSED, verify=1.0), decision)

    assert payload
    assert (answer, "") == (decode(payload).progress.answer, decode(payload).progress.asked)


def test_without_a_question_the_worker_still_looks_before_it_does_it_again():
    payload = decided(parked(calling="add"), Decision.AGAIN)

    assert payload
    assert ("", "add") == (decode(payload).progress.answer, decode(payload).progress.calling)


def test_a_record_of_a_newer_threadline_is_left_to_it():
    with pytest.raises(UnknownVersion):
        decided('{"v":99,"work":{"kind":"teleport"}}', Decision.AGAIN)


def parked_with(work, **progress):
    return encode(Operation(work=work, progress=Progress(attempts=3, **progress), why="It was refused."))


TYPED = AddMessage(actor="U1", text="hello")
IN_SLACK = AddMessage(actor="U1", ts="1700000000.000100", message={"text": "hello"})


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (TYPED, Written(text="hello")),
        (IN_SLACK, Written(in_slack=True)),
        (OpenTicket(desk="d", actor="U1", channel="C1", subject="Fire", description="It burns"),
         Written(text="It burns", subject="Fire")),
        (ChangeTicket(actor="U1", act=Act.CLOSE), None),
    ],
)  # fmt: skip
def test_what_a_person_may_change_before_another_try(work, expected):
    assert expected == written(parked_with(work))


@pytest.mark.parametrize(
    "progress", [{"done": {"message 0": "7"}}, {"calling": "message 0"}, {"asked": "message 0"}, {"verify": 1.0}]
)
def test_nothing_is_changed_that_may_be_at_the_desk_in_part(progress):
    assert written(parked_with(TYPED, **progress)) is None


@pytest.mark.parametrize(
    "progress", [{"done": {"way": "reopen", "reopen": "", "file 0:0": "7"}}, {"verify": 1.0, "missed": 1.0}]
)
def test_what_brought_nothing_of_the_text_to_the_desk_leaves_it_to_be_changed(progress):
    assert Written(text="hello") == written(parked_with(TYPED, **progress))


def test_with_a_new_text_its_files_are_uploaded_anew_since_they_may_be_others_by_now():
    before = parked_with(IN_SLACK, done={"way": "reopen", "file 0:0": "7"})

    assert {"way": "reopen"} == decode(rewritten(before, Written(in_slack=True))).progress.done


def test_a_new_text_goes_back_with_the_failures_forgotten_and_a_slack_message_to_be_read_again():
    typed = decode(rewritten(parked_with(TYPED), Written(text="good day")))
    read_again = decode(rewritten(parked_with(IN_SLACK), Written(in_slack=True)))

    assert AddMessage(actor="U1", text="good day") == typed.work
    assert (0, "") == (typed.progress.attempts, typed.why)
    assert AddMessage(actor="U1", ts="1700000000.000100") == read_again.work


IN_PART = Delivered(message_id="7", alone=False, edited="9.0", said="abc")


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"done": {"way": "reopen", "reopen": "", "file 0:0": "1"}}, None),
        ({"calling": "message 0"}, None),
        ({"done": {"message 0": "7"}}, IN_PART.model_copy(update={"alone": True})),
        ({"done": {"message 0": "7", "message 1": "8"}}, IN_PART),
        ({"done": {"message 0": "7"}, "calling": "message 1"}, IN_PART),
        ({"done": {"open": "[...]"}}, IN_PART.model_copy(update={"message_id": ""})),
    ],
)
def test_what_is_known_of_a_message_of_which_the_rest_is_dropped(progress, expected):
    work = AddMessage(actor="U1", ts="1.0", edited="9.0")

    assert expected == in_part(Operation(work=work, progress=Progress(**progress, said={"1.0": "abc"})))


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ({"open": '["8", "L-8", "r0"]'}, {"1.0": "r0", "2.0": "r0"}),
        ({"open": '["8", "L-8", ""]', "message 1": "7"}, {"1.0": "", "2.0": "", "3.0": "7"}),
        ({"open": '["8", "L-8", null]'}, {}),
        ({"open": '["8", "L-8", null]', "message 0": "6"}, {"1.0": "6", "2.0": "6"}),
        ({"open": ""}, {}),
    ],
)
def test_what_is_known_of_the_messages_of_a_ticket_of_which_the_rest_is_dropped(done, expected):
    """The desk may take the first part in the call that opens the ticket, or in one of its own."""
    packed = [["1.0", "2.0"], ["3.0"], ["3.0"], ["4.0"]]
    work = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts="1.0", subject="Printer")
    operation = Operation(work=work, progress=Progress(done=done, packed=packed, said={"1.0": "abc"}))

    known = opened_with(operation)

    assert expected == {ts: one.message_id for ts, one in known.items()}
    assert all((ts == "1.0", False) == (one.said == "abc", one.alone) for ts, one in known.items())


def test_what_an_edit_brought_is_not_taken_for_its_message():
    work = EditMessage(actor="U1", ts="1.0", edited="9.0")

    assert in_part(Operation(work=work, progress=Progress(done={"message 0": "7"}))) is None
