"""What follows from each error."""

from datetime import timedelta

import pytest

from adapters import errors
from bot.conversion.ports import SlackOutcomeUnknown, SlackRefused, SlackTrouble
from bot.conversion.verdicts import FAULTS, TABLE, Next, surely_not_done, verdict

SETTLE = timedelta(seconds=7)

EXPECTED = {
    errors.Unavailable("d", "c"): Next.RETRY,
    errors.OutcomeUnknown("d", "c"): Next.LOOK,
    errors.Rejected("d", "c"): Next.PARK,
    errors.NotFound("d", "c"): Next.PARK,
    errors.NotAuthorised("d", "c"): Next.RETRY,
    errors.Misconfigured("d", "c"): Next.RETRY,
    errors.UnexpectedReply("d", "c"): Next.RETRY,
    errors.UnsupportedFeature("d", "c"): Next.PARK,
    SlackTrouble("c"): Next.RETRY,
    SlackOutcomeUnknown("c"): Next.LOOK,
    SlackRefused("c", "words"): Next.PARK,
}


def _verdict(error, attempts=1):
    return verdict(error, attempts=attempts, settle=SETTLE)


@pytest.mark.parametrize(("error", "expected"), EXPECTED.items(), ids=lambda value: type(value).__name__)
def test_each_error_has_its_row(error, expected):
    assert expected == _verdict(error).next


def _family(kind):
    return {kind}.union(*(_family(child) for child in kind.__subclasses__()))


def test_every_adapter_error_has_a_row_of_its_own():
    expected = {kind for kind in _family(errors.AdapterError) if kind.__module__ == errors.__name__}
    expected -= {errors.AdapterError}

    assert expected <= set(TABLE)


def test_nobody_looks_before_a_late_change_can_have_settled():
    assert SETTLE <= _verdict(errors.OutcomeUnknown("d", "c")).delay


def test_the_desks_own_wish_for_a_pause_is_kept():
    error = errors.Unavailable("d", "c", retry_after=timedelta(minutes=9))

    assert timedelta(minutes=9) == _verdict(error).delay


@pytest.mark.parametrize("attempts", [1, 5, 50, 5000])
def test_an_outage_is_never_given_up_and_never_waits_longer_than_a_minute(attempts):
    answer = _verdict(errors.Unavailable("d", "c"), attempts)

    assert Next.RETRY == answer.next
    assert timedelta() < answer.delay <= timedelta(seconds=60)


def test_our_own_fault_is_tried_a_few_times_and_then_shown_to_a_person():
    assert Next.LOOK == _verdict(ZeroDivisionError(), FAULTS - 1).next
    assert Next.PARK == _verdict(ZeroDivisionError(), FAULTS).next


def test_only_unknown_outcomes_and_our_own_faults_leave_open_whether_it_was_done():
    expected = {errors.OutcomeUnknown, SlackOutcomeUnknown}

    assert expected == {type(error) for error in EXPECTED if not surely_not_done(error)}
    assert not surely_not_done(ZeroDivisionError())
