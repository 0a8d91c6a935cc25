"""The app as a whole: what nobody listens to, what goes wrong, and what a form may cost before it is open."""

import json
import logging

import pytest

from adapters.model import Choice
from bot.conversion.ports import StoreAway
from bot.slack.forms import NOT_STORED
from bot.slack.ids import Block
from bot.slack.routing import FAILED


@pytest.fixture
def store_away(stage, monkeypatch):
    async def away(self, *args, **more):
        raise StoreAway

    for part, names in (
        (stage.store.links, ("get", "find", "threads")),
        (stage.store.lanes, ("add", "peek")),
        (stage.store.scratch, ("put", "get")),
    ):
        for name in names:
            monkeypatch.setattr(type(part), name, away)


@pytest.mark.parametrize(
    "payload",
    [
        {"command": "/other", "text": "", "user_id": "U1", "team_id": "T1"},
        {"type": "block_actions", "actions": [{"action_id": "old", "block_id": "b", "type": "button"}]},
        {"type": "message_action", "callback_id": "old"},
        {"type": "shortcut", "callback_id": "old"},
        {"type": "view_submission", "view": {"callback_id": "old", "type": "modal"}},
        {"type": "block_suggestion", "action_id": "old", "block_id": "b", "value": ""},
    ],
)
async def test_what_nobody_listens_to_is_acknowledged(stage, payload):
    answer = await stage.app.interaction({"user": {"id": "U1"}, "team": {"id": "T1"}, **payload})

    assert 200 == answer.status


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "block_actions", "actions": [{"block_id": "b"}]},
        {"type": "block_actions", "actions": ["x"]},
        {"type": "block_actions", "actions": [{"action_id": "old"}], "user": "U1"},
        {"type": "block_suggestion", "block_id": "b", "user": ["U1"]},
        {"type": "view_submission", "view": "V1"},
        {"type": "message_action"},
    ],
)
async def test_what_is_no_interaction_of_slacks_is_never_a_fault_of_ours(stage, payload):
    answer = await stage.app.interaction({"user": {"id": "U1"}, "team": {"id": "T1"}, **payload})

    assert answer.status < 500


async def test_a_fault_of_ours_is_said_to_the_person_and_logged_without_their_words(stage, monkeypatch, caplog):
    def faulty(self, channel):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(type(stage.desks), "for_channel", faulty)
    with caplog.at_level(logging.INFO):
        answer = await stage.ticket("private matter")

    assert f"{FAILED}\nYou wrote:\n/ticket private matter" == answer.body["text"]
    assert "a command failed: ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text
    assert "private" not in caplog.text


async def test_a_form_that_slack_did_not_open_in_time_is_said(stage):
    stage.server.fail("views.open", "expired_trigger_id")

    answer = await stage.ticket("printer")

    assert "Slack gives an app three seconds to open a form" in answer.body["text"]
    assert answer.body["text"].endswith("\n/ticket printer")


async def test_no_auth_test_is_made_for_a_payload(stage):
    before = stage.server.calls["auth.test"]

    for _ in range(5):
        await stage.ticket("help")

    assert before == stage.server.calls["auth.test"]


async def test_forms_open_while_the_store_is_away_and_say_so_when_they_are_sent(stage, store_away):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")

    await stage.shortcut(said, "create_ticket")
    await stage.settled()
    answer = await stage.submit({Block.DEPARTMENT.of("local"): "IT"})

    assert {Block.DEPARTMENT.of("local"): NOT_STORED} == answer.body["errors"]
    assert "1 message by 1 person" in stage.words(stage.ada)
    assert "The printer burns" == stage.typed()[Block.SUBJECT]["value"]


async def test_adding_to_a_ticket_while_the_store_is_away_is_refused_in_words(stage, store_away):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")

    await stage.shortcut(said, "add_to_ticket")

    assert (await stage.whispered())[0].startswith("Threadline cannot store this right now.")


async def test_a_thread_that_slack_is_slow_to_tell_is_read_when_the_ticket_is_made(stage):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    stage.server.limit_rate("conversations.replies", retry_after=30, times=5)

    await stage.shortcut(said, "create_ticket")
    await stage.settled()
    words = stage.words(stage.ada)
    await stage.submit({Block.DEPARTMENT.of("local"): "IT"})

    assert "It will be read when the ticket is made." in words
    assert [said["ts"]] == [work.thread_ts for work in await stage.accepted()]


async def test_the_words_of_a_desk_cannot_mention_or_link(stage):
    evil = "<!channel> <https://evil.example|click> *bold*"

    async def choices(which, *, department=None):
        return (Choice(id="1", label=evil),)

    stage.desk.choices = choices
    await stage.ticket()
    await stage.settled()

    (option,) = stage.blocks(stage.ada)[Block.DEPARTMENT.of("local")]["element"]["options"]
    assert {"type": "plain_text", "text": evil, "emoji": False} == option["text"]
    assert "mrkdwn" not in json.dumps(stage.view(stage.ada))


async def test_what_fills_a_view_is_finished_before_the_process_ends(stage):
    await stage.ticket()

    await stage.app.drain(10)

    assert "static_select" == stage.blocks(stage.ada)[Block.DEPARTMENT.of("local")]["element"]["type"]
    assert 1 == stage.server.calls["views.update"]
