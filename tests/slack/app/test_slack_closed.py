"""How a reply to a closed ticket goes on is for who may reply to that ticket."""

import pytest

from bot.conversion.records import AddMessage
from bot.slack.ids import Action
from tests.slack.app.test_slack_mirroring import asked_about
from tests.slack.app.test_slack_rights import rights, row, ticket, town

__all__ = ["rights", "town"]


@pytest.mark.parametrize("rights", [row("members", see="all", reply="own")[2]], indirect=True)
@pytest.mark.parametrize("action", [Action.SEND_REOPEN, Action.SEND_NOT])
async def test_s13_how_a_reply_to_a_closed_ticket_goes_on_is_chosen_by_who_may_reply_to_that_ticket(town, action):
    number = await ticket(town, "readable", "members")
    (link,) = await town.store.links.find(number)
    lane, ts = await asked_about(town, {"ts": link.thread.ts}, AddMessage(actor=town.zoe, text="It burns still"))

    await town.workspace.press(town.ben, channel=town.channel, ts=ts, block_id="closed", action_id=action)

    assert (await town.whispered(town.ben))[-1].startswith("You do not have the right")
    assert (await town.store.lanes.find_parked(lane, "text:1")).held
