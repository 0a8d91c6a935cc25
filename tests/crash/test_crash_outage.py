"""A desk that is away for long: what people write meanwhile is kept, said once in each thread, and sent in order."""

from dataclasses import replace

import pytest

from tests.crash.outage import Plan, run

QUIET = {"brought_meanwhile": 0, "lost": 0, "duplicated": 0, "out_of_order": 0, "leaked": 0, "lines_left": 0}


@pytest.mark.crash
@pytest.mark.timeout(900)
async def test_a_desk_that_was_away_gets_all_in_order_and_each_thread_says_once_that_it_waits(tmp_path):
    plan = replace(Plan(), messages=400, threads=10, seconds=30.0)

    result = await run(plan, tmp_path)

    assert QUIET | {"lines_at_most": 1, "threads_with_a_line": 10, "posts_at_most": 1} == {
        name: getattr(result, name) for name in (*QUIET, "lines_at_most", "threads_with_a_line", "posts_at_most")
    }, result.line()
