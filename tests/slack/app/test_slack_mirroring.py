"""What of a thread goes to its ticket: the verb, the events, other apps, and the question about a closed ticket."""

import pytest

from bot.conversion.decisions import Decision, decided
from bot.conversion.ports import NewOp
from bot.conversion.records import CLOSED, AddMessage, Operation, Progress, Switch, Tell, decode, encode
from bot.slack.ids import Action
from bot.slack.limits import METADATA_EVENT
from bot.slack.mirroring import Wanted, wanted
from bot.slack.views.notices import closed_question


@pytest.fixture
async def root(stage):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(said, number="1042", opened_by=stage.ada)
    stage.door.events.clear()
    return said


async def say(stage, root, text, **more):
    return await stage.workspace.post(stage.ben, stage.channel, text, thread_ts=root["ts"], **more)


async def ask(stage, root, text):
    await say(stage, root, f"@{stage.workspace.bot_user_id} {text}")
    await stage.events("app_mention")
    stage.door.events.clear()


async def switched(stage, root, **switch):
    changed = {"switches": (Switch(**switch),)}
    await stage.store.links.update(stage.thread(root), lambda now: now.model_copy(update=changed))


async def gone(stage):
    """What the listeners gave to the ticket, by kind and text."""
    await stage.events("message")
    works = await stage.accepted()
    return [(one.kind, one.message["text"]) for one in works if one.kind in {"add_message", "edit_message"}]


@pytest.mark.parametrize(
    ("typed", "want"),
    [
        ("everything", Wanted(mirror="everything")),
        ("Marked earlier", Wanted(mirror="marked", earlier=True)),
        ("nothing", Wanted(mirror="nothing")),
        ("apps on", Wanted(apps=True)),
        ("apps off", Wanted(apps=False)),
    ],
)
def test_what_can_be_asked_for(typed, want):
    assert want == wanted(typed)


@pytest.mark.parametrize("typed", ["", "all", "nothing earlier", "apps", "everything else please"])
def test_anything_else_means_nothing(typed):
    assert wanted(typed) is None


async def test_by_the_verb_only_marked_replies_go_from_there_on_and_everybody_is_told(stage, root):
    before = await say(stage, root, "said before")
    await ask(stage, root, "mirror marked")

    works = await stage.accepted()
    link = await stage.store.links.get(stage.thread(root))
    assert ("everything", "marked") == (link.at(before["ts"]).mirror, link.now.mirror)
    assert ["From here on only replies that begin with reply: or note: go from this thread to ticket 1042."] == [
        work.text for work in works if work.kind == "say"
    ]
    assert any("mirror marked earlier" in work.text for work in works if work.kind == "tell")
    for text in ("plain talk", "reply: it works", "note: for the file"):
        await say(stage, root, text)
    assert [("add_message", "reply: it works"), ("add_message", "note: for the file")] == await gone(stage)


async def test_where_nothing_goes_neither_do_edits(stage, root):
    await switched(stage, root, mirror="nothing")
    said = await say(stage, root, "one")
    await stage.workspace.edit(stage.ben, stage.channel, said["ts"], "two")

    assert [] == await gone(stage)


async def test_a_message_that_is_marked_by_an_edit_goes_then(stage, root):
    await switched(stage, root, mirror="marked")
    said = await say(stage, root, "it works")
    await stage.workspace.edit(stage.ben, stage.channel, said["ts"], "reply: it works")

    assert ("add_message", "reply: it works") in await gone(stage)


async def test_posts_of_other_apps_go_only_where_that_is_switched_on(stage, root):
    await stage.workspace.post_as_app(stage.channel, "alerts", "CPU", thread_ts=root["ts"])
    assert [] == await gone(stage)

    await switched(stage, root, apps=True)
    assert [("add_message", "CPU")] == await gone(stage)


async def test_what_a_threadline_posted_never_goes_whoever_it_was_posted_as(stage, root):
    await switched(stage, root, apps=True)
    await say(stage, root, "as Ben, with his token")
    for body in stage.door.events:
        body["event"]["metadata"] = {"event_type": METADATA_EVENT, "event_payload": {"marker": "TL-X"}}

    assert [] == await gone(stage)


async def test_an_app_that_writes_with_a_persons_token_is_that_person(stage, root):
    await say(stage, root, "as Ben, with his token")
    for body in stage.door.events:
        body["event"]["app_id"] = "A0OTHER"

    assert [("add_message", "as Ben, with his token")] == await gone(stage)


async def test_a_message_that_was_left_out_can_be_added_by_its_menu(stage, root):
    await switched(stage, root, mirror="marked")
    said = await say(stage, root, "it works")
    assert [] == await gone(stage)

    await stage.shortcut(said, "add_to_ticket")
    await stage.settled()

    (work,) = await stage.accepted()
    assert (said["ts"], False) == (work.ts, work.mirrored)


async def test_the_command_switches_too_and_says_what_can_be_written(stage, root):
    assert "mirror everything" in await stage.told("mirror 1042 maybe")
    assert "Done" in await stage.told("mirror 1042 nothing")

    assert "nothing" == (await stage.store.links.get(stage.thread(root))).now.mirror


# --- a reply to a closed ticket ---


async def asked_about(stage, root, work):
    """A reply that waits because its ticket is closed, and the question in the thread; their lane and timestamp."""
    lane = str(stage.thread(root))
    payload = encode(Operation(work=work, progress=Progress(asked=CLOSED)))
    await stage.store.lanes.add([NewOp(lane=lane, id="text:1", order=1, payload=payload)])
    (lease,) = await stage.store.lanes.claim(1)
    await stage.store.lanes.head(lease)
    await stage.store.lanes.hold(lease, "text:1", payload)
    blocks, text = closed_question("Ticket 1042 is closed.", f"{lane}|text:1")
    posted = await stage.web.call(
        "chat.postMessage", channel=stage.channel, thread_ts=root["ts"], text=text, blocks=blocks
    )
    return lane, posted["ts"]


@pytest.fixture
async def question(stage, root):
    """The same about a reply that was typed into a command."""
    return await asked_about(stage, root, AddMessage(actor=stage.ben, text="hello"))


@pytest.mark.parametrize(("action", "answer"), [(Action.SEND_REOPEN, "reopen"), (Action.SEND_NEW, "new")])
async def test_the_choice_goes_into_the_lane_and_takes_the_place_of_the_question(stage, question, action, answer):
    lane, ts = question

    await stage.workspace.press(stage.ada, channel=stage.channel, ts=ts, block_id="closed", action_id=action)
    await stage.settled()

    operation = decode(await stage.store.lanes.peek(lane, "text:1"))
    assert (answer, "") == (operation.progress.answer, operation.progress.asked)
    shown = stage.workspace.messages.state.messages[stage.channel][ts]
    assert "ticket 1042" in shown["text"].lower()
    assert "actions" not in {block["type"] for block in shown["blocks"]}


async def not_sent(stage, ts):
    """What the question becomes when somebody chooses not to send the reply."""
    await stage.workspace.press(stage.ada, channel=stage.channel, ts=ts, block_id="closed", action_id=Action.SEND_NOT)
    await stage.settled()
    return stage.workspace.messages.state.messages[stage.channel][ts]["text"]


async def test_who_typed_a_reply_has_its_text_back_when_somebody_else_chooses_not_to_send_it(stage, question):
    """It stands nowhere in Slack."""
    _, ts = question

    words = await not_sent(stage, ts)

    assert "The reply was not sent to ticket 1042. Who typed it has it back, in a direct message." == words
    told = "Your reply was not sent to ticket 1042, which is closed. You typed:\nhello"
    assert [Tell(user=stage.ben, text=told)] == await stage.accepted()


async def test_a_reply_that_stands_in_slack_and_is_not_sent_stays_there(stage, root):
    _, ts = await asked_about(stage, root, AddMessage(actor=stage.ben, ts="1700000000.000100"))

    assert "The reply was not sent to ticket 1042. It stays here." == await not_sent(stage, ts)
    assert [] == await stage.accepted()


async def test_what_the_whole_thread_reads_is_in_the_language_of_the_settings_whoever_pressed(stage, root, question):
    for who in (stage.ada, stage.ben):
        stage.workspace.people[who].locale = "it-IT"

    words = await not_sent(stage, question[1])
    await ask(stage, root, "mirror nothing")

    assert "The reply was not sent to ticket 1042. Who typed it has it back, in a direct message." == words
    said = [(work.kind, work.text) for work in await stage.accepted() if work.kind in {"say", "tell"}]
    assert ("say", "From here on nothing of this thread goes to ticket 1042 by itself.") in said
    assert ("tell", "Fatto.") in said


async def test_a_choice_that_was_made_already_says_so(stage, question):
    lane, ts = question
    parked = await stage.store.lanes.find_parked(lane, "text:1")
    await stage.store.lanes.unpark(lane, "text:1", decided(parked.payload, Decision.DISCARD))

    await stage.workspace.press(
        stage.ada, channel=stage.channel, ts=ts, block_id="closed", action_id=Action.SEND_REOPEN
    )
    await stage.settled()

    assert "decided already" in stage.workspace.messages.state.messages[stage.channel][ts]["text"]


# --- another desk ---


@pytest.fixture
def two(tables, tmp_path):
    """A second desk; to be asked for before the stage."""
    tables["other"] = {"kind": "local", "path": tmp_path / "other.sqlite", "title": "Other desk"}


async def test_moving_says_first_what_it_does_and_is_then_in_the_lane_once(two, stage, root):
    await ask(stage, root, "move other desk")

    said = stage.workspace.ephemerals(stage.ben, stage.channel)[-1]
    assert [] == await stage.accepted()
    assert "A new ticket will be opened at Other desk" in said["text"]
    for _ in range(2):
        await stage.workspace.press(
            stage.ben, channel=stage.channel, ts=said["ts"], block_id="move", action_id=Action.MOVE
        )
    await stage.settled()
    assert [("move_ticket", "other")] == [(work.kind, work.desk) for work in await stage.accepted()]


async def test_a_thread_that_goes_with_another_ticket_by_now_is_not_moved_by_the_question_about_the_first(
    two, stage, root
):
    await ask(stage, root, "move other desk")
    said = stage.workspace.ephemerals(stage.ben, stage.channel)[-1]
    await stage.store.links.remove(await stage.store.links.get(stage.thread(root)))
    await stage.link(root, number="2", ticket_id="2")

    await stage.workspace.press(stage.ben, channel=stage.channel, ts=said["ts"], block_id="move", action_id=Action.MOVE)

    assert (await stage.whispered(stage.ben))[-1].startswith("The thread goes with ticket 2 by now")
    assert [] == await stage.accepted()


async def test_a_desk_that_there_is_not_or_that_it_is_at_is_no_place_to_move_to(two, stage, root):
    assert "Name another helpdesk: Other desk." in await stage.told("move 1042 nowhere")
    assert "Name another helpdesk: Other desk." in await stage.told("move 1042 local")
