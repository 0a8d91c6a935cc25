"""A ticket with a thread in the channel of its agents, besides its requester's own."""

from datetime import timedelta

import pytest

from adapters.model import Visibility
from tests.slack.app.test_slack_verbs import mention, opened


@pytest.fixture(params=["C00AGENTS", "CZZAGENTS"])
async def both(request, stage):
    """Ben's ticket and its thread, and that of its agents in a channel where he is not, by whose id it comes first."""
    ticket = await opened(stage)
    said = await stage.workspace.post(stage.ben, stage.channel, "The printer burns")
    known = {"number": ticket.number, "ticket_id": ticket.id, "opened_by": stage.ben, "requester": stage.ben}
    link = await stage.link(said, **known)
    there = link.thread.model_copy(update={"channel": request.param})
    earlier = link.created_at - timedelta(hours=1)  # the thread that it was made for was parted since
    internal = {"thread": there, "agents": True, "visibility": Visibility.INTERNAL, "created_at": earlier}
    await stage.store.links.put(link.model_copy(update=internal))
    return link


async def ask(stage, typed):
    """What Ben hears who writes a command outside the ticket's channels."""
    return (await stage.ticket(typed, user=stage.ben, channel=stage.closed)).body["text"]


async def test_the_requesters_reply_goes_by_their_own_thread(stage, both):
    assert f"Your reply is on its way to ticket {both.number} at Local desk." == await ask(
        stage, f"reply {both.number} Thanks"
    )


async def test_unlink_parts_the_requesters_own_thread(stage, both):
    await ask(stage, f"unlink {both.number}")

    assert [True] == [link.agents for link in await stage.store.links.find(both.number)]


async def test_mine_leads_to_the_requesters_own_thread(stage, both):
    assert f"archives/{stage.channel}/" in await ask(stage, "mine")


async def test_whose_thread_was_parted_does_nothing_by_that_of_the_agents_and_can_link_another(stage, both):
    await stage.store.links.remove(both)
    another = await stage.workspace.post(stage.ben, stage.channel, "It burns again")

    words = [await ask(stage, typed) for typed in (f"reply {both.number} Thanks", f"unlink {both.number}", "mine")]
    await mention(stage, another, f"link {both.number}")

    none = f"Ticket {both.number} is at Local desk, but no thread is linked to it."
    assert [True, True] == [one.startswith(none) for one in words[:2]]
    assert words[2].startswith("You have no open tickets here.")
    assert [both.number] == [work.number for work in await stage.accepted() if work.kind == "link_ticket"]


# --- what is said among agents ---


@pytest.fixture
async def silent(stage):
    """A thread of agents whose helpdesk takes no notes from it."""
    said = await stage.workspace.post(stage.ada, stage.channel, "Ticket 1042")
    await stage.link(said, number="1042", agents=True, mirror=False, visibility=Visibility.INTERNAL)
    stage.door.events.clear()
    return said


@pytest.mark.parametrize("typed", ["mirror everything", "mirror marked earlier", "mirror apps on"])
async def test_where_notes_are_switched_off_nothing_is_promised_and_the_setting_is_named(stage, silent, typed):
    await mention(stage, silent, typed)

    (told,) = await stage.accepted()
    assert ("tell", True) == (told.kind, "the setting notes of the agents' channel was off" in told.text)
    assert () == (await stage.store.links.get(stage.thread(silent))).switches


async def test_where_notes_are_switched_off_nothing_more_can_be_switched_off(stage, silent):
    await mention(stage, silent, "mirror nothing")

    assert ["Done."] == [work.text for work in await stage.accepted() if work.kind == "tell"]
