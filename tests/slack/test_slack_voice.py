"""Speaking in Slack: cards, receipts, and words to one person, against the pretend workspace."""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from adapters.contract import TicketAdapter
from bot.conversion.ports import Card, FromDesk, SlackOutcomeUnknown, SlackRefused, SlackTrouble
from bot.conversion.records import Link, Receipt, ThreadKey
from bot.conversion.text.plain import from_plain
from bot.conversion.text.read_markdown import from_markdown
from bot.conversion.text.tree import Document, Emoji, Paragraph, Run
from bot.slack.traces import found_cards
from bot.slack.voice import Receipts, SlackVoice
from bot.slack.web import Web
from tests.slack.doors import serve


def card_view(card):
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": f"Ticket {card.link.number} {card.note}"}}]
    return blocks, f"Ticket {card.link.number}"


def failure_view(text, *, parked="", asks=False):
    return [{"type": "section", "text": {"type": "plain_text", "text": text + parked}}], text


@pytest.fixture
def voice(office):
    return SlackVoice(office.web, card_view=card_view, failure_view=failure_view)


def card(office, root_ts, **more):
    thread = ThreadKey(team=office.team, channel=office.channel, ts=root_ts)
    link = Link(
        thread=thread, desk="local", ticket_id="17", number="T-17", created_at=datetime.now(UTC), **more.pop("link", {})
    )
    return Card(link=link, desk=cast(TicketAdapter[Any], None), **more)


async def test_a_card_is_posted_found_again_by_its_marker_and_changed_in_place(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    ts = await voice.post_card(office.channel, root["ts"], card(office, root["ts"]), "TL-ABC")

    assert ts == await voice.find_post(office.channel, root["ts"], "TL-ABC")
    assert await voice.find_post(office.channel, root["ts"], "TL-OTHER") is None

    await voice.update_card(card(office, root["ts"], note="waiting", link={"card_ts": ts}))
    posted = office.workspace.replies(office.channel, root["ts"])[-1]

    assert "Ticket T-17 waiting" == posted["blocks"][0]["text"]["text"]
    assert ts == await voice.find_post(office.channel, root["ts"], "TL-ABC")


async def test_a_card_tells_whether_its_thread_went_with_another_ticket_when_it_was_posted(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    ts = await voice.post_card(office.channel, root["ts"], card(office, root["ts"]), "TL-ABC")
    began = datetime.fromtimestamp(0, UTC)

    (posted,) = [one async for one in found_cards(office.web, since=began)]
    await voice.update_card(card(office, root["ts"], link={"card_ts": ts, "follows": "T-16"}))
    (changed,) = [one async for one in found_cards(office.web, since=began)]

    assert (False, True) == (posted.follows, changed.follows)


async def test_a_card_that_starts_a_thread_is_found_in_the_channel(office, voice):
    ts = await voice.post_card(office.channel, "", card(office, "0"), "TL-ABC")

    assert ts == await voice.find_post(office.channel, "", "TL-ABC")
    assert await voice.find_post(office.channel, "", "TL-OTHER") is None


async def test_a_lost_answer_is_unknown_and_the_one_post_is_found(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    office.server.lose_answer("chat.postMessage")

    with pytest.raises(SlackOutcomeUnknown):
        await voice.post_card(office.channel, root["ts"], card(office, root["ts"]), "TL-ABC")

    assert await voice.find_post(office.channel, root["ts"], "TL-ABC")
    assert 1 == office.server.calls["chat.postMessage"]
    assert 2 == len(office.workspace.replies(office.channel, root["ts"]))


async def test_metadata_of_other_apps_is_not_taken_for_ours(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    ts = await voice.post_card(office.channel, root["ts"], card(office, root["ts"]), "TL-ABC")
    forged = office.workspace.state.messages[office.channel][ts]
    forged["bot_id"], forged["user"] = "B0OTHER", "U0OTHER"

    assert await voice.find_post(office.channel, root["ts"], "TL-ABC") is None


@pytest.mark.parametrize(("seconds", "there"), [(0.0, 1), (60.0, 2)])
async def test_a_post_of_a_process_that_stood_still_is_taken_back_where_another_made_it_before(
    office, voice, monkeypatch, seconds, there
):
    """Only a post that took long is looked for: another process has the work after the lease ended, not before."""
    root = await office.workspace.post(office.ada, office.channel, "hello")
    thread = ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])
    (answer,) = voice.posts(FromDesk(document=from_plain("try this")))
    first = await voice.post(thread, answer, "TL-ABC")
    monkeypatch.setattr("bot.slack.voice.SUSPENDED", seconds)

    second = await voice.post(thread, answer, "TL-ABC")

    posts = office.workspace.replies(office.channel, root["ts"])[1:]
    assert (there, there == 1) == (len(posts), second == first)


async def test_a_post_that_took_long_stays_where_it_is_the_only_one(office, voice, monkeypatch):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    thread = ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])
    (answer,) = voice.posts(FromDesk(document=from_plain("try this")))
    monkeypatch.setattr("bot.slack.voice.SUSPENDED", 0.0)

    ts = await voice.post(thread, answer, "TL-ABC")

    assert [ts] == [one["ts"] for one in office.workspace.replies(office.channel, root["ts"])[1:]]


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"])
async def test_a_post_whose_layout_slack_refuses_goes_without_it_and_with_every_word(office, voice, code):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    thread = ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])
    (answer,) = voice.posts(
        FromDesk(document=from_markdown(f"{'word ' * 900}**end** <!here> [a](https://a.example)"), author="Alex")
    )
    office.server.fail("chat.postMessage", code)

    ts = await voice.post(thread, answer, "TL-ABC")

    (post,) = office.workspace.replies(office.channel, root["ts"])[1:]
    shown = "\n".join(block["text"]["text"] for block in post["blocks"])
    assert ["Alex", *["word"] * 900, "end", "<!here>", "a", "(https://a.example)"] == shown.split()
    assert ts == await voice.find_post(thread.channel, thread.ts, "TL-ABC")


async def gone_thread(office):
    """A thread that was there and is not any more; what is meant for it comes to stand in the channel."""
    root = await office.workspace.post(office.ada, office.channel, "hello")
    await office.workspace.delete(office.ada, office.channel, root["ts"])
    return ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])


@pytest.mark.parametrize("deletes", [True, False])
async def test_a_card_whose_thread_is_gone_is_taken_back(office, voice, deletes):
    thread = await gone_thread(office)
    if not deletes:
        office.server.fail("chat.delete", "internal_error")

    with pytest.raises(SlackRefused, match="not in Slack any more"):
        await voice.post_card(thread.channel, thread.ts, card(office, thread.ts), "TL-ABC")

    assert ([] if deletes else ["Ticket T-17"]) == texts(office)


async def test_an_answer_whose_thread_is_gone_is_taken_back(office, voice):
    thread = await gone_thread(office)
    (post,) = voice.posts(FromDesk(document=from_plain("Restarted.")))

    with pytest.raises(SlackRefused, match="not in Slack any more"):
        await voice.post(thread, post, "TL-ABC")

    assert [] == texts(office)


@pytest.mark.parametrize("answer", ["told", "lost"])
async def test_a_file_whose_thread_is_gone_is_taken_back_with_its_bytes(office, voice, answer):
    """Its thread vanishes behind the text; also where the answer that it was taken is lost."""
    thread = await gone_thread(office)
    if answer == "lost":
        office.server.lose_answer("files.completeUploadExternal")

    with pytest.raises(SlackRefused, match="not in Slack any more"):
        await voice.upload(thread, "guide.pdf", b"%PDF")

    assert ([], {}) == (texts(office), office.workspace.state.files)
    assert 1 == office.server.calls["files.completeUploadExternal"]


async def test_a_file_is_seen_in_its_thread_and_costs_one_look(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")

    await voice.upload(ThreadKey(team=office.team, channel=office.channel, ts=root["ts"]), "guide.pdf", b"%PDF")

    (reply,) = office.workspace.replies(office.channel, root["ts"])[1:]
    assert ["guide.pdf"] == [file["name"] for file in reply["files"]]
    assert 1 == office.server.calls["files.info"]


async def test_a_file_whose_answer_is_lost_is_found_in_its_thread_at_once(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    office.server.lose_answer("files.completeUploadExternal")

    await voice.upload(ThreadKey(team=office.team, channel=office.channel, ts=root["ts"]), "guide.pdf", b"%PDF")

    assert 1 == len(office.workspace.replies(office.channel, root["ts"])[1:])


@pytest.mark.parametrize("answer", ["told", "lost"])
async def test_where_a_file_came_to_stand_may_stay_unknown(office, voice, answer, monkeypatch):
    """Slack said that it took it: then it is done. Where it did not say so, it is in doubt."""
    monkeypatch.setattr("bot.slack.replies._LOOKS", (0, 0))
    root = await office.workspace.post(office.ada, office.channel, "hello")
    office.server.fail("files.info", "internal_error", times=2)
    if answer == "lost":
        office.server.lose_answer("files.completeUploadExternal")

    with pytest.raises(SlackOutcomeUnknown) if answer == "lost" else nullcontext():
        await voice.upload(ThreadKey(team=office.team, channel=office.channel, ts=root["ts"]), "guide.pdf", b"%PDF")


def texts(office):
    """What stands in the channel itself."""
    return [message["text"] for message in office.workspace.state.top_level(office.channel)]


def reactions(office, ts):
    message = office.workspace.state.messages[office.channel][ts]
    return [reaction["name"] for reaction in message.get("reactions", [])]


def receipt(office, ts, state, *, again=False):
    return Receipt(channel=office.channel, ts=ts, state=state, again=again)


async def test_a_receipt_takes_the_place_of_the_one_before(office, voice):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    seen = []
    for state in ("waiting", "failed", "failed", "waiting", "delivered"):
        await voice.receipt(receipt(office, ts, state))
        seen.append(reactions(office, ts))

    assert [
        ["hourglass_flowing_sand"],
        ["warning"],
        ["warning"],
        ["hourglass_flowing_sand"],
        ["white_check_mark"],
    ] == seen


async def test_after_a_restart_a_receipt_still_takes_the_place_of_the_one_before(office, voice):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    await voice.receipt(receipt(office, ts, "failed"))
    again = SlackVoice(office.web, card_view=card_view, failure_view=failure_view)
    await again.receipt(receipt(office, ts, "delivered", again=True))

    assert ["white_check_mark"] == reactions(office, ts)


async def test_the_first_receipt_of_a_message_costs_one_call(office, voice):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    before = dict(office.server.calls)
    await voice.receipt(receipt(office, ts, "delivered"))
    made = {name: times - before.get(name, 0) for name, times in office.server.calls.items()}

    assert {"reactions.add": 1} == {name: times for name, times in made.items() if times}


async def test_a_receipt_may_be_shown_twice_and_on_a_message_that_is_gone(office, voice):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    await voice.receipt(receipt(office, ts, "delivered"))
    await SlackVoice(office.web, card_view=card_view, failure_view=failure_view).receipt(
        receipt(office, ts, "delivered")
    )
    await office.workspace.delete(office.ada, office.channel, ts)
    await voice.receipt(receipt(office, ts, "failed"))

    assert ts not in office.workspace.state.messages[office.channel]


async def test_an_emoji_that_the_workspace_lacks_names_the_setting(office):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    office.server.fail("reactions.add", "invalid_name")
    voice = SlackVoice(
        office.web, card_view=card_view, failure_view=failure_view, receipts=Receipts(waiting="no_such", failed="")
    )

    with pytest.raises(SlackRefused, match="settings"):
        await voice.receipt(receipt(office, ts, "waiting"))
    await voice.receipt(receipt(office, ts, "failed"))

    assert [] == reactions(office, ts)


async def test_a_receipt_that_was_interrupted_is_finished_the_next_time(office, voice):
    ts = (await office.workspace.post(office.ada, office.channel, "hello"))["ts"]
    await voice.receipt(receipt(office, ts, "waiting"))
    office.server.fail("reactions.remove", "internal_error")
    with pytest.raises(SlackTrouble):
        await voice.receipt(receipt(office, ts, "delivered"))
    await voice.receipt(receipt(office, ts, "delivered"))

    assert ["white_check_mark"] == reactions(office, ts)


async def test_words_to_one_person_are_seen_by_that_person_in_the_thread(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "hello")
    await voice.tell(office.ada, office.channel, root["ts"], "It did not reach the ticket.", parked="lane|op")

    (whisper,) = office.workspace.ephemerals(office.ada, office.channel)

    assert "It did not reach the ticket.lane|op" == whisper["blocks"][0]["text"]["text"]
    assert root["ts"] == whisper["thread_ts"]
    assert [] == office.workspace.ephemerals(office.ben, office.channel)


async def test_words_to_one_who_is_not_in_the_channel_come_as_a_direct_message(office, voice):
    other = office.workspace.add_channel("quiet", [office.ben]).id
    await voice.tell(office.ada, other, "", "hello there")
    await voice.tell(office.ada, "", "", "and again")
    direct = await voice.direct_channel(office.ada)

    assert ["hello there", "and again"] == [message["text"] for message in office.workspace.history(direct)]
    assert 1 == office.server.calls["conversations.open"]


async def test_what_agents_or_customers_wrote_cannot_unfurl_or_link_names(office):
    from aiohttp import web as server

    forms = []

    async def api(request):
        forms.append(dict(await request.post()))
        return server.json_response({"ok": True, "ts": "5.5", "message": {"ts": "5.5"}, "channel": {"id": "D1"}})

    async with serve({"/api/{method}": api}) as url, Web("xoxb-1", api_url=url + "/api") as web:
        voice = SlackVoice(web, card_view=card_view, failure_view=failure_view)
        await voice.post_card("C1", "", card(office, "1.1"), "TL-ABC")
        await voice.tell("U1", "", "", "hello")

    for form in forms[0], forms[2]:
        assert ("false", "false", "false", "none") == tuple(
            form[name] for name in ("unfurl_links", "unfurl_media", "link_names", "parse")
        )


async def test_a_reminder_stands_in_the_thread_and_the_channel_and_is_rewritten_in_place(office, voice):
    root = await office.workspace.post(office.ada, office.channel, "card")
    thread = ThreadKey(team=office.team, channel=office.channel, ts=root["ts"])
    said, other = [voice.posts(FromDesk(document=from_plain(words)))[0] for words in ("It waits", "It was answered")]

    ts = await voice.post(thread, said, "TL-R", broadcast=True)
    shown = office.workspace.history(office.channel)[-1]
    await voice.rewrite(office.channel, ts, other)

    assert ("thread_broadcast", "It waits") == (shown["subtype"], shown["text"])
    assert "It was answered" == office.workspace.history(office.channel)[-1]["text"]
    assert ts == await voice.find_post(office.channel, root["ts"], "TL-R")


@pytest.mark.parametrize(
    ("document", "shown"),
    [
        (from_plain("Try again\n\nor call"), "Alex Agent\nTry again\n\nor call"),
        (from_markdown("[Done](https://a.example) <a@b.example>"), "Alex Agent\nDone (https://a.example) a@b.example"),
        (Document((Paragraph((Run("Done "), Emoji("tada"))),)), "Alex Agent\nDone :tada:"),
        (from_markdown("> why?"), "Alex Agent\nwhy?"),
        (Document(), "Alex Agent"),
    ],
)
async def test_an_agents_name_stands_right_above_their_words(voice, document, shown):
    ((_blocks, text),) = voice.posts(FromDesk(document=document, author="Alex Agent"))

    assert shown == text


async def test_the_name_of_an_agent_is_one_line_that_slack_can_be_sent(voice):
    ((_blocks, text),) = voice.posts(FromDesk(document=from_plain("Done"), author="Alex\n\ud800\x00\u202e"))

    assert "Alex \ufffd\nDone" == text
