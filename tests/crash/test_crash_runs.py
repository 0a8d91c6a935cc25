"""Nothing is lost, doubled or out of order, whoever dies: a run of a few seconds, and one of minutes."""

import pytest

from bot.conversion.stored import LEFT_ALONE
from bot.sandbox.demo import KINDS
from tests.crash.running import Plan, run


def _promise(result):
    return result.lost, result.duplicated, result.out_of_order, result.leaked


@pytest.mark.timeout(300)
async def test_a_few_deaths(tmp_path):
    harm = {"kill worker": 2, "kill front": 1, "kill redis": 1, "roll back": 1, "lose answer": 1}

    result = await run(Plan(ops=40, seconds=4, seed=5, workers=2, fronts=1, harm=harm), tmp_path)

    assert (0, 0, 0, 0) == _promise(result), result.line()
    assert {"worker killed", "front killed", "redis killed", "redis rolled back"} <= set(result.kills)


@pytest.mark.crash
@pytest.mark.timeout(900)
async def test_two_thousand_operations_and_a_hundred_and_twenty_kills(tmp_path):
    result = await run(Plan(ops=2000, seconds=150, seed=1, kills=126, redis=15, rollbacks=6), tmp_path)

    assert (0, 0, 0, 0) == _promise(result), result.line()


@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize("desk", [kind for kind in KINDS if kind != "local"])
async def test_each_desk_among_its_faults(tmp_path, desk):
    result = await run(Plan(ops=150, seconds=25, seed=2, desk=desk), tmp_path)

    assert (0, 0, 0, 0) == _promise(result), result.line()


@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize("topology", ["cluster", "sentinel"])
async def test_primaries_are_killed_and_replicas_take_over(tmp_path, topology):
    result = await run(Plan(ops=200, seconds=60, seed=3, kills=12, redis=6, topology=topology), tmp_path)

    assert (0, 0, 0, 0) == _promise(result), result.line()
    assert 6 == result.kills["primary killed"]


@pytest.mark.crash
@pytest.mark.timeout(600)
async def test_a_fleet_of_two_releases_that_is_killed(tmp_path):
    """What the next release wrote is left in its place by this one, and the lanes go on in order all the same."""
    result = await run(Plan(ops=300, seconds=40, seed=4, workers=4, mixed=True), tmp_path)

    assert (0, 0, 0, 0) == _promise(result), result.line()
    assert LEFT_ALONE in (tmp_path / "bots.log").read_text()
