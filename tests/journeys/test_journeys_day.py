"""A day of a busy workspace, quickened: at its end each thread and its ticket hold the same."""

import pytest

from tests.journeys.day import Plan, lived, table


async def test_after_a_short_day_each_thread_and_its_ticket_are_equal(tmp_path):
    """With edits, deletions, files, answers and a restart; Slack is called twice for a message, never above a tier."""
    outcome = await lived(Plan(threads=6, messages=60, changes=10, files=5, answers=10, restarts=1), tmp_path)

    assert ([], []) == (outcome.wrong, outcome.above), table(outcome)
    assert sum(outcome.per_conversion.values()) <= 6, table(outcome)
    assert outcome.per_message["reactions.add"] <= 1, table(outcome)
    assert outcome.per_message.get("reactions.remove", 0.0) <= 0.5, table(outcome)


@pytest.mark.crash
@pytest.mark.timeout(1800)
async def test_after_a_busy_day_each_thread_and_its_ticket_are_equal(tmp_path):
    """Two hundred threads, four thousand messages, three hundred edits and deletions, a hundred and fifty files."""
    plan = Plan(threads=200, messages=4000, changes=300, files=150, answers=400, restarts=4)
    outcome = await lived(plan, tmp_path)
    print(table(outcome))  # noqa: T201 - the figures are looked at with -s

    assert ([], []) == (outcome.wrong, outcome.above), table(outcome)
