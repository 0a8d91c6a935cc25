"""The address of a ticket that somebody posts: a preview for those who may see the ticket, nothing for anybody else."""

import asyncio
import json
from datetime import timedelta

import pytest

from adapters.local import LocalDesk
from adapters.model import Body, MessageDraft, Person, TicketDraft
from bot.slack import access
from bot.slack.views.elements import spoken

ADDRESS = "https://desk.example/tickets/{id}"


@pytest.fixture
def addressed(monkeypatch):
    """The desk's tickets have addresses; to be asked for before the stage."""
    monkeypatch.setattr(LocalDesk.Settings, "ticket_address", ADDRESS)


@pytest.fixture
async def ticket(addressed, stage):
    """A ticket at the desk, and a Slack that knows whose addresses are ours."""
    stage.workspace.events.domains = ("desk.example",)
    ada = Person(name="Ada Lovelace")
    first = MessageDraft(body=Body(plain="It smells of burnt toner"), author=ada, marker="TL-1")
    draft = TicketDraft(subject="The printer burns", first=first, requester=ada, department="IT", priority="High")
    return (await stage.desk.open_ticket(draft)).ticket


async def shown(stage, text, *, user="", channel="", **more):
    """What Slack shows below a message with *text* once the app has heard of it."""
    where = channel or stage.channel
    said = await stage.workspace.post(user or stage.ada, where, text, **more)
    await stage.events("link_shared")
    stage.door.events.clear()
    (message,) = [one for one in stage.workspace.replies(where, said["ts"]) if one["ts"] == said["ts"]]
    return message.get("attachments", [])


def words(previews):
    return [preview["fallback"] for preview in previews]


async def begun(stage, ticket, *, channel=""):
    """The ticket's thread in a channel."""
    root = await stage.workspace.post(stage.ben, channel or stage.channel, "The printer burns")
    link = await stage.link(root, number=ticket.number, ticket_id=ticket.id, subject="The printer burns", status="Open")
    if channel:
        await stage.store.links.remove(link)
        thread = link.thread.model_copy(update={"channel": channel})
        await stage.store.links.put(link.model_copy(update={"thread": thread}))
    return root


@pytest.fixture
def alone(stage):
    """No stranger is in the channel."""
    stage.workspace.channels[stage.channel].members.remove(stage.sid)


async def test_a_link_shows_how_its_ticket_stands(ticket, stage, alone):
    await begun(stage, ticket)

    (preview,) = await shown(stage, f"look at https://desk.example/tickets/{ticket.id}?tab=2 please")

    assert spoken(preview["blocks"]) == preview["fallback"]
    assert [
        f"Ticket {ticket.number} at Local desk: The printer burns",
        "Status: Open",
        "Owner: nobody yet",
        "Requester: Ada Lovelace",
        "Department: IT",
        "Priority: High",
    ] == preview["fallback"].splitlines()


async def test_a_preview_which_the_whole_channel_reads_is_in_the_language_of_the_settings(ticket, stage, alone):
    stage.workspace.people[stage.ada].locale = "it-IT"

    (elsewhere,) = words(await shown(stage, f"https://desk.example/tickets/{ticket.id}"))

    assert f"Ticket {ticket.number} at Local desk\nStatus: Open" == elsewhere


async def test_s14_a_ticket_without_a_thread_in_the_channel_is_shown_without_its_subject(ticket, stage, alone):
    (elsewhere,) = words(await shown(stage, f"https://desk.example/tickets/{ticket.id}"))

    assert f"Ticket {ticket.number} at Local desk\nStatus: Open" == elsewhere


async def test_the_channel_that_a_desk_serves_is_at_home_with_all_its_tickets(ticket, stage, alone, monkeypatch):
    served = stage.desk.settings.model_copy(update={"channels": (stage.channel,)})
    monkeypatch.setattr(stage.desk, "settings", served)

    (preview,) = words(await shown(stage, f"https://desk.example/tickets/{ticket.id}"))

    assert "The printer burns" in preview


async def test_what_was_written_on_a_ticket_is_never_shown(ticket, stage, alone):
    await begun(stage, ticket)

    previews = await shown(stage, f"https://desk.example/tickets/{ticket.id}")

    assert previews
    assert "toner" not in json.dumps(previews)


async def test_s14_a_ticket_that_is_not_there_one_that_may_not_be_seen_and_no_ticket_get_the_same_nothing(
    ticket, stage
):
    stranger = await shown(stage, f"https://desk.example/tickets/{ticket.id}", user=stage.sid)
    shared = await shown(stage, f"https://desk.example/tickets/{ticket.id}")  # with the stranger in the channel
    stage.workspace.channels[stage.channel].members.remove(stage.sid)
    unknown = await shown(stage, "https://desk.example/tickets/99999999")
    other = await shown(stage, "https://desk.example/reports/2026")
    secret = stage.workspace.add_channel("secret", [stage.ben], private=True).id
    await begun(stage, ticket, channel=secret)
    hidden = await shown(stage, f"https://desk.example/tickets/{ticket.id}")

    assert [[], [], [], [], []] == [stranger, shared, unknown, other, hidden]
    assert 0 == stage.server.calls["chat.unfurl"]


async def test_s14_a_desk_is_not_even_asked_for_who_may_see_no_ticket(ticket, stage, alone, monkeypatch):
    async def asked(_ref):
        pytest.fail("the desk was asked")

    monkeypatch.setattr(access, "may", lambda *_: False)
    monkeypatch.setattr(stage.desk, "get_ticket", asked)

    assert [] == await shown(stage, f"https://desk.example/tickets/{ticket.id}")


async def test_a_ticket_is_not_shown_in_its_own_thread_where_its_card_is(ticket, stage, alone):
    root = await begun(stage, ticket)

    assert [] == await shown(stage, f"https://desk.example/tickets/{ticket.id}", thread_ts=root["ts"])


async def test_a_desk_that_is_down_leaves_what_was_last_seen(ticket, stage, alone):
    await begun(stage, ticket)
    stage.desk.down = True

    (preview,) = words(await shown(stage, f"https://desk.example/tickets/{ticket.id}"))

    assert preview.endswith("Status when Threadline last looked: Open")


async def test_a_desk_is_asked_for_no_more_previews_than_its_budget(ticket, stage, alone, monkeypatch):
    monkeypatch.setattr("bot.slack.unfurls.PER_MINUTE", 1)

    first = await shown(stage, f"https://desk.example/tickets/{ticket.id}")
    second = await shown(stage, f"https://desk.example/tickets/{ticket.id}")

    assert (1, 0) == (len(first), len(second))  # it has no thread, so nothing was seen of it before


async def test_links_beyond_the_budget_take_nothing_of_what_comes_later(ticket, stage, alone, monkeypatch):
    """After a day on which many were posted, or after events that waited, previews would rest for hours."""
    monkeypatch.setattr("bot.slack.unfurls.PER_MINUTE", 60)
    monkeypatch.setattr("bot.slack.unfurls.PATIENCE", timedelta())
    for number in range(20):
        await shown(stage, f"see https://desk.example/tickets/{ticket.id} {number}")
    await asyncio.sleep(2.5)

    assert await shown(stage, f"https://desk.example/tickets/{ticket.id}")


async def test_the_same_event_twice_is_one_preview(ticket, stage, alone):
    said = await stage.workspace.post(stage.ada, stage.channel, f"https://desk.example/tickets/{ticket.id}")

    await stage.events("link_shared")
    await stage.events("link_shared")

    (message,) = stage.workspace.replies(stage.channel, said["ts"])
    assert 1 == len(message["attachments"])


async def test_of_many_links_in_a_message_three_are_shown(ticket, stage, alone):
    addresses = " ".join(f"https://desk.example/tickets/{ticket.id}?copy={number}" for number in range(5))

    assert 3 == len(await shown(stage, addresses))


async def test_a_link_that_is_still_being_written_is_left_alone(ticket, stage, alone):
    await stage.workspace.post(stage.ada, stage.channel, f"https://desk.example/tickets/{ticket.id}")
    (body,) = [body for body in stage.door.events if body["event"]["type"] == "link_shared"]
    writing = {"channel": "COMPOSER", "source": "composer", "message_ts": "1b90fa12-78ff", "unfurl_id": "U-1"}

    await stage.dispatch({**body, "event": {**body["event"], **writing}})

    assert 0 == stage.server.calls["chat.unfurl"]


async def test_where_slack_does_not_say_that_only_we_can_see_it_nothing_is_shown(ticket, stage, alone):
    await stage.workspace.post(stage.ada, stage.channel, f"https://desk.example/tickets/{ticket.id}")
    (body,) = [body for body in stage.door.events if body["event"]["type"] == "link_shared"]

    await stage.dispatch({key: value for key, value in body.items() if key != "is_ext_shared_channel"})

    assert 0 == stage.server.calls["chat.unfurl"]
