"""A test that cannot fail proves nothing: each rule of the product is left out once, and the comparison must see it."""

import pytest

from bot.sandbox.faults import Fault
from tests.crash.running import Plan, run

# One run for each rule: by what it is missed, the desk, what is done to whom, and what people do (the weights of
# `running.KINDS`).
# Of what is lost at the door only deletions are not found again by a sweep.
TALK, DELETIONS, ANSWERS = (1, 0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 1, 0, 0), (1, 0, 0, 0, 0, 0, 6)
RUNS = {
    "no settle wait": (
        "duplicated",
        {"desk": "whmcs", "faults": (Fault.LATE,), "often": 0.3, "harm": {}, "weights": TALK},
    ),
    "no reconciliation": (
        "duplicated",
        {"desk": "whmcs", "faults": (Fault.CUT_AFTER,), "often": 0.3, "harm": {}, "weights": TALK},
    ),
    "no run_id guard": ("lost", {"often": 0.0, "harm": {"roll back": 4}, "weights": TALK}),
    "ack before store": ("lost", {"often": 0.0, "harm": {"kill front": 12}, "weights": DELETIONS}),
    "dedupe by event id only": (
        "duplicated",
        {"often": 0.0, "harm": {"confuse": 4, "cut sockets": 2}, "weights": TALK},
    ),
    "watermark before delivery": ("lost", {"often": 0.0, "harm": {"refuse posts": 8}, "weights": ANSWERS}),
    "SDK retries on": ("duplicated", {"often": 0.0, "harm": {"lose answer": 8}, "weights": ANSWERS}),
}


@pytest.mark.crash
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", RUNS)
async def test_a_rule_that_is_left_out_is_missed(tmp_path, mutant):
    missed, more = RUNS[mutant]
    plan = Plan(**{"ops": 80, "seconds": 10, "seed": 7, "give_up": 15, "mutant": mutant} | more)

    result = await run(plan, tmp_path)

    assert getattr(result, missed), result.line()
