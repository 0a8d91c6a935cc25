"""The buttons under cards and notices."""

import pytest

from adapters.model import Act, Visibility
from bot.conversion.ports import Card, NewOp, StoreAway
from bot.conversion.records import AddMessage, Operation, Progress, decode, encode
from bot.slack.home import GONE
from bot.slack.ids import Action, Block
from bot.slack.parked import QUESTION
from bot.slack.tickets import Found
from bot.slack.views.card import card
from bot.slack.views.notices import notice


@pytest.fixture
async def carded(stage):
    """A linked thread with a card in it; returns the card's timestamp."""
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    link = await stage.link(root, number="1042", url="https://desk.example/1042")
    blocks, text = card(Card(link=link, desk=stage.desk))
    posted = await stage.web.call(
        "chat.postMessage", channel=stage.channel, thread_ts=root["ts"], text=text, blocks=blocks
    )
    return posted["ts"]


async def press(stage, ts, action, *, block="card", user=""):
    who = user or stage.ada
    return await stage.workspace.press(who, channel=stage.channel, ts=ts, block_id=block, action_id=action)


async def test_close_is_in_the_lane_and_the_person_hears_so(stage, carded):
    await press(stage, carded, Action.CLOSE)

    assert ["Ticket 1042 at Local desk will be closed."] == await stage.whispered()
    assert [(Act.CLOSE, stage.ada)] == [(work.act, work.actor) for work in await stage.accepted()]


async def test_the_answer_to_a_button_stands_in_the_thread_of_its_card(stage, carded):
    root = stage.workspace.messages.state.messages[stage.channel][carded]["thread_ts"]

    await press(stage, carded, Action.CLOSE)
    await stage.settled()

    (said,) = stage.workspace.ephemerals(stage.ada, stage.channel)
    assert root == said["thread_ts"]


async def test_close_pressed_once_and_sent_twice_is_one_change(stage, carded):
    await press(stage, carded, Action.CLOSE)
    await stage.app.interaction(stage.door.interactions[-1])

    assert 1 == len(await stage.accepted())


async def test_a_note_is_asked_for_and_only_agents_will_see_it(stage, carded):
    await press(stage, carded, Action.NOTE)
    answer = await stage.submit({Block.TEXT: "It is the fuse"})

    assert answer.body is None
    (work,) = await stage.accepted()
    assert ("It is the fuse", Visibility.INTERNAL, stage.ada) == (work.text, work.visibility, work.actor)


async def test_a_note_that_cannot_be_stored_stays_in_its_form(stage, carded, monkeypatch):
    await press(stage, carded, Action.NOTE)

    async def away(self, ops):
        raise StoreAway

    with monkeypatch.context() as broken:
        broken.setattr(type(stage.store.lanes), "add", away)
        answer = await stage.submit({Block.TEXT: "It is the fuse"})

    assert [Block.TEXT] == list(answer.body["errors"])
    assert "It is the fuse" == stage.typed()[Block.TEXT]["value"]


async def test_the_button_of_a_thread_that_was_unlinked_says_so(stage, carded):
    root = stage.workspace.history(stage.channel)[0]
    link = await stage.store.links.get(stage.thread(root))
    await stage.store.links.remove(link)

    await press(stage, carded, Action.CLOSE)

    assert (await stage.whispered())[0].startswith("That thread has no ticket.")


async def test_the_button_of_a_ticket_whose_desk_left_the_settings_says_so(stage, carded):
    del stage.desks.desks["local"]

    await press(stage, carded, Action.CLOSE)

    assert (await stage.whispered())[0].startswith("Threadline's settings have no helpdesk local any more.")


# --- a thread that goes with another ticket by now ---

OTHER = (
    "The thread goes with ticket 2 by now, and this was made for another one, so nothing was done. Use the card of "
    "ticket 2."
)


async def relink(stage):
    """The thread of the card is parted from its ticket and linked with another."""
    root = stage.workspace.history(stage.channel)[0]
    await stage.store.links.remove(await stage.store.links.get(stage.thread(root)))
    await stage.link(root, number="2", ticket_id="2")


async def test_close_on_the_card_of_one_ticket_never_closes_another(stage, carded):
    await relink(stage)

    await press(stage, carded, Action.CLOSE)

    assert [OTHER] == await stage.whispered()
    assert [] == await stage.accepted()


@pytest.mark.parametrize("action", [Action.REPLY, Action.NOTE, Action.ASSIGN])
async def test_the_card_of_one_ticket_opens_no_form_for_another(stage, carded, action):
    await relink(stage)

    await press(stage, carded, action)

    assert OTHER in stage.words(stage.ada)


@pytest.mark.parametrize(
    ("action", "block", "typed"),
    [
        (Action.REPLY, Block.TEXT, "It is the fuse"),
        (Action.NOTE, Block.TEXT, "It is the fuse"),
        (Action.ASSIGN, Block.AGENT.of("local"), "Sam Agent"),
    ],
)
async def test_a_form_that_was_opened_for_one_ticket_does_not_go_to_another_and_keeps_what_was_typed(
    stage, carded, action, block, typed
):
    await press(stage, carded, action)
    await stage.suggested(block, "") if action is Action.ASSIGN else None
    await relink(stage)

    answer = await stage.submit({block: typed})

    assert {block: OTHER} == answer.body["errors"]
    assert typed in str(stage.typed()[block])
    assert [] == await stage.accepted()


async def as_posted_by_an_earlier_version(stage, carded):
    """The card's buttons name its thread alone."""
    message = stage.workspace.messages.state.messages[stage.channel][carded]
    for button in message["blocks"][-1]["elements"]:
        button["value"] = button["value"].partition("|")[0]


async def test_a_button_that_an_earlier_version_posted_is_for_the_ticket_that_its_thread_has(stage, carded):
    await as_posted_by_an_earlier_version(stage, carded)
    await relink(stage)

    await press(stage, carded, Action.CLOSE)

    assert ["Ticket 2 at Local desk will be closed."] == await stage.whispered()


async def test_the_form_of_such_a_button_is_for_the_ticket_that_it_names(stage, carded):
    await as_posted_by_an_earlier_version(stage, carded)
    await press(stage, carded, Action.REPLY)
    await relink(stage)

    answer = await stage.submit({Block.TEXT: "It is the fuse"})

    assert {Block.TEXT: OTHER} == answer.body["errors"]


async def test_a_form_that_an_earlier_version_opened_is_for_the_ticket_that_its_thread_has(stage, carded, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(Found, "made_for", "")
        await press(stage, carded, Action.REPLY)
    await relink(stage)

    await stage.submit({Block.TEXT: "It is the fuse"})

    assert ["It is the fuse"] == [work.text for work in await stage.accepted()]


async def test_the_button_that_opens_the_desk_is_only_acknowledged(stage, carded):
    answer = await press(stage, carded, Action.OPEN)

    assert (200, None) == (answer.status, answer.body)


# --- parked work ---


async def park(stage, *, asked=""):
    """Work that waits for a decision, and the notice about it; returns its lane and the notice's timestamp."""
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    lane = str(stage.thread(root))
    work = AddMessage(actor=stage.ada, text="hello")
    progress = Progress(asked=asked, calling=asked, attempts=3)
    payload = encode(Operation(work=work, progress=progress, why="It was refused."))
    await stage.store.lanes.add([NewOp(lane=lane, id="text:1", order=1, payload=payload)])
    (lease,) = await stage.store.lanes.claim(1)
    head = await stage.store.lanes.head(lease)
    assert head
    await stage.store.lanes.park(lease, head.id, payload)
    blocks, text = notice("It was refused.", parked=f"{lane}|text:1")
    args = {"channel": stage.channel, "user": stage.ada, "text": text, "blocks": blocks}
    said = await stage.web.call("chat.postEphemeral", **args)
    return lane, said["message_ts"]


async def waiting(stage, lane):
    payload = await stage.store.lanes.peek(lane, "text:1")
    return decode(payload) if payload else None


async def test_try_again_puts_the_work_back_with_its_failures_forgotten(stage):
    lane, ts = await park(stage)

    await press(stage, ts, Action.AGAIN, block="parked")

    assert "It will be tried again now." in await stage.whispered()
    assert await stage.store.lanes.find_parked(lane, "text:1") is None
    operation = await waiting(stage, lane)
    assert (0, "", "") == (operation.progress.attempts, operation.why, operation.progress.answer)


async def test_discard_drops_the_work(stage):
    lane, ts = await park(stage)

    await press(stage, ts, Action.DISCARD, block="parked")

    assert await waiting(stage, lane) is None
    assert (await stage.whispered())[-1].startswith("It was discarded")


@pytest.mark.parametrize(("action", "answer"), [(Action.AGAIN, "again"), (Action.THERE, "there")])
async def test_an_open_question_is_asked_before_anything_is_sent_a_second_time(stage, action, answer):
    lane, ts = await park(stage, asked="add")

    await press(stage, ts, Action.AGAIN, block="parked")
    (question,) = [text for text in await stage.whispered() if text.startswith(QUESTION)]
    still = await stage.store.lanes.find_parked(lane, "text:1")
    asked_ts = stage.workspace.ephemerals(stage.ada, stage.channel)[-1]["ts"]
    await press(stage, asked_ts, action, block="question")
    await stage.settled()

    assert "[It is there], [Send it again], [Discard]" in question
    assert still is not None
    assert answer == (await waiting(stage, lane)).progress.answer


async def test_what_was_decided_already_is_said(stage):
    _, ts = await park(stage)

    await press(stage, ts, Action.DISCARD, block="parked")
    await press(stage, ts, Action.AGAIN, block="parked")

    assert GONE == (await stage.whispered())[-1]


async def test_the_store_away_is_said_where_the_button_was(stage, monkeypatch):
    _, ts = await park(stage)

    async def away(self, lane, op):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.lanes), "find_parked", away)
    await press(stage, ts, Action.AGAIN, block="parked")

    assert (await stage.whispered())[-1].startswith("Threadline cannot store this right now.")


async def test_s13_a_failed_delivery_of_somebody_else_is_not_there(stage):
    lane, _ = await park(stage)
    home = {"type": "home", "id": "V1", "private_metadata": "0"}
    who = {"team": {"id": stage.team}, "user": {"id": stage.ben, "team_id": stage.team}}

    for action in (Action.DISCARD, Action.AGAIN):
        button = {"action_id": action, "block_id": "b", "type": "button", "value": f"{lane}|text:1"}
        pressed = {"type": "block_actions", **who, "trigger_id": "1.2.3", "actions": [button], "view": home}
        await stage.app.interaction(pressed)
    await stage.settled()

    assert await stage.store.lanes.find_parked(lane, "text:1") is not None
