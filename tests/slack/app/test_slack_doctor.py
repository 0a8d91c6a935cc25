"""`/ticket doctor`: says in plain words whether Threadline is well where it was asked, and what to do where not."""

import asyncio

import pytest

from adapters.errors import Unavailable
from adapters.model import Finding
from adapters.settings import AgentsChannel
from bot.conversion.ports import StoreAway
from bot.sandbox.slack.state import fixed_id
from bot.slack import commands
from bot.slack.wishes import Verb, Wish, understood

WELL = (
    "Threadline is well here.\n"
    "- Slack: well. It answers, and Threadline has every permission that it needs.\n"
    "- This channel: well. Threadline is in it. Tickets made here go to Local desk. "
    "Another company reads it too, so links to tickets get no previews.\n"
    "- What is kept: well. It can be stored, and nothing waits.\n"
    "- Local desk: well. It answers."
)


@pytest.fixture(autouse=True)
def in_one_answer(monkeypatch):
    monkeypatch.setattr(commands, "AT_ONCE", 60)  # however busy this machine is


async def test_where_all_is_well_it_says_so_line_by_line(stage):
    assert await stage.told("doctor") == WELL


async def test_a_channel_without_threadline_is_told_how_to_invite_it(stage):
    words = (await stage.ticket("doctor", channel=stage.closed)).body["text"]

    assert words.startswith("Threadline is not wholly well here.")
    assert "- This channel: not well. Threadline is not in it. Write /invite @Threadline here." in words


async def test_a_permission_that_the_app_lacks_is_named_with_who_can_give_it(stage):
    stage.workspace.events.scopes -= {"reactions:read"}

    words = await stage.told("doctor")

    assert "- Slack: not well. Threadline lacks the permission reactions:read. Whoever runs it adds that" in words


async def test_a_desk_that_does_not_answer_is_named_with_its_remedy(stage, monkeypatch):
    async def check():
        return (Finding(subject="login", ok=False, detail="the password is wrong", remedy="Correct it."),)

    monkeypatch.setattr(stage.desk, "check", check)

    assert "- Local desk: not well. login: the password is wrong. Correct it." in await stage.told("doctor")


async def test_a_desk_whose_check_breaks_off_or_lasts_is_not_well_and_the_others_are_told(stage, monkeypatch):
    async def down():
        raise Unavailable("local", "it does not answer.")

    async def hangs():
        await asyncio.Event().wait()

    monkeypatch.setattr("bot.slack.doctor.PATIENCE", 0.1)
    for check in (down, hangs):
        monkeypatch.setattr(stage.desk, "check", check)
        words = await stage.told("doctor")

        assert "- Local desk: not well." in words
        assert "- Slack: well." in words


async def test_a_store_that_is_away_is_a_line_like_the_others(stage, monkeypatch):
    async def away(self):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.lanes), "backlog", away)

    words = await stage.told("doctor")

    assert "- What is kept: not well. Nothing can be stored just now, so nothing is accepted" in words
    assert "- Local desk: well." in words


async def test_what_waits_too_long_is_said(stage, monkeypatch):
    async def backlog(self):
        return {"waiting": 3.0, "oldest": 1200.0}

    monkeypatch.setattr(type(stage.store.lanes), "backlog", backlog)

    words = await stage.told("doctor")

    assert "- What is kept: not well. Messages of 3 threads wait, the oldest for 20 minutes." in words


async def test_an_agents_channel_without_threadline_is_named_by_its_desk(stage, monkeypatch):
    monkeypatch.setitem(stage.desk.settings.__dict__, "agents_channel", AgentsChannel(id=stage.closed))

    assert "- Agents' channel of Local desk: not well. Threadline is not in it." in await stage.told("doctor")


async def test_in_a_thread_only_who_asked_is_told(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "Fire")
    ours = stage.workspace.bot_user_id
    await stage.workspace.post(stage.ben, stage.channel, f"@{ours} doctor", thread_ts=root["ts"])
    await stage.events("app_mention")

    assert [WELL] == await stage.whispered(stage.ben)
    assert [] == await stage.whispered(stage.ada)


async def test_who_may_not_is_told_so_and_nothing_else(stage):
    stage.workspace.add_person("gil", "Gil Guest", guest=True)
    gil = fixed_id("U", "gil")
    await stage.workspace.join(gil, stage.channel)

    words = await stage.told("doctor", user=gil)

    assert words.startswith("You do not have the right to look whether Threadline is well here.")


def test_a_doctor_in_a_sentence_is_the_text_of_a_ticket():
    assert Wish(verb=Verb.DOCTOR, whole="doctor") == understood("doctor")
    assert Verb.NEW is understood("doctor cannot open the records").verb
