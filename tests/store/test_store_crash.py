"""Nothing lost, nothing twice, in order, while workers and servers are killed; and the check would see it."""

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def crash(directory, mutant, ops):
    words = [sys.executable, str(Path(__file__).with_name("crash.py")), str(directory), "--ops", str(ops)]
    process = await asyncio.create_subprocess_exec(
        *words, "--mutant", mutant, stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    )
    out, _ = await process.communicate()
    return json.loads(out.splitlines()[-1])


async def test_nothing_is_lost_doubled_or_out_of_order_whoever_dies_and_leaving_out_a_rule_is_found(tmp_path):
    """One run keeps the rules: settle, look first, believe no restarted server. Three leave one out."""
    runs = {"": 400, "settle": 250, "look": 100, "guard": 400}
    for name in runs:
        (tmp_path / f"run {name}").mkdir()
    results = await asyncio.gather(*(crash(tmp_path / f"run {name}", name, ops) for name, ops in runs.items()))
    good, *mutants = results

    assert (420, 0, 0, 0) == (good["ops"], good["lost"], good["duplicated"], good["out_of_order"])
    assert {"worker", "redis", "rollback"} == set(good["kills"])
    assert all(one["lost"] + one["duplicated"] + one["out_of_order"] > 0 for one in mutants), mutants
