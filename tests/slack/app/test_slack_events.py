"""Events from the store: what goes to the ticket, what is answered, what is left alone."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.model import Act, Visibility
from bot.conversion.journal import LookLater
from bot.conversion.ops import event_op
from bot.conversion.ports import StoreAway
from bot.conversion.records import Switch
from bot.slack.ids import Action, Block


@pytest.fixture
async def root(stage):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(said, number="1042", subject="Fire")
    stage.door.events.clear()
    return said


async def reply(stage, root, text, **more):
    return await stage.workspace.post(stage.ben, stage.channel, text, thread_ts=root["ts"], **more)


async def test_a_reply_in_a_linked_thread_goes_to_the_ticket_once(stage, root):
    said = await reply(stage, root, "Still burning")

    await stage.events("message")
    await stage.events("message")

    (work,) = await stage.accepted()
    assert (said["ts"], stage.ben, "Still burning") == (work.ts, work.actor, work.message["text"])


async def test_files_me_messages_and_replies_shown_in_the_channel_are_words_of_people_too(stage, root):
    await reply(stage, root, "see", files=[("log.txt", b"x", "text/plain")])
    await reply(stage, root, "/me waves")
    await reply(stage, root, "for all", broadcast=True)

    await stage.events("message")

    assert ["file_share", "me_message", "thread_broadcast"] == [
        work.message["subtype"] for work in await stage.accepted()
    ]


async def test_a_message_in_a_thread_without_a_ticket_is_left_alone(stage):
    await stage.workspace.post(stage.ada, stage.channel, "Lunch?")

    await stage.events("message")

    assert [] == await stage.accepted()


@pytest.fixture
async def card(stage):
    """The card of a ticket that began as a form; its link is not written yet."""
    card = await stage.web.call("chat.postMessage", channel=stage.channel, text="Ticket 1042")
    stage.door.events.clear()
    return card


async def test_what_is_said_below_a_card_that_began_its_thread_waits_for_the_link_and_goes_in_order(stage, card):
    """The card may be there for seconds before its link: Slack answered slowly, or a process died between the two."""
    said = await reply(stage, card, "Still burning")
    await stage.workspace.edit(stage.ben, stage.channel, said["ts"], "Still smells")
    await stage.workspace.delete(stage.ben, stage.channel, said["ts"])
    events = [body for body in stage.door.events if body["event"]["type"] == "message"]

    assert [None, "message_changed", "message_deleted"] == [body["event"].get("subtype") for body in events]
    assert ["added"] * 3 == [one.value for one in await stage.store.lanes.add([event_op(body) for body in events])]
    for body in events:
        with pytest.raises(LookLater):
            await stage.dispatch(body)

    later = await reply(stage, card, "All out")
    await stage.link(card, number="1042", read_to=card["ts"])
    for body in (events[0], stage.door.events[-1]):
        await stage.dispatch(body)
    works = await stage.accepted()
    assert [said["ts"], later["ts"]] == [work.ts for work in works if work.kind == "add_message"]


@pytest.mark.parametrize("whose", ["ours, but of two minutes ago", "a person's"])
async def test_what_is_said_below_an_old_post_of_ours_or_one_of_others_without_a_ticket_is_not_kept(
    stage, card, whose, monkeypatch
):
    if whose == "a person's":
        card = await stage.workspace.post(stage.ada, stage.channel, "Lunch?")
    else:
        monkeypatch.setattr("bot.conversion.ops.LINKED_BY", timedelta())
    await reply(stage, card, "Pasta")
    body = stage.door.events[-1]

    assert ["not linked"] == [one.value for one in await stage.store.lanes.add([event_op(body)])]
    await stage.dispatch(body)
    assert [] == await stage.accepted()


async def test_our_own_posts_and_other_apps_are_left_alone_and_edits_and_deletions_are_no_new_messages(stage, root):
    said = await reply(stage, root, "oops")
    stage.door.events.clear()
    await stage.web.call("chat.postMessage", channel=stage.channel, thread_ts=root["ts"], text="our card")
    await stage.workspace.post_as_app(stage.channel, "alerts", "CPU", thread_ts=root["ts"])
    await stage.workspace.edit(stage.ben, stage.channel, said["ts"], "better")
    await stage.workspace.delete(stage.ben, stage.channel, said["ts"])

    await stage.events("message")

    assert {"edit_message", "delete_message"} == {work.kind for work in await stage.accepted()}


async def test_the_deletion_of_a_threads_first_message_is_told_although_slack_puts_another_in_its_place(stage, root):
    await reply(stage, root, "Still burning")
    stage.door.events.clear()
    await stage.workspace.delete(stage.ada, stage.channel, root["ts"])
    (body,) = stage.door.events

    await stage.events("message")

    (work,) = await stage.accepted()
    told = (work.kind, work.ts, work.actor, work.previous["text"])
    assert ("delete_message", root["ts"], stage.ada, "The printer burns") == told
    thread, op = f"{stage.team}:{stage.channel}:{root['ts']}", event_op(body)
    assert op is not None
    assert (f"in:del:{thread}", f"in/{thread}") == (op.id, op.lane)


async def test_a_link_that_slack_unfolds_is_no_edit(stage, root):
    """Slack says that the message was changed, but nobody edited it."""
    said = await reply(stage, root, "see https://wiki.example/printers")
    stage.door.events.clear()
    preview = [{"from_url": "https://wiki.example/printers", "title": "Printers", "text": "All about them"}]
    stage.workspace.messages.change(stage.channel, said["ts"], {"attachments": preview})

    await stage.events("message")

    assert ["message_changed"] == [body["event"]["subtype"] for body in stage.door.events]
    assert [] == await stage.accepted()


async def test_the_same_timestamp_in_another_channel_is_another_thread(stage, root):
    """Timestamps are only for their channel, and so is everything that is known by one."""
    event = {"type": "message", "user": stage.ben, "text": "elsewhere", "ts": "1900000000.000100"}
    for channel in ("C0ELSEWHERE", stage.channel):
        body = {"type": "event_callback", "team_id": stage.team, "event": {**event, "channel": channel}}
        body["event"]["thread_ts"] = root["ts"]
        await stage.dispatch(body)

    (lane,) = await stage.store.lanes.claim(10)
    assert f"{stage.team}:{stage.channel}:{root['ts']}" == lane.lane


async def test_a_store_that_is_away_makes_the_worker_try_again(stage, root, monkeypatch):
    await reply(stage, root, "Still burning")

    async def away(self, ops):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.lanes), "add", away)

    with pytest.raises(StoreAway):
        await stage.events("message")


async def test_an_event_that_means_nothing_to_us_is_no_error(stage):
    await stage.dispatch(
        {"type": "event_callback", "team_id": stage.team, "event": {"type": "channel_rename", "channel": {"id": "C1"}}}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("close", "Ticket 1042 at Local desk will be closed."),
        ("note it is the fuse", "Your note is on its way to ticket 1042 at Local desk."),
        ("reply on it", "Your reply is on its way to ticket 1042 at Local desk."),
        ("unlink", "Ticket 1042 and its thread are no longer linked. What is on the ticket stays there."),
    ],
)
async def test_behind_our_name_the_verbs_work_in_the_thread(stage, root, text, said):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} {text}")

    await stage.events("app_mention")

    told = [work for work in await stage.accepted() if work.kind == "tell"]
    assert [(said, stage.ben, root["ts"])] == [(work.text, work.user, work.thread_ts) for work in told]


@pytest.mark.parametrize("text", ["note it is the fuse", "reply on it", "close", "unlink", "mirror nothing"])
async def test_a_wish_that_waited_is_for_no_ticket_that_its_thread_was_linked_with_meanwhile(stage, root, text):
    """A note for the agents of one ticket may name what those of another must not read."""
    await reply(stage, root, f"@{stage.workspace.bot_user_id} {text}")
    link = await stage.store.links.get(stage.thread(root))
    await stage.store.links.remove(link)
    later = {"ticket_id": "2", "number": "2077", "created_at": datetime.now(UTC) + timedelta(minutes=1)}
    await stage.store.links.put(link.model_copy(update=later))

    await stage.events("app_mention")

    words = "and what you wrote was for the one before, so nothing was done. Write it again if it is for ticket 2077."
    assert [f"The thread goes with ticket 2077 by now, {words}"] == [work.text for work in await stage.accepted()]


async def test_a_wish_is_for_a_ticket_that_was_still_being_made_though_its_thread_was_never_parted(stage, root):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} close")
    later = {"created_at": datetime.now(UTC) + timedelta(minutes=1)}
    await stage.store.links.update(stage.thread(root), lambda link: link.model_copy(update=later))

    await stage.events("app_mention")

    assert ["change_ticket", "tell"] == [work.kind for work in await stage.accepted()]


async def test_new_behind_our_name_offers_the_form_of_the_thread_to_who_asked_alone(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await reply(stage, root, f"@{stage.workspace.bot_user_id} new")

    await stage.events("app_mention")
    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    await stage.workspace.press(
        stage.ben, channel=stage.channel, ts=said["ts"], block_id="asks", action_id=Action.CREATE
    )
    await stage.settled()

    assert "To make a ticket of this thread, fill in its form:\n[Open the form]" == said["text"]
    assert "The printer burns" == stage.blocks(stage.ben)[Block.SUBJECT]["element"]["initial_value"]
    assert [] == await stage.accepted()


@pytest.mark.parametrize("thread", [True, False])
async def test_what_is_written_behind_new_is_what_the_ticket_is_about_in_a_thread_and_outside(stage, thread):
    ours = stage.workspace.bot_user_id
    root = await stage.workspace.post(stage.ada, stage.channel, "Lunch?")
    where = {"thread_ts": root["ts"]} if thread else {}
    text, photo = f"@{ours} new R&D: the <door> is stuck\nsince noon", ("door.png", b"x", "image/png")
    await stage.workspace.post(stage.ben, stage.channel, text, files=[photo], **where)

    await stage.events("app_mention")
    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    await stage.workspace.press(
        stage.ben, channel=stage.channel, ts=said["ts"], block_id="asks", action_id=Action.CREATE
    )
    await stage.settled()

    assert "R&D: the <door> is stuck" == stage.blocks(stage.ben)[Block.SUBJECT]["element"]["initial_value"]
    assert f"{1 + thread} message{'s' if thread else ''} by {1 + thread}" in stage.words(stage.ben)
    assert "1 file" in stage.words(stage.ben)


async def test_a_form_counts_the_messages_that_go_to_the_ticket_and_no_others(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await reply(stage, root, f"@{stage.workspace.bot_user_id} view")

    await stage.shortcut(root, "create_ticket")
    await stage.settled()

    assert "1 message by 1 person" in stage.words(stage.ada)


NOTHING_MEANT = "Slack does not let commands run inside threads."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mine is broken too", "Did you mean mine?"),
        ("doctor says next week", "Did you mean doctor?"),
        ("close the window, it rains in", "Did you mean close?"),
        ("not sure what happened", NOTHING_MEANT),
        ("nope, still broken", NOTHING_MEANT),
        ("Noted. Thanks", NOTHING_MEANT),
        ("node-5 is down", NOTHING_MEANT),
    ],
)
async def test_a_sentence_that_begins_like_a_wish_is_part_of_the_conversation_and_is_asked_about(
    stage, root, text, told
):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} {text}")

    await stage.events("app_mention")
    await stage.events("message")

    works = {work.kind: work for work in await stage.accepted()}
    assert {"add_message", "tell"} == set(works)
    assert works["tell"].text.startswith(told)


@pytest.mark.parametrize(("text", "works"), [("new error E42 appears", ["add_message", "tell"]), ("new", ["tell"])])
async def test_new_in_a_thread_that_has_a_ticket_names_that_and_what_stands_behind_goes_there(stage, root, text, works):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} {text}")

    await stage.events("app_mention")
    await stage.events("message")

    found = {work.kind: work for work in await stage.accepted()}
    assert works == sorted(found)
    assert "This thread is ticket 1042 at Local desk already." == found["tell"].text
    assert [] == stage.workspace.ephemerals(stage.ben, stage.channel)


async def test_who_may_not_see_the_ticket_of_a_thread_hears_of_its_form_alone(stage, root, monkeypatch):
    monkeypatch.setattr("bot.slack.access.Access.nearest", nobody_sees)

    await reply(stage, root, f"@{stage.workspace.bot_user_id} new error E42 appears")
    await stage.events("app_mention")

    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    assert "To make a ticket of this thread, fill in its form:" in said["text"]


async def nobody_sees(_access, _actor, _links):
    return None


@pytest.mark.parametrize("text", ["@{us} notes they owe us", "*@{us} note: they owe us*", "> @{us} note they owe us"])
async def test_what_was_perhaps_to_be_a_note_is_not_sent_and_who_wrote_it_is_told(stage, root, text):
    await reply(stage, root, text.format(us=stage.workspace.bot_user_id))

    await stage.events("app_mention")
    await stage.events("message")

    (told,) = await stage.accepted()
    assert (
        "Did you mean @Threadline note TEXT? A note is for agents alone, so your message was not sent. Write it anew "
        "so that it begins with @Threadline note or, if all may read it, choose Add to ticket in its menu."
    ) == told.text


async def test_what_stands_behind_our_name_and_reply_is_stored_as_the_message_itself(stage, root):
    said = await reply(
        stage, root, f"@{stage.workspace.bot_user_id} reply R&D \u201cx\u201d", files=[("log.txt", b"x", "text/plain")]
    )

    await stage.events("app_mention")
    await stage.events("message")

    (work,) = [work for work in await stage.accepted() if work.kind == "add_message"]
    assert (said["ts"], Visibility.PUBLIC, ["log.txt"]) == (
        work.ts,
        work.visibility,
        [file["name"] for file in work.message["files"]],
    )


async def test_a_file_alone_is_a_reply_too(stage, root):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} reply", files=[("log.txt", b"x", "text/plain")])

    await stage.events("app_mention")

    assert {"add_message", "tell"} == {work.kind for work in await stage.accepted()}


async def test_a_reply_behind_our_name_keeps_its_place_among_the_messages_of_its_thread(stage, root):
    """After downtime, all of them are handed over at once."""
    first = await reply(stage, root, f"@{stage.workspace.bot_user_id} reply first")
    second = await reply(stage, root, "second")

    await stage.events("message")
    await stage.events("app_mention")

    works = [work for work in await stage.accepted() if work.kind == "add_message"]
    assert [first["ts"], second["ts"]] == [work.ts for work in works]


@pytest.mark.parametrize("mirror", ["everything", "nothing"])
async def test_an_edit_and_a_deletion_of_a_reply_behind_our_name_reach_the_ticket(stage, root, mirror):
    await stage.store.links.update(
        stage.thread(root), lambda now: now.model_copy(update={"switches": (Switch(mirror=mirror),)})
    )
    ours = stage.workspace.bot_user_id
    said = await reply(stage, root, f"@{ours} reply at noon")
    await stage.events("app_mention")
    await stage.workspace.edit(stage.ben, stage.channel, said["ts"], f"@{ours} reply at two")
    await stage.workspace.delete(stage.ben, stage.channel, said["ts"])

    await stage.events("message")

    works = {work.kind for work in await stage.accepted()}
    assert {"add_message", "edit_message", "delete_message", "tell"} == works


async def test_a_reply_behind_our_name_that_was_refused_is_not_sent_by_its_edit(stage, root):
    ours = stage.workspace.bot_user_id
    said = await stage.workspace.post(stage.sid, stage.channel, f"@{ours} reply psst", thread_ts=root["ts"])
    await stage.workspace.edit(stage.sid, stage.channel, said["ts"], f"@{ours} reply psst!")

    await stage.events("app_mention")
    await stage.events("message")

    assert ["edit_message", "tell"] == sorted(work.kind for work in await stage.accepted())  # in two lanes


async def test_a_wish_in_the_thread_is_done_once_and_is_not_part_of_the_conversation(stage, root):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} note it is the fuse")

    for _ in range(2):
        await stage.events("app_mention")
        await stage.events("message")

    (work,) = [work for work in await stage.accepted() if work.kind != "tell"]
    assert ("it is the fuse", Visibility.INTERNAL) == (work.text, work.visibility)


async def test_view_in_the_thread_tells_what_is_known_while_the_desk_is_down(stage, root):
    stage.desk.down = True
    await reply(stage, root, f"@{stage.workspace.bot_user_id} view")

    await stage.events("app_mention")

    (told,) = await stage.accepted()
    assert told.text.startswith("Ticket 1042 at Local desk: Fire\nLocal desk did not answer")


async def test_our_name_in_a_sentence_is_conversation(stage, root):
    await reply(stage, root, f"ask @{stage.workspace.bot_user_id} to close it")

    await stage.events("app_mention")
    await stage.events("message")

    assert ["add_message"] == [work.kind for work in await stage.accepted()]


async def test_a_mention_in_a_thread_without_a_ticket_says_what_to_do(stage):
    await stage.workspace.post(stage.ada, stage.channel, f"@{stage.workspace.bot_user_id} close")

    await stage.events("app_mention")

    (told,) = await stage.accepted()
    assert told.text.startswith("That thread has no ticket. To make one, choose Create ticket")


async def test_close_in_the_thread_reaches_the_lane(stage, root):
    await reply(stage, root, f"@{stage.workspace.bot_user_id} close")

    await stage.events("app_mention")

    assert [Act.CLOSE] == [work.act for work in await stage.accepted() if work.kind == "change_ticket"]


async def test_the_home_says_what_can_be_done_and_opens_the_form(stage):
    await stage.workspace.open_home(stage.ada)
    await stage.events("app_home_opened")

    home = stage.workspace.home_of(stage.ada)
    assert home
    await stage.workspace.press(stage.ada, view_id=home["id"], block_id="home", action_id=Action.FORM)
    assert "New ticket" == stage.view(stage.ada)["title"]["text"]
