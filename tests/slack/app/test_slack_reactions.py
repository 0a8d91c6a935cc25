"""A reaction with :ticket: makes a ticket of the message's thread, once, or says what is needed."""

import asyncio

import pytest

from adapters.model import Visibility
from bot.conversion.ops import event_op
from bot.settings import SettingsError, parse
from bot.slack.ids import Action, Block


async def react(stage, message, *, user="", emoji="ticket", channel=""):
    await stage.workspace.react(user or stage.ada, channel or stage.channel, message["ts"], emoji)


async def begun(stage, text="The printer burns\nand smells"):
    return await stage.workspace.post(stage.ben, stage.channel, text)


@pytest.fixture
def simple(tables):
    """A desk whose settings answer all that its form asks for; to be asked for before the stage."""
    tables["local"]["department"] = "Support"


async def test_a_reaction_makes_a_ticket_of_the_thread_with_the_desks_defaults(simple, stage):
    root = await begun(stage)
    await react(stage, root)

    await stage.events("reaction_added")

    (work,) = await stage.accepted()
    assert ("open_ticket", "local", stage.channel, root["ts"]) == (work.kind, work.desk, work.channel, work.thread_ts)
    assert ("The printer burns", stage.ada, stage.ben) == (work.subject, work.actor, work.requester)
    assert ("Support", Visibility.PUBLIC, "") == (work.department, work.visibility, work.from_ts)


async def test_a_reaction_on_a_reply_means_its_thread(simple, stage):
    root = await begun(stage)
    replies = [
        await stage.workspace.post(stage.ada, stage.channel, f"reply {number}", thread_ts=root["ts"])
        for number in range(3)
    ]
    await react(stage, replies[1])

    await stage.events("reaction_added")

    (work,) = await stage.accepted()
    assert ("The printer burns", root["ts"]) == (work.subject, work.thread_ts)


async def test_a_thread_that_begins_with_a_note_gets_its_subject_from_a_person(simple, stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "note: the password is swordfish")

    await react(stage, root)
    await stage.events("reaction_added")

    assert [] == await stage.accepted()
    (said,) = await stage.whispered()
    assert "more than a reaction can say" in said


async def test_two_people_at_once_make_one_ticket_and_the_second_hears_whose(simple, stage):
    root = await begun(stage)
    await react(stage, root)
    await react(stage, root, user=stage.ben)

    events = [body for body in stage.door.events if body["event"]["type"] == "reaction_added"]
    await asyncio.gather(*(stage.dispatch(body) for body in events))

    works = await stage.accepted()
    (told,) = [work for work in works if work.kind == "tell"]
    assert 1 == sum(work.kind == "open_ticket" for work in works)
    assert told.text.endswith("is creating the ticket for this thread already.")


async def test_the_same_event_twice_is_one_ticket_and_no_word(simple, stage):
    await react(stage, await begun(stage))

    await stage.events("reaction_added")
    await stage.events("reaction_added")

    assert ["open_ticket"] == [work.kind for work in await stage.accepted()]


async def test_a_thread_with_a_ticket_gets_no_second_one(simple, stage):
    root = await begun(stage)
    await stage.link(root, number="1042", opened_by=stage.ben)
    await react(stage, root)

    await stage.events("reaction_added")

    assert ["This thread is ticket 1042 already."] == [work.text for work in await stage.accepted()]


@pytest.mark.parametrize("emoji", ["eyes", "ticketing"])
async def test_other_reactions_are_left_alone(simple, stage, emoji):
    await react(stage, await begun(stage), emoji=emoji)

    await stage.events("reaction_added")

    assert [] == await stage.accepted()


async def test_our_own_reactions_are_left_alone(simple, stage):
    root = await begun(stage)
    await stage.web.call("reactions.add", channel=stage.channel, timestamp=root["ts"], name="ticket")

    await stage.events("reaction_added")

    assert [] == await stage.accepted()


async def test_a_message_that_was_deleted_meanwhile_is_left_alone(simple, stage):
    root = await begun(stage)
    await react(stage, root)
    await stage.workspace.delete(stage.ben, stage.channel, root["ts"])

    await stage.events("reaction_added")

    assert [] == await stage.accepted()


async def test_people_of_another_company_are_told_who_can(simple, stage):
    await react(stage, await begun(stage), user=stage.sid)

    await stage.events("reaction_added")

    (told,) = await stage.accepted()
    assert told.text.startswith("Only members of the workspace that Threadline belongs to can open a ticket.")
    assert stage.sid == told.user


@pytest.fixture
def demanding(tables):
    """A desk that needs an answer which no reaction gives."""
    field = {"key": "serial", "label": "Serial number", "required": True}
    tables["local"] |= {"department": "Support", "fields": [field]}


async def test_a_desk_that_needs_more_offers_its_form_to_who_reacted_alone(demanding, stage):
    root = await begun(stage)
    reply = await stage.workspace.post(stage.ada, stage.channel, "me too", thread_ts=root["ts"])
    await react(stage, reply)

    await stage.events("reaction_added")
    (said,) = stage.workspace.ephemerals(stage.ada, stage.channel)
    await stage.workspace.press(
        stage.ada, channel=stage.channel, ts=said["ts"], block_id="asks", action_id=Action.CREATE
    )
    await stage.settled()

    assert "To make a ticket of this thread, Local desk needs more than a reaction can say." in said["text"]
    assert root["ts"] == said["thread_ts"]
    assert [] == await stage.accepted()
    assert "Serial number" in stage.words(stage.ada)
    assert "me too" == stage.blocks(stage.ada)[Block.SUBJECT]["element"]["initial_value"]


async def test_the_form_of_a_message_that_is_gone_says_so(demanding, stage):
    root = await begun(stage)
    await react(stage, root)
    await stage.events("reaction_added")
    (said,) = stage.workspace.ephemerals(stage.ada, stage.channel)
    await stage.workspace.delete(stage.ben, stage.channel, root["ts"])

    await stage.workspace.press(
        stage.ada, channel=stage.channel, ts=said["ts"], block_id="asks", action_id=Action.CREATE
    )

    assert "That message is not in Slack any more." == (await stage.whispered())[-1]
    assert stage.view(stage.ada) is None


@pytest.mark.parametrize("name", [":ticket:", "Ticket", "", "a b"])
def test_names_with_colons_or_blanks_are_refused_by_the_settings(name):
    document = {"slack": {"reactions": [name]}, "desks": {"local": {"kind": "local", "path": "desk.sqlite"}}}

    with pytest.raises(SettingsError, match="names of emoji without colons"):
        parse(document, {})


def test_the_settings_name_the_reactions_and_may_name_none():
    desks = {"local": {"kind": "local", "path": "desk.sqlite"}}

    assert ("ticket",) == parse({"desks": desks}, {}).slack.reactions
    assert () == parse({"desks": desks, "slack": {"reactions": []}}, {}).slack.reactions


async def test_reactions_on_different_messages_do_not_wait_for_each_other(stage):
    for number in range(2):
        await react(stage, await begun(stage, f"thread {number}"))

    stored = [event_op(body) for body in stage.door.events if body["event"]["type"] == "reaction_added"]

    assert 2 == len({op.lane for op in stored if op})
    assert 2 == len({op.id for op in stored if op})


def test_a_reaction_on_something_that_is_no_message_has_a_lane_too():
    event = {"type": "reaction_added", "user": "U1", "item": {"type": "file", "file": "F1"}, "event_ts": "1.2"}

    stored = event_op({"team_id": "T1", "event_id": "Ev1", "event": event})

    assert stored
    assert "in/T1::" == stored.lane
