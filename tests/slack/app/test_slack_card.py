"""The buttons of a ticket's card and their forms: assigning, replying, and who would read it."""

import pytest

from adapters.model import Act, Visibility
from bot.conversion.ports import Card
from bot.slack.ids import Action, Block
from bot.slack.views.card import card
from tests.slack.app.test_slack_verbs import mention


async def carded(stage, **more):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    link = await stage.link(root, number="1042", **more)
    blocks, text = card(Card(link=link, desk=stage.desk))
    posted = await stage.web.call(
        "chat.postMessage", channel=stage.channel, thread_ts=root["ts"], text=text, blocks=blocks
    )
    return root, posted["ts"]


async def press(stage, ts, action, user=""):
    who = user or stage.ada
    return await stage.workspace.press(who, channel=stage.channel, ts=ts, block_id="card", action_id=action)


async def test_assign_on_the_card_lists_the_agents(stage):
    _, ts = await carded(stage)
    await press(stage, ts, Action.ASSIGN)

    block = Block.AGENT.of("local")
    names = await stage.suggested(block, "")
    answer = await stage.submit({block: "Sam Agent"})

    assert ["Alex Agent", "Sam Agent"] == sorted(names)
    assert answer.body is None
    assert [(Act.ASSIGN, "Sam Agent")] == [(work.act, work.value) for work in await stage.accepted()]


async def test_assign_on_the_card_with_no_choice_takes_the_owner_away(stage):
    _, ts = await carded(stage)
    await press(stage, ts, Action.ASSIGN)

    await stage.submit()

    assert [""] == [work.value for work in await stage.accepted()]


async def test_a_reply_on_the_card_is_public(stage):
    _, ts = await carded(stage)
    await press(stage, ts, Action.REPLY)

    await stage.submit({Block.TEXT: "On it"})

    (work,) = await stage.accepted()
    assert ("On it", Visibility.PUBLIC) == (work.text, work.visibility)


async def test_people_of_another_company_open_no_form_on_the_card(stage):
    _, ts = await carded(stage)

    for action in (Action.REPLY, Action.NOTE, Action.ASSIGN):
        await press(stage, ts, action, user=stage.sid)
        assert "Only members of the workspace" in stage.words(stage.sid)


# --- internal words that would become public ---


@pytest.fixture
async def internal(stage):
    """The card of an internal ticket, in whose thread a guest and somebody of another company take part."""
    stage.gil = stage.workspace.add_person("gil", "Gil Guest", guest=True).id
    await stage.workspace.join(stage.gil, stage.channel)
    root, ts = await carded(stage, visibility=Visibility.INTERNAL, requester=stage.ben)
    for who in (stage.gil, stage.sid):
        await stage.workspace.post(who, stage.channel, "me too", thread_ts=root["ts"])
    stage.door.events.clear()
    return root, ts


async def test_a_reply_on_an_internal_ticket_names_who_would_read_it_and_must_be_confirmed(stage, internal):
    _, ts = internal
    await press(stage, ts, Action.REPLY)
    words = stage.words(stage.ada)

    await stage.submit({Block.TEXT: "It was the fuse", Block.SURE: ["yes"]})

    assert "Ben Okri, the requester, at Local desk" in words
    assert "Gil Guest, a guest, who takes part in this thread" in words
    assert "Sid Stranger, of another company, who takes part in this thread" in words
    assert [("It was the fuse", Visibility.PUBLIC)] == [(work.text, work.visibility) for work in await stage.accepted()]


async def test_slack_does_not_take_the_reply_without_the_confirmation(stage, internal):
    _, ts = internal
    await press(stage, ts, Action.REPLY)

    sure = stage.blocks(stage.ada)[Block.SURE]

    assert sure["optional"] is False


async def test_a_form_from_before_the_ticket_was_internal_does_not_send(stage):
    root, ts = await carded(stage)
    await press(stage, ts, Action.REPLY)
    internal = {"visibility": Visibility.INTERNAL}
    await stage.store.links.update(stage.thread(root), lambda now: now.model_copy(update=internal))

    answer = await stage.submit({Block.TEXT: "It was the fuse"})

    assert "internal by now" in answer.body["errors"][Block.TEXT]
    assert [] == await stage.accepted()


async def test_typed_replies_on_an_internal_ticket_are_not_sent_and_say_where_it_is_asked(stage, internal):
    root, _ = internal

    by_command = await stage.refused("reply 1042 It was the fuse")
    await mention(stage, root, "reply It was the fuse")

    works = await stage.accepted()
    assert "Press Reply on the ticket's card: it says who would read it, and asks." in by_command
    by_name = by_command.replace("/ticket note NUMBER TEXT", "@Threadline note TEXT")
    assert [by_name] == [work.text for work in works]


async def test_a_guest_cannot_make_internal_words_public(stage, internal):
    _, ts = internal

    await press(stage, ts, Action.REPLY, user=stage.gil)

    assert "Guests cannot make public what was internal." in stage.words(stage.gil)
