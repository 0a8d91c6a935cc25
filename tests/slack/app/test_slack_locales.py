"""Each person is answered in the language of their own Slack; who speaks neither, in that of the settings."""

import json

import pytest

from bot.conversion.ports import Card
from bot.slack.ids import Action, Block
from bot.slack.views.card import card, seen_status
from bot.words import settle, speaking
from tests.words.catalogue import left_in_english

FILLED = {
    Block.SUBJECT: "Stampante",
    Block.DESCRIPTION: "Brucia",
    Block.DEPARTMENT.of("local"): "IT",
    Block.OUTSIDER: "nobody at all",
}
CLOSING = "Il ticket 1042 su Local desk verrà chiuso."


def texts(value):
    """All that Slack shows of blocks or of a view: each text object's text."""
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if isinstance(value.get("text"), str) else []
    return own + [text for one in value.values() if isinstance(one, dict | list) for text in texts(one)]


def english(shown):
    return left_in_english("\n".join(texts(shown)), "it")


@pytest.fixture
async def carded(stage):
    """A thread with its card, where Ada's Slack is English and Ben's is Italian; returns the card's timestamp."""
    stage.workspace.people[stage.ben].locale = "it-IT"
    root = await stage.workspace.post(stage.ada, stage.channel, "La stampante brucia")
    link = await stage.link(root, number="1042", url="https://desk.example/1042", requester=stage.ben)
    blocks, text = card(Card(link=link, desk=stage.desk))
    posted = await stage.web.call(
        "chat.postMessage", channel=stage.channel, thread_ts=root["ts"], text=text, blocks=blocks
    )
    return posted["ts"]


async def press(stage, ts, action, user):
    await stage.workspace.press(user, channel=stage.channel, ts=ts, block_id="card", action_id=action)


async def test_two_people_press_the_same_button_and_each_reads_their_own_language(stage, carded):
    await press(stage, carded, Action.CLOSE, stage.ben)
    await press(stage, carded, Action.CLOSE, stage.ada)

    assert [CLOSING] == await stage.whispered(stage.ben)
    assert ["Ticket 1042 at Local desk will be closed."] == await stage.whispered(stage.ada)


async def test_the_very_first_form_that_somebody_opens_is_in_their_language(stage, carded):
    await press(stage, carded, Action.NOTE, stage.ben)
    await press(stage, carded, Action.NOTE, stage.ada)

    assert ["Nota interna", "Internal note"] == [stage.view(who)["title"]["text"] for who in (stage.ben, stage.ada)]


async def test_the_form_its_errors_the_home_and_the_help_have_no_english_left(stage, carded):
    await stage.ticket(user=stage.ben)
    await stage.settled()
    form = stage.view(stage.ben)
    answer = await stage.submit(FILLED, user=stage.ben)
    await stage.workspace.open_home(stage.ben)
    await stage.events("app_home_opened")
    home = stage.workspace.home_of(stage.ben)
    told = await stage.ticket("help", user=stage.ben)

    assert "Nuovo ticket" == form["title"]["text"]
    assert [] == english(form)
    assert answer.body["errors"][Block.OUTSIDER].startswith("Inserire un solo indirizzo e-mail, per esempio grace@")
    assert [] == left_in_english("\n".join(answer.body["errors"].values()), "it")
    assert "Ticket 1042" in json.dumps(home["blocks"])
    assert [] == english(home)
    assert [] == english(told.body["blocks"])
    assert [] == left_in_english(told.body["text"], "it")


async def test_that_a_ticket_will_be_assigned_to_nobody_is_said_in_the_persons_language(stage, carded):
    assert "Il ticket 1042 su Local desk non sarà assegnato a nessuno." == await stage.told(
        "assign 1042 nobody", user=stage.ben
    )


async def test_a_language_that_is_not_spoken_is_answered_in_that_of_the_settings(stage, carded):
    stage.workspace.people[stage.ada].locale = "sv-SE"
    settle("it")
    try:
        await press(stage, carded, Action.CLOSE, stage.ada)
        assert [CLOSING] == await stage.whispered(stage.ada)
    finally:
        settle("en")


async def test_what_is_known_of_a_person_is_used_while_it_is_asked_for_anew(stage, carded):
    await press(stage, carded, Action.CLOSE, stage.ben)
    await stage.whispered(stage.ben)
    before = stage.server.calls["users.info"]

    await press(stage, carded, Action.NOTE, stage.ben)

    assert before == stage.server.calls["users.info"]


@pytest.mark.parametrize(
    ("state", "status", "shown"),
    [("open", "Open", "Aperto"), ("open", "In progress", "In progress"), ("closed", "", "Chiuso"), ("", "New", "New")],
)
async def test_a_desks_status_is_shown_in_its_word_only_where_that_says_more(stage, state, status, shown):
    root = await stage.workspace.post(stage.ada, stage.channel, "La stampante brucia")
    link = await stage.link(root, state=state, status=status)

    with speaking("it-IT"):
        assert shown == seen_status(link)
