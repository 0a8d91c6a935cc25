"""An hour in which the bot is away and Slack gives up sending costs nothing: the sweep at the start finds it all."""

from contextlib import asynccontextmanager

import pytest

from bot.sandbox.slack.outlet import NoApp
from tests.journeys.day import Plan, a_day


@asynccontextmanager
async def away(day):
    """The bot is stopped, and what happens in Slack is sent to nobody, not even later."""
    await day.stop()
    there, day.slack.outlet = day.slack.outlet, NoApp()
    yield
    day.slack.outlet = there
    await day.start()


@pytest.mark.parametrize("kind", ["local", "superoffice_soap"])
async def test_what_was_written_while_the_bot_was_away_reaches_the_other_side_once_and_in_order(tmp_path, kind):
    """Replies, a file, one that was edited and one that was deleted by then, and what agents answered meanwhile."""
    async with a_day(Plan(kind=kind), tmp_path) as day:
        await day.start()
        await day._open(day.channels[0])
        assert [] == (await day._settled()).wrong
        case = day.cases[0]
        async with away(day):
            for file in (False, True, False, False):
                await day.say(case, file=file)
            edited, deleted = case.said[-1], case.said[-2]
            edited.version, deleted.deleted = 1, True
            user = {name: user for user, name in day.people.items()}
            await day.slack.edit(user[edited.author], case.channel, edited.ts, f"{edited.text} as I meant it")
            await day.slack.delete(user[deleted.author], case.channel, deleted.ts)
            for _ in range(3):
                await day.answer(case)
        held = await day._settled()

        assert ([], {}) == (held.wrong, day.world.slack.rates.above)
        assert 1 == held.compared["deleted before they went out"]
