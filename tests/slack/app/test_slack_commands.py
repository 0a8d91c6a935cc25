"""/ticket: what each verb does and says, at once or a moment later."""

import pytest

from adapters.model import Act, Body, MessageDraft, Person, TicketDraft, Visibility
from bot.conversion.ports import StoreAway
from bot.slack import commands
from bot.slack.ids import Block
from bot.slack.routing import FAILED, STORE_AWAY
from bot.slack.wishes import Verb, Wish, carrying, mentioned, only_asks, reference, understood, wish_of


async def opened(stage, subject="The printer burns", name="local"):
    desk = stage.desks.get(name)
    first = MessageDraft(body=Body(plain="Help"), author=Person(name="Ada"), marker=f"TL-{subject}")
    return (await desk.open_ticket(TicketDraft(subject=subject, first=first, requester=Person(name="Ada")))).ticket


def copies(blocks):
    """What an answer gives to be copied."""
    shown = [part for block in blocks if block["type"] == "rich_text" for part in block["elements"]]
    return [
        "".join(piece["text"] for piece in part["elements"])
        for part in shown
        if part["type"] == "rich_text_preformatted"
    ]


@pytest.mark.parametrize(
    ("typed", "wish"),
    [
        ("", Wish(verb=Verb.NEW)),
        ("printer is on fire", Wish(verb=Verb.NEW, text="printer is on fire", whole="printer is on fire")),
        ("new printer", Wish(verb=Verb.NEW, text="printer", whole="new printer")),
        ("API payload too large", Wish(verb=Verb.NEW, text="API payload too large", whole="API payload too large")),
        ("news site is down", Wish(verb=Verb.NEW, text="news site is down", whole="news site is down")),
        ("not working", Wish(verb=Verb.NEW, text="not working", whole="not working")),
        ("view 12", Wish(verb=Verb.VIEW, word="12", whole="view 12")),
        ("VIEW #12", Wish(verb=Verb.VIEW, word="#12", whole="VIEW #12")),
        (
            "note 12 \u201csee\u201d Ada\u2019s",
            Wish(verb=Verb.NOTE, word="12", text='"see" Ada\'s', whole='note 12 "see" Ada\'s'),
        ),
        ("veiw 12", Wish(verb=Verb.HELP, meant=Verb.VIEW, text="12", whole="veiw 12")),
        ("clsoe", Wish(verb=Verb.HELP, meant=Verb.CLOSE, whole="clsoe")),
        ("help", Wish(verb=Verb.HELP, whole="help")),
        ("help me", Wish(verb=Verb.NEW, text="help me", whole="help me")),
    ],
)
def test_what_was_typed_is_a_verb_or_the_text_of_a_new_ticket_or_a_slip(typed, wish):
    assert wish == understood(typed)


@pytest.mark.parametrize(
    "word", ["note:", "Note,", "*note*", "*note:*", "note\uff1a", "note-", "note :", ":lock:", "\N{LOCK}"]
)
def test_a_mark_or_emphasis_at_a_verb_changes_nothing(word):
    assert (Verb.NOTE, "12", "it leaks") == tuple_of(understood(f"{word} 12 it leaks"))
    assert (Verb.NOTE, "", "it leaks") == tuple_of(mentioned(f"{word} it leaks"))


@pytest.mark.parametrize("mark", ":,;.!\uff1a")
@pytest.mark.parametrize(
    "number", ["5", "#5", "L-1", "1.2", "whmcs:1042", "<https://x.slack.com/archives/C1/p1700000000000100>"]
)
def test_a_mark_behind_a_number_is_no_part_of_it(number, mark):
    assert (Verb.NOTE, number, "it leaks") == tuple_of(understood(f"note {number}{mark} it leaks"))
    assert (Verb.NOTE, number, "it leaks") == tuple_of(understood(f"Note: {number}{mark} it leaks"))
    assert (Verb.CLOSE, number, "") == tuple_of(understood(f"close {number}{mark}"))
    assert (Verb.LINK, number, "") == tuple_of(mentioned(f"link {number}{mark}"))
    assert Verb.VIEW is understood(f"veiw {number}{mark}").meant


def tuple_of(wish):
    return wish.verb, wish.word, wish.text


MARKED = ["{}:", "{} :", "*{}*", "*{}:*", "{},", "{}\uff1a", "{}-"]
"""What people put at a word, such as a verb."""


@pytest.mark.parametrize("word", [":lock:", "\N{LOCK}", ":link:", ":new:", *(m.format("Note") for m in MARKED)])
def test_what_begins_like_a_verb_with_a_mark_and_names_no_ticket_is_the_text_of_a_new_one(word):
    text = f"{word} the printer leaks on floor 2"

    assert Wish(verb=Verb.NEW, text=text, whole=text) == understood(text)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.NEW])
def test_no_verb_with_a_colon_is_taken_from_the_text_of_a_new_ticket(verb):
    text = f"{verb.title()}: broken on site"

    assert Wish(verb=Verb.NEW, text=text, whole=text) == understood(text)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.NEW])
def test_a_verb_with_a_colon_alone_is_that_verb(verb):
    assert verb is understood(f"{verb}:").verb


ALONE = ["{}", "{}:", "{}.", "{}!", "*{}*", "*{}!*", "*{}*.", "{}:*", "`{}`", " {}\n"]
"""How people write a verb that has nothing behind it."""


@pytest.mark.parametrize("how", ALONE)
@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.NEW])
def test_a_verb_alone_is_that_verb_whatever_mark_stands_at_it(verb, how):
    typed = how.format(verb.title())

    assert (verb, verb, None) == (understood(typed).verb, mentioned(typed).verb, mentioned(typed).meant)
    assert only_asks(f"<@U1> {typed}", "U1")


def test_what_is_asked_is_not_done_and_a_call_for_help_is_no_part_of_the_conversation():
    asked = ("close?", "help?", "hepl")

    assert [Verb.CLOSE, Verb.HELP, Verb.HELP] == [mentioned(text).meant for text in asked]
    assert [False, True, True] == [only_asks(f"<@U1> {text}", "U1") for text in asked]


@pytest.mark.parametrize(
    "text", ["Close! It burns", "Help. It burns", "help me", "Link? It is dead", "Reply-to is broken"]
)
def test_a_sentence_of_one_word_before_another_is_part_of_the_conversation(text):
    assert not only_asks(f"<@U1> {text}", "U1")


@pytest.mark.parametrize("text", [":link: is dead", ":new: feature is broken", ":close: it"])
def test_an_emoji_with_the_name_of_a_verb_is_no_verb(text):
    assert (Verb.HELP, None) == (mentioned(text).verb, mentioned(text).meant)
    assert not only_asks(f"<@U1> {text}", "U1")


@pytest.mark.parametrize(
    "text",
    [
        *(f"{word} they owe us" for word in ("notes", "not:", "*not:*", "nota", "nte", "ntoe", "no-te", "n\u00f6te")),
        *(f"note{mark}they owe us" for mark in ".;!?/|>=)'\"\u2026\u2013\u2014-_5"),
        *(f"note{mark} they owe us" for mark in (".;", "!", "\ufe55", "\ua789", "\u200b")),
        *(f"{mark}note: they owe us" for mark in ("- ", "> ", "\u2022 ", "(", '"', "\u201c", "\ufeff", "#", "/", ":")),
        "Notes.they owe us",
    ],
)
def test_behind_our_name_what_looks_like_a_note_is_kept_from_the_ticket(text):
    assert only_asks(f"<@U1> {text}", "U1")


BEFORE = ("*", "_", "&gt; ", "\u2022 ", "- ", "Hi ", "Hi,\n", "<@U1> ", "<@U1> see ", "<@U1> new see ")


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("text", ["note: they owe us", "note they owe us", "*note*", ":lock: they owe us", "nte: they"])
def test_what_looks_like_a_note_behind_our_name_is_kept_from_the_ticket_whatever_stands_before(before, text):
    assert Wish(verb=Verb.HELP, meant=Verb.NOTE) == wish_of(f"{before}<@U1> {text}", "U1")
    assert only_asks(f"{before}<@U1|threadline> {text}", "U1")


@pytest.mark.parametrize("text", ["close", "reply: they owe us", "not sure", "noted", "help", "", "<@U2> note: x"])
def test_behind_our_name_in_the_middle_of_a_message_nothing_else_is_a_wish(text):
    assert [None, None] == [wish_of(f"{before}<@U1> {text}", "U1") for before in ("&gt; ", "Hi ")]


def test_what_a_reply_says_of_notes_is_part_of_it():
    assert Verb.REPLY is carrying("<@U1> reply to all: <@U1> note: is for agents", "U1")


@pytest.mark.parametrize("before", ["\xad", "\u200b", "\u2060", "\ufeff", " \u200b\n"])
def test_what_nobody_sees_before_our_name_changes_nothing(before):
    text = f"{before}<@U1> note: they owe us"

    assert Wish(verb=Verb.NOTE, text="they owe us", whole="note: they owe us") == wish_of(text, "U1")
    assert Verb.NOTE is carrying(text, "U1")


@pytest.mark.parametrize("after", ["", " sure", ", it burns", ". It burns", "! It burns", "; it burns", "-5", "'s"])
@pytest.mark.parametrize("word", ["not", "Nope", "none", "NOTED", "node", "notice", "vote", "notebook", "nobody"])
def test_behind_our_name_an_ordinary_word_that_looks_like_note_begins_a_sentence(word, after):
    assert not only_asks(f"<@U1> {word}{after}", "U1")


def test_behind_our_name_a_note_needs_no_number_and_a_link_does():
    assert Wish(verb=Verb.NOTE, text="it is the fuse", whole="note it is the fuse") == mentioned("note it is the fuse")
    assert Wish(verb=Verb.LINK, word="12", whole="link 12") == mentioned("link 12")
    assert Wish(verb=Verb.HELP, text="with this", whole="please with this") == mentioned("please with this")


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("1042", ("1042", "", "", "")),
        ("#ABC-123456", ("ABC-123456", "", "", "")),
        ("whmcs:1042", ("1042", "whmcs", "", "")),
        ("https://x.slack.com/archives/C1/p1700000000000100", ("", "", "C1", "1700000000.000100")),
        (
            "<https://x.slack.com/archives/C1/p1700000000000100?thread_ts=1699999999.000200&amp;cid=C1>",
            ("", "", "C1", "1699999999.000200"),
        ),
    ],
)
def test_a_ticket_is_named_by_number_desk_and_number_or_a_message_of_its_thread(word, named):
    found = reference(word)

    assert found
    assert named == (found.number, found.desk, found.channel, found.thread_ts)


@pytest.mark.parametrize("word", ["", "printer", "https://example.com/archives/C1/p17", "../12/..", "x" * 70 + "1"])
def test_other_words_name_no_ticket(word):
    assert reference(word) is None


async def test_a_bare_command_opens_the_form_and_answers_nothing(stage):
    answer = await stage.ticket()

    assert (200, None, "") == (answer.status, answer.body, answer.error)
    assert "New ticket" == stage.view(stage.ada)["title"]["text"]


async def test_free_text_is_in_the_form(stage):
    await stage.ticket("printer is on fire & <smoking>")

    blocks = stage.blocks(stage.ada)
    assert "printer is on fire & <smoking>" == blocks[Block.SUBJECT]["element"]["initial_value"]
    assert "printer is on fire & <smoking>" == blocks[Block.DESCRIPTION]["element"]["initial_value"]


async def test_what_a_form_cannot_hold_is_counted_beside_the_field_and_given_back_whole(stage):
    text = "burning " * 437 + "END"

    answer = await stage.ticket(f"new {text}")
    await stage.settled()

    words = "A form holds 3000 characters: the last 499 of your text are not in it. Send them in the ticket's thread."
    field = stage.blocks(stage.ada)[Block.DESCRIPTION]
    assert (text[:3000], words) == (field["element"]["initial_value"], field["hint"]["text"])
    assert answer.body["text"].startswith(words)
    assert [text] == copies(answer.body["blocks"])


async def test_what_a_button_cannot_carry_to_the_form_is_given_back_whole(stage):
    long = f"veiw 12 {'x' * 1992}"

    blocks = [(await stage.ticket(typed)).body["blocks"] for typed in (long, f"{long}END")]

    assert [[], [f"{long}END"]] == [copies(one) for one in blocks]
    assert [long, long] == [one[-1]["elements"][0]["value"] for one in blocks]


async def test_a_slip_gets_help_that_guesses_and_a_way_to_make_a_ticket_anyway(stage):
    answer = await stage.ticket("clsoe")

    assert "ephemeral" == answer.body["response_type"]
    assert answer.body["text"].startswith("There is no such verb. Did you mean /ticket close NUMBER?")
    assert {"form": "clsoe"} == {
        element["action_id"]: element["value"]
        for block in answer.body["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


async def test_view_tells_how_a_ticket_stands_and_links_to_it(stage):
    ticket = await opened(stage)

    words = await stage.told(f"view {ticket.number}")

    assert f"Ticket {ticket.number} at Local desk: The printer burns\nStatus: Open" in words


async def test_view_of_a_number_that_no_desk_has_says_so(stage):
    assert "There is no ticket 99999" in await stage.told("view 99999")


async def test_view_without_a_number_says_how_to_write_it(stage):
    assert (await stage.told("view")).startswith("Which ticket? Write /ticket view NUMBER")


async def test_a_slow_desk_answers_later_where_the_person_looks(stage, monkeypatch):
    monkeypatch.setattr(commands, "AT_ONCE", 0.05)
    ticket = await opened(stage)
    stage.desk.held.clear()

    at_once = await stage.told(f"view {ticket.number}")
    stage.desk.held.set()
    later = await stage.whispered()

    assert commands.COMING == at_once
    assert [True] == [f"Ticket {ticket.number} at Local desk" in text for text in later if text != commands.COMING]


async def test_reply_note_and_close_are_in_the_lane_before_they_are_promised(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(root, number="1042")

    said = [await stage.told(text) for text in ("reply 1042 On it", "note 1042 It is the fuse", "close #1042")]

    assert [
        "Your reply is on its way to ticket 1042 at Local desk.",
        "Your note is on its way to ticket 1042 at Local desk.",
        "Ticket 1042 at Local desk will be closed.",
    ] == said
    reply, note, close = await stage.accepted()
    assert ("On it", Visibility.PUBLIC, stage.ada) == (reply.text, reply.visibility, reply.actor)
    assert ("It is the fuse", Visibility.INTERNAL) == (note.text, note.visibility)
    assert Act.CLOSE == close.act


@pytest.mark.parametrize(
    "typed", ["close 1042 we changed the toner", "close 1042 1043", "unlink 1042 because", "view 1042 x"]
)
async def test_what_stands_behind_a_number_that_ends_its_command_is_not_left_out_in_silence(stage, typed):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(root, number="1042")

    words = await stage.refused(typed)

    assert f"Write /ticket {typed.split()[0]} NUMBER, once for each ticket" in words
    assert [] == await stage.accepted()
    assert await stage.store.links.get(stage.thread(root))


async def test_a_linked_ticket_takes_replies_while_its_desk_is_down(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(root, number="1042")
    stage.desk.down = True

    assert "on its way" in await stage.told("reply 1042 Still burning")
    assert ["Still burning"] == [work.text for work in await stage.accepted()]


async def test_a_ticket_without_a_thread_says_how_to_link_one(stage):
    ticket = await opened(stage)

    words = await stage.told(f"close {ticket.number}")

    assert "no thread is linked to it. Link one first: /ticket link NUMBER MESSAGE-LINK." in words
    assert [] == await stage.accepted()


async def test_link_takes_the_link_of_a_message(stage):
    ticket = await opened(stage)
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    address = (await stage.web.call("chat.getPermalink", channel=stage.channel, message_ts=root["ts"]))["permalink"]

    words = await stage.told(f"link {ticket.number} {address}")

    assert words.startswith(f"The thread will be linked to ticket {ticket.number} at Local desk")
    (work,) = await stage.accepted()
    assert ("local", ticket.number, stage.channel, root["ts"]) == (
        work.desk,
        work.number,
        work.channel,
        work.thread_ts,
    )


async def test_link_without_a_message_says_what_to_do(stage):
    assert (await stage.told("link 12")).startswith("Which thread? Copy the link of one of its messages")


async def test_unlink_parts_the_two(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(root, number="1042")

    words = await stage.told("unlink 1042")

    assert words.startswith("Ticket 1042 and its thread are no longer linked.")
    assert await stage.store.links.get(stage.thread(root)) is None


@pytest.mark.parametrize("verb", ["unlink 1042", "mirror 1042 nothing", "move 1042 local"])
async def test_what_is_about_a_thread_is_not_done_by_the_number_of_a_ticket_that_has_several(stage, verb):
    roots = [await stage.workspace.post(stage.ada, stage.channel, text) for text in ("It burns", "It smells")]
    links = [await stage.link(root, number="1042") for root in roots]

    words = await stage.refused(verb)

    assert words.startswith("Ticket 1042 has several threads. Which one? Write /ticket")
    assert links == [await stage.store.links.get(link.thread) for link in links]


async def test_a_thread_of_several_is_named_by_the_link_of_its_message(stage):
    first, second = [await stage.workspace.post(stage.ada, stage.channel, text) for text in ("It burns", "It smells")]
    links = [await stage.link(root, number="1042") for root in (first, second)]

    await stage.told(f"unlink https://x.slack.com/archives/{stage.channel}/p{second['ts'].replace('.', '')}")

    assert [links[0], None] == [await stage.store.links.get(link.thread) for link in links]


async def test_one_number_at_two_desks_means_the_one_of_this_channel(stage):
    here = await stage.workspace.post(stage.ada, stage.channel, "here")
    there = await stage.link(here, number="7")
    await stage.store.links.put(
        there.model_copy(update={"desk": "gone", "thread": there.thread.model_copy(update={"ts": "1700000000.000001"})})
    )

    await stage.told("reply 7 hello")

    assert ["hello"] == [work.text for work in await stage.accepted()]


async def test_a_store_that_is_away_is_said_and_nothing_is_promised(stage, monkeypatch):
    async def away(number):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.links), "find", lambda self, number: away(number))

    assert STORE_AWAY == await stage.refused("reply 12 hello")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("reply 99999 this took ten\n minutes to <write>", "There is no ticket 99999."),
        ("note that “printer” is broken in room 3", "Which ticket?"),
        ("close the window of room 3", "Which ticket?"),
        ("link 12 room 3", "Which thread?"),
    ],
)
async def test_what_was_typed_behind_a_refused_command_is_given_back_whole_to_be_copied(stage, typed, words):
    answer = await stage.ticket(typed)

    assert answer.body["text"].startswith(words)
    assert [f"/ticket {typed}"] == copies(answer.body["blocks"])


async def test_who_may_not_open_a_ticket_gets_back_what_they_typed(stage):
    await stage.ticket("printer is on fire", user=stage.sid)

    assert ["printer is on fire"] == copies(stage.view(stage.sid)["blocks"])


async def test_what_was_typed_behind_a_command_that_fails_late_is_given_back_later(stage, monkeypatch):
    monkeypatch.setattr(commands, "AT_ONCE", 0.0)
    monkeypatch.setattr(type(stage.desks), "for_channel", lambda self, channel: 1 / 0)

    assert commands.COMING == await stage.told("reply 12 hello")
    (later,) = [text for text in await stage.whispered() if text != commands.COMING]
    assert f"{FAILED}\nYou wrote:\n/ticket reply 12 hello" == later


async def test_slack_being_slow_to_open_a_form_is_said_with_what_was_typed_when_it_gives_up(stage, monkeypatch):
    monkeypatch.setattr(commands, "AT_ONCE", 0.0)
    stage.server.fail("views.open", "expired_trigger_id")

    assert (await stage.told("printer")).startswith("This takes a moment. The form will open")
    assert [True] == [text.endswith("\n/ticket printer") for text in await stage.whispered() if "moment" not in text]
