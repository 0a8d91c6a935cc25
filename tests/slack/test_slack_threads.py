"""Reading Slack: whole threads, who wrote what, files, and links to messages."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.model import Visibility
from bot.conversion.ports import SlackRefused, SlackTrouble
from bot.conversion.records import ThreadKey
from bot.conversion.text.plain import to_plain
from bot.slack.files import Files
from bot.slack.people import People
from bot.slack.threads import SlackThreads


@pytest.fixture
def threads(office):
    return SlackThreads(office.web, People(office.web), Files(office.web))


def key(office, root):
    return ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])


async def test_a_thread_is_read_in_order_with_who_and_when_and_a_link(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "The printer is on fire")
    reply = await office.workspace.post(office.ben, office.channel, "Which one?", thread_ts=root["ts"])

    first, second = await threads.read(key(office, root))

    assert ("Ada Lovelace", "ada@example.com", True) == (
        first.author.name,
        first.author.email,
        first.author.own_workspace,
    )
    assert "The printer is on fire" == to_plain(first.document).strip()
    assert "Ben Okri" == second.author.name
    assert datetime.fromtimestamp(float(reply["ts"]), UTC) == second.at
    assert await threads.permalink(office.channel, reply["ts"]) == second.permalink
    assert await threads.permalink(office.channel, root["ts"]) == first.permalink


async def test_a_thread_is_read_to_its_last_page_with_the_first_message_once(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "0")
    for number in range(1, 451):
        await office.workspace.post(office.ben, office.channel, str(number), thread_ts=root["ts"])

    messages = await threads.read(key(office, root))

    assert [str(number) for number in range(451)] == [to_plain(message.document).strip() for message in messages]
    assert 3 == office.server.calls["conversations.replies"]
    assert 2 == office.server.calls["users.info"]


async def test_our_own_messages_and_slacks_notices_are_left_out(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    gone = await office.workspace.post(office.ben, office.channel, "oops", thread_ts=root["ts"])
    await office.web.call("chat.postMessage", channel=office.channel, thread_ts=root["ts"], text="our card")
    await office.workspace.post(office.ben, office.channel, "/me waves", thread_ts=root["ts"])
    await office.workspace.post(office.ben, office.channel, "for all", thread_ts=root["ts"], broadcast=True)
    await office.workspace.delete(office.ben, office.channel, gone["ts"])

    said = [to_plain(message.document).strip() for message in await threads.read(key(office, root))]

    assert ["hello", "waves", "for all"] == said


async def test_a_deleted_first_message_does_not_hide_the_rest(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    await office.workspace.post(office.ben, office.channel, "still here", thread_ts=root["ts"])
    await office.workspace.delete(office.ada, office.channel, root["ts"])

    assert ["still here"] == [to_plain(one.document).strip() for one in await threads.read(key(office, root))]


async def test_mentions_become_names_with_one_call_for_each(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "@ben see #help")
    await office.workspace.post(office.ben, office.channel, "@ada and @ben", thread_ts=root["ts"])

    first, second = await threads.read(key(office, root))

    assert ["@ben see #help", "@ada and @ben"] == [to_plain(one.document).strip() for one in (first, second)]
    assert 2 == office.server.calls["users.info"]
    assert 1 == office.server.calls["conversations.info"]


async def test_guests_and_visitors_are_told_apart_and_a_visitor_has_no_address(office, threads):
    gil, sid = await threads.author(office.gil), await threads.author(office.sid)

    assert (True, True, None) == (gil.guest, gil.own_workspace, gil.email)
    assert (False, None) == (sid.own_workspace, sid.email)


async def test_someone_whom_slack_does_not_know_is_a_stranger_named_by_the_id(threads):
    author = await threads.author("U0NOBODY")

    assert ("U0NOBODY", False, None) == (author.name, author.own_workspace, author.email)


async def test_a_bots_message_has_the_name_that_it_shows(office, threads):
    message = {"ts": "1.1", "subtype": "bot_message", "bot_id": "B9", "username": "Nagios", "text": "disk full"}
    profiled = {"ts": "1.1", "user": "U9", "bot_id": "B9", "bot_profile": {"name": "Jira"}, "text": "x"}

    shown = await threads.understand(message, office.channel)

    assert ("B9", "Nagios", True) == (shown.author.id, shown.author.name, shown.author.bot)
    assert "Jira" == (await threads.understand(profiled, office.channel)).author.name
    assert "B9" == (await threads.understand({"ts": "1.1", "bot_id": "B9"}, office.channel)).author.name


async def test_a_reading_that_slack_interrupts_goes_on_where_it_stopped(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "0")
    for number in range(1, 40):
        await office.workspace.post(office.ben, office.channel, str(number), thread_ts=root["ts"])
    office.server.api.page_cap = 15
    await office.web.identity()
    replies = office.web.call
    refusals = [1, 2]

    async def limited(method, **args):
        if method == "conversations.replies" and args["cursor"] and refusals:
            refusals.pop()
            raise SlackTrouble("ratelimited", retry_after=timedelta(seconds=60))
        return await replies(method, **args)

    office.web.call = limited
    for _ in range(2):
        with pytest.raises(SlackTrouble) as caught:
            await threads.read(key(office, root))
        assert timedelta(seconds=60) == caught.value.retry_after
    office.web.call = replies

    assert 40 == len(await threads.read(key(office, root)))
    assert 3 == office.server.calls["conversations.replies"]


async def test_trouble_with_a_name_does_not_make_us_read_the_thread_anew(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    office.server.limit_rate("users.info", retry_after=1)

    with pytest.raises(SlackTrouble):
        await threads.read(key(office, root))
    late = await office.workspace.post(office.ada, office.channel, "meanwhile", thread_ts=root["ts"])
    office.web._pace._used_until.clear()

    assert late["ts"] == (await threads.read(key(office, root)))[-1].ts


async def test_a_channel_that_we_are_not_in_says_how_to_invite_us(office, threads):
    channel = office.workspace.add_channel("elsewhere", [office.ada], bot=False).id
    root = await office.workspace.post(office.ada, channel, "hello")

    with pytest.raises(SlackRefused, match="/invite @Threadline"):
        await threads.read(ThreadKey(team=office.team, channel=channel, ts=root["ts"]))


async def test_the_bytes_of_a_shared_file_are_fetched(office, threads, tmp_path):
    root = await office.workspace.post(
        office.ada, office.channel, "see", files=[("log.txt", b"line\n" * 999, "text/plain")]
    )
    (message,) = await threads.read(key(office, root))
    (file,) = message.files

    brought = await threads.fetch(file, tmp_path, limit=None)
    by_id = await threads.fetch(await threads.file(file.id), tmp_path, limit=None)

    assert b"line\n" * 999 == brought.path.read_bytes() == by_id.path.read_bytes()
    assert ("log.txt", "text/plain", "") == (brought.name, brought.media_type, file.trouble)


async def test_without_files_read_the_words_name_the_scope(office, threads, tmp_path):
    root = await office.workspace.post(office.ada, office.channel, "see", files=[("a.txt", b"abc", "text/plain")])
    (message,) = await threads.read(key(office, root))
    office.server.scopes.discard("files:read")

    with pytest.raises(SlackRefused, match="files:read"):
        await threads.fetch(message.files[0], tmp_path, limit=None)
    with pytest.raises(SlackRefused, match="files:read"):
        await threads.file(message.files[0].id)


async def test_a_file_of_which_slack_gives_only_the_id_is_asked_for(office, threads):
    posted = await office.workspace.post(office.ada, office.channel, "see", files=[("a.txt", b"abc", "text/plain")])
    stub = {"id": posted["files"][0]["id"], "mode": "file_access", "file_access": "check_file_info"}

    known = await threads.understand({"ts": "1.1", "user": office.ada, "files": [stub]}, office.channel)
    unknown = await threads.understand(
        {"ts": "1.1", "user": office.ada, "files": [stub | {"id": "F9"}]}, office.channel
    )

    assert ("a.txt", "") == (known.files[0].name, known.files[0].trouble)
    assert "not in Slack" in unknown.files[0].trouble


async def test_the_files_of_a_forwarded_message_are_those_of_the_message_that_forwards_it(office, threads):
    own, forwarded, previewed = [
        {"id": f"F{number}", "name": f"{number}.log", "url_private": "https://files.slack.com/files-pri/x"}
        for number in range(3)
    ]
    attachments = [
        {"is_share": True, "text": "the logs", "files": [forwarded, own]},
        {"from_url": "https://a.example", "files": [previewed]},
    ]

    message = await threads.understand(
        {"ts": "1.1", "user": office.ada, "text": "see", "files": [own], "attachments": attachments}, office.channel
    )

    assert ["0.log", "1.log"] == [file.name for file in message.files]


async def test_an_edited_message_tells_when(office, threads):
    root = await office.workspace.post(office.ada, office.channel, "helo")
    await office.workspace.edit(office.ada, office.channel, root["ts"], "hello")

    (message,) = await threads.read(key(office, root))

    assert ("hello", True) == (to_plain(message.document).strip(), bool(message.edited))


async def test_names_survive_a_server_that_knows_only_half_of_slack(office, threads):
    for method in ("users.info", "conversations.info", "usergroups.list", "files.info"):
        office.server.fail(method, "unknown_method", times=5)
    text = f"<@{office.ben}> <#{office.channel}> <!subteam^S0GROUP|@crew>"

    message = await threads.understand({"ts": "1.1", "user": office.ada, "text": text}, office.channel)

    assert (office.ada, True) == (message.author.name, message.author.own_workspace)
    assert office.ben in to_plain(message.document)
    assert "@crew" in to_plain(message.document)


async def test_what_only_asks_us_for_something_is_told_from_the_conversation(office, threads):
    us = office.workspace.bot_user_id
    root = await office.workspace.post(office.ada, office.channel, "hello")
    said = ("<@{us}> note between us", "<@{us}> it still burns", "ask <@{us}> to close it", "<@{us}> new error E42")
    for text in (one.format(us=us) for one in said):
        office.workspace.messages.change(
            office.channel,
            (await office.workspace.post(office.ben, office.channel, "-", thread_ts=root["ts"]))["ts"],
            {"text": text},
        )

    assert [False, True, False, False, False] == [message.wish for message in await threads.read(key(office, root))]


async def test_what_a_verb_sends_to_a_ticket_that_is_there_is_kept_as_slack_has_it(office, threads):
    us = office.workspace.bot_user_id
    root = await office.workspace.post(office.ada, office.channel, "hello")
    for text in ("note between us", "reply to all", "new printer", "close", "it still burns"):
        await office.workspace.post(office.ben, office.channel, f"@{us} {text}", thread_ts=root["ts"])

    sent = [message.sends and message.sends["text"] for message in await threads.read(key(office, root))]

    assert [None, f"<@{us}> note between us", f"<@{us}> reply to all", None, None, None] == sent


@pytest.mark.parametrize("blocks", [True, False])
async def test_what_stands_behind_our_name_and_a_verb_for_the_ticket_is_read_without_them(office, threads, blocks):
    us, ben = office.workspace.bot_user_id, office.ben
    root = await office.workspace.post(office.ada, office.channel, "hello")
    text = f"@{us} note R&D <door> see https://x.example/a?b=1&c=2 @{ben} \u201cx\u201d"
    said = await office.workspace.post(ben, office.channel, text, thread_ts=root["ts"])
    if not blocks:
        office.workspace.messages.change(office.channel, said["ts"], {"blocks": []})

    _, read = await threads.read(key(office, root))

    assert "R&D <door> see https://x.example/a?b=1&c=2 @ben \u201cx\u201d" == to_plain(read.document).strip()
    assert (True, True, Visibility.INTERNAL) == (read.wish, read.carries, read.visibility)


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize(
    "verb", ["note:", "Note,", "*note*", "*note:*", "note\uff1a", "note :", "note:\n", ":lock:", "\N{LOCK}", "\nnote"]
)
async def test_what_stands_behind_our_name_is_for_agents_however_the_verb_is_marked(office, threads, verb, blocks):
    us = office.workspace.bot_user_id
    root = await office.workspace.post(office.ada, office.channel, "hello")
    said = await office.workspace.post(office.ben, office.channel, f"@{us} {verb} they owe us", thread_ts=root["ts"])
    if not blocks:
        office.workspace.messages.change(office.channel, said["ts"], {"blocks": []})

    _, read = await threads.read(key(office, root))

    assert ("they owe us", Visibility.INTERNAL) == (to_plain(read.document), read.visibility)


@pytest.mark.parametrize("blocks", [True, False])
async def test_what_stands_behind_our_name_is_for_agents_whatever_nobody_sees_before_it(office, threads, blocks):
    us = office.workspace.bot_user_id
    root = await office.workspace.post(office.ada, office.channel, "hello")
    text = f"\u2060 @{us} note: they owe us"
    said = await office.workspace.post(office.ben, office.channel, text, thread_ts=root["ts"])
    if not blocks:
        office.workspace.messages.change(office.channel, said["ts"], {"blocks": []})

    _, read = await threads.read(key(office, root))

    assert ("they owe us", Visibility.INTERNAL) == (to_plain(read.document), read.visibility)


@pytest.mark.parametrize("text", ["notes they owe us", "not: they owe us", "nota they owe us", "note.they owe us"])
async def test_what_was_perhaps_to_be_a_note_is_no_part_of_the_conversation(office, threads, text):
    us = office.workspace.bot_user_id
    root = await office.workspace.post(office.ada, office.channel, "hello")
    await office.workspace.post(office.ben, office.channel, f"@{us} {text}", thread_ts=root["ts"])

    _, read = await threads.read(key(office, root))

    assert (True, False) == (read.wish, read.carries)


async def test_who_reads_a_channel_is_told_with_its_guests_and_other_companies(office, threads):
    room = office.workspace.add_channel("agents", [office.ada, office.ben])
    guest = office.workspace.add_person("gus", "Gus Berger", guest=True).id
    mixed = office.workspace.add_channel("mixed", [office.ada, guest])
    outside = next(person.id for person in office.workspace.people.values() if person.stranger)
    shared = office.workspace.add_channel("shared", [office.ada, outside])

    ours, with_guest, with_others = [await threads.audience(one.id) for one in (room, mixed, shared)]

    assert (False, ("Gus Berger",), True) == (ours.outsiders, with_guest.guests, with_others.shared)
    assert (False, True, True) == (with_guest.shared, with_guest.outsiders, with_others.outsiders)


async def test_who_reads_a_channel_is_asked_for_every_five_minutes(office):
    now = [0.0]
    threads = SlackThreads(office.web, People(office.web), Files(office.web), clock=lambda: now[0])
    room = office.workspace.add_channel("agents", [office.ada])
    guest = office.workspace.add_person("gus", "Gus Berger", guest=True)
    await threads.audience(room.id)
    await office.workspace.join(guest.id, room.id)

    soon = await threads.audience(room.id)
    now[0] = 301.0
    later = await threads.audience(room.id)

    assert (False, True) == (soon.outsiders, later.outsiders)
