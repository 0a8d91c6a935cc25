"""Where we are alone with a person: Slack sends no mention there, so the message itself is the wish."""

import pytest

from bot.conversion.ops import event_op


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("note it is the fuse", "add_message", "La nota è in viaggio verso il ticket 1042"),
        ("close", "change_ticket", "Il ticket 1042 su Local desk verrà chiuso."),
        ("close the window", "add_message", "Si intendeva close?"),
    ],
)
async def test_a_wish_where_we_are_alone_with_a_person_is_done_though_slack_sends_no_mention(stage, text, kind, words):
    stage.workspace.people[stage.ben].locale = "it-IT"
    alone = await stage.workspace.direct(stage.ben)
    root = await stage.workspace.post(stage.ben, alone, "The printer burns")
    await stage.link(root, channel=alone, number="1042")
    stage.door.events.clear()
    ours = stage.workspace.bot_user_id
    await stage.workspace.post(stage.ben, alone, f"@{ours} {text}", thread_ts=root["ts"])

    for _ in range(2):
        await stage.events("message")

    found = {work.kind: work for work in await stage.accepted()}
    assert ["message"] == [body["event"]["type"] for body in stage.door.events]
    assert ({kind, "tell"}, words) == (set(found), found["tell"].text[: len(words)])


@pytest.mark.parametrize(("before", "sent"), [("*", []), ("> ", []), ("Hi ", []), ("\u2060", ["internal"])])
async def test_where_we_are_alone_with_a_person_no_note_is_for_all_to_read_whatever_stands_before_our_name(
    stage, before, sent
):
    alone = await stage.workspace.direct(stage.ben)
    root = await stage.workspace.post(stage.ben, alone, "The printer burns")
    await stage.link(root, channel=alone, number="1042")
    stage.door.events.clear()
    text = f"{before}@{stage.workspace.bot_user_id} note: they owe us"
    await stage.workspace.post(stage.ben, alone, text, thread_ts=root["ts"])

    await stage.events("message")

    works = await stage.accepted()
    assert sent == [work.visibility for work in works if work.kind == "add_message"]
    (told,) = [work.text for work in works if work.kind == "tell"]
    assert ("Your note is on its way" if sent else "so your message was not sent") in told


async def test_help_where_we_are_alone_with_a_person_is_answered_without_a_ticket(stage):
    alone = await stage.workspace.direct(stage.ben)
    await stage.workspace.post(stage.ben, alone, f"@{stage.workspace.bot_user_id} help")
    (body,) = stage.door.events

    assert ["added"] == [one.value for one in await stage.store.lanes.add([event_op(body)])]
    await stage.dispatch(body)

    told = [work.text for work in await stage.accepted() if work.kind == "tell"]
    assert ["Slack does not let commands run inside threads."] == [text[:47] for text in told]
