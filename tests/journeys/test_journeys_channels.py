"""What becomes of a channel concerns its own threads alone: archived, without us, made private; and of one message."""

from datetime import timedelta

import pytest

from bot.conversion import run as conversion_run
from bot.slack.ids import Action, Block
from tests.journeys.day import Plan, a_day
from tests.journeys.test_journeys_loops import eventually, holding, texts


@pytest.fixture
async def two_threads(tmp_path, monkeypatch):
    """A day with a ticket in each of two channels."""
    monkeypatch.setattr(conversion_run, "PUT_OFF", timedelta(seconds=1))
    async with a_day(Plan(), tmp_path) as day:
        await day.start()
        for channel in day.channels:
            await day._open(channel)
        assert [] == (await day._settled()).wrong
        yield day


def archived(channel, us):
    channel.archived = not channel.archived


def without_us(channel, us):
    (channel.members.remove if us in channel.members else channel.members.append)(us)


@pytest.mark.parametrize("turn", [archived, without_us])
async def test_a_channel_where_we_cannot_write_holds_up_its_own_thread_and_loses_nothing(two_threads, turn):
    """Neither an archived channel nor one that we were taken out of stops the others; who opened the ticket is told."""
    day = two_threads
    shut, other = day.cases
    channel, us = day.slack.channels[shut.channel], day.slack.bot_user_id
    turn(channel, us)
    tried = day.world.slack.calls["chat.postMessage"]
    await day.answer(shut)
    await day.agents.reply(shut.ticket, "behind the door")
    await day.agents.reply(other.ticket, "next door")

    async def heard_next_door():
        return holding(texts(day, other), "next door") and day.world.slack.calls["chat.postMessage"] > tried + 1

    await eventually(heard_next_door)
    await day.say(other)
    assert 0 == holding(texts(day, shut), "behind the door")
    turn(channel, us)

    async def heard():
        return holding(texts(day, shut), "behind the door")

    await eventually(heard)
    for answers, said in ((other, "next door"), (shut, "behind the door")):
        assert 1 == holding(texts(day, answers), said)
    assert [] == (await day._settled()).wrong


async def test_a_channel_that_becomes_private_keeps_its_threads(two_threads):
    """Its id stays."""
    day = two_threads
    case = day.cases[0]
    day.slack.channels[case.channel].private = True

    await day.say(case)
    await day.answer(case)
    await day.say(case, file=True)

    assert [] == (await day._settled()).wrong


async def test_a_message_that_is_deleted_while_its_form_is_open_reaches_no_ticket_and_who_asked_is_told(tmp_path):
    """Nothing lands in the channel either."""
    async with a_day(Plan(), tmp_path) as day:
        await day.start()
        user, channel = next(iter(day.people)), day.channels[0]
        root = await day.slack.post(user, channel, "a secret by mistake")
        await day.slack.message_shortcut(user, channel, root["ts"], "create_ticket")
        await day.slack.delete(user, channel, root["ts"])
        before = len(day.slack.history(channel))
        view = day.slack.views_of(user)[-1]
        await day.slack.submit(user, view["id"], {Block.SUBJECT: {Action.VALUE: "Printer"}})

        async def told():
            return [one["text"] for one in [*direct(day, user), *day.slack.ephemerals(user, channel)]]

        await eventually(told)

        assert "Your ticket “Printer” was not sent. That thread is not in Slack any more." in (await told())[0]
        assert () == await day.agents.tickets()
        assert before == len(day.slack.history(channel))


async def test_when_a_whole_thread_is_deleted_who_opened_its_ticket_is_told_and_nothing_is_tried_again(two_threads):
    day = two_threads
    gone = day.cases[0]
    for message in reversed(day.slack.replies(gone.channel, gone.ts)):
        day.slack.messages.remove(gone.channel, message["ts"])
    await day.agents.reply(gone.ticket, "to nobody")
    number = (await day.agents.ticket(gone.ticket)).number

    async def told():
        said = [one["text"] for user in day.people for one in direct(day, user)]
        return [text for text in said if f"The thread of ticket {number}" in text]

    await eventually(told)
    day.cases.remove(gone)
    posts = day.world.slack.calls["chat.postMessage"]
    await day.agents.reply(gone.ticket, "still to nobody")
    assert [] == (await day._settled()).wrong

    assert posts == day.world.slack.calls["chat.postMessage"]
    assert 1 == len(await told())


def direct(day, user):
    """What stands in our direct messages with somebody."""
    return [
        one
        for channel in day.slack.channels.values()
        if channel.is_im and user in channel.members
        for one in day.slack.history(channel.id)
    ]
