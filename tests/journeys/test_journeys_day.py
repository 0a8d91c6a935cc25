"""A day of a busy workspace, quickened: at its end each thread and its ticket hold the same."""

from dataclasses import replace

import pytest

from bot.sandbox.demo import KINDS
from tests.journeys.day import BUSY, Plan, lived, table


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_short_day_each_thread_and_its_ticket_are_equal(tmp_path, kind):
    """With edits, deletions, files, answers and a restart; Slack is called as seldom as can be, never above a tier."""
    plan = Plan(kind=kind, threads=3, messages=24, changes=6, files=3, answers=6, restarts=1)
    outcome = await lived(plan, tmp_path)

    assert ([], [], {}) == (outcome.wrong, outcome.above, outcome.refused), table(outcome)
    assert sum(outcome.per_conversion.values()) <= 6, table(outcome)
    assert outcome.per_message["reactions.add"] <= 1, table(outcome)
    assert outcome.per_message.get("reactions.remove", 0.0) <= 0.5, table(outcome)


@pytest.mark.crash
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_busy_day_each_thread_and_its_ticket_are_equal(tmp_path, kind):
    """Two hundred threads, four thousand messages, three hundred edits and deletions, a hundred and fifty files."""
    outcome = await lived(replace(BUSY, kind=kind), tmp_path)
    print(table(outcome))  # noqa: T201 - the figures are looked at with -s

    assert ([], [], {}) == (outcome.wrong, outcome.above, outcome.refused), table(outcome)
