"""The shortcuts on a message: a thread becomes a ticket, or a message goes to one."""

import asyncio

import pytest

from bot.slack import forms
from bot.slack.ids import Block
from bot.slack.seal import Seal
from tests.slack.app.test_slack_commands import opened

DEPARTMENT = Block.DEPARTMENT.of("local")
CREATE, ADD = "create_ticket", "add_to_ticket"


@pytest.fixture
async def thread(stage):
    """A thread of four messages by two people, with a file."""
    root = await stage.workspace.post(stage.ada, stage.channel, "The *printer* burns\nsince nine")
    said = [root]
    for who, text in ((stage.ben, "Which one?"), (stage.ada, "The red one"), (stage.ben, "Now it is black")):
        files = [("log.txt", b"x" * 2500, "text/plain")] if text == "The red one" else []
        said.append(await stage.workspace.post(who, stage.channel, text, thread_ts=root["ts"], files=files))
    return said


async def test_the_form_tells_what_of_a_thread_would_go(stage, thread):
    await stage.shortcut(thread[2], CREATE)
    await stage.settled()

    assert "4 messages by 2 people, 1 file (2 KB)" in stage.words(stage.ada)
    assert ["The whole thread (4 messages)", "From this message on (2 messages)", "Only this message"] == [
        one["text"]["text"] for one in stage.blocks(stage.ada)[Block.SCOPE]["element"]["options"]
    ]


@pytest.mark.parametrize(
    ("scope", "expected"), [("whole", ("", 0)), ("from_here", ("from", 0)), ("only_this", ("", 1))]
)
async def test_as_much_of_the_thread_goes_as_was_chosen(stage, thread, scope, expected):
    await stage.shortcut(thread[2], CREATE)
    await stage.settled()

    await stage.submit({Block.SCOPE: scope, DEPARTMENT: "IT", Block.SUBJECT: "Printer"})

    (work,) = await stage.accepted()
    assert (thread[0]["ts"], thread[2]["ts"] if expected[0] else "") == (work.thread_ts, work.from_ts)
    assert (thread[2]["ts"],) * expected[1] == work.chosen
    assert work.offered is None


@pytest.mark.parametrize(
    ("scope", "expected"), [("whole", (False, 0)), ("from_here", (True, 0)), ("only_this", (False, 1))]
)
async def test_what_was_chosen_of_the_thread_holds_in_a_form_whose_numbers_are_gone(
    stage, thread, monkeypatch, scope, expected
):
    await stage.shortcut(thread[2], CREATE)
    await stage.settled()
    for key in await stage.store.connection.do("KEYS", "tk:scratch:form:*"):  # as two hours later
        await stage.store.connection.do("DEL", key)
    with monkeypatch.context() as old:
        old.setattr(Seal, "is_over", lambda *_: True)
        await stage.submit({Block.SCOPE: scope, DEPARTMENT: "IT", Block.SUBJECT: "Printer"})

    await stage.submit({DEPARTMENT: "IT"})

    (work,) = await stage.accepted()
    assert (thread[2]["ts"] if expected[0] else "", (thread[2]["ts"],) * expected[1]) == (work.from_ts, work.chosen)


async def test_the_form_begins_with_the_message_and_its_author(stage, thread):
    await stage.shortcut(thread[0], CREATE, user=stage.ben)

    typed = stage.typed(stage.ben)
    assert "The printer burns" == typed[Block.SUBJECT]["value"]
    assert stage.ada == typed[Block.REQUESTER]["selected_user"]


async def test_a_message_that_was_deleted_meanwhile_is_not_kept_for_the_ticket(stage, thread):
    """Its text came with the gesture, and is not used."""
    payload = thread[0]
    for message in reversed(thread):
        stage.workspace.messages.remove(stage.channel, message["ts"])
    await stage.app.interaction(
        {
            "type": "message_action",
            "callback_id": CREATE,
            "trigger_id": stage.workspace.views.trigger(stage.ada),
            "team": {"id": stage.team},
            "user": {"id": stage.ada, "team_id": stage.team},
            "channel": {"id": stage.channel},
            "message": payload,
            "message_ts": payload["ts"],
        }
    )
    await stage.settled()

    assert "That thread is not in Slack any more." in stage.words(stage.ada)
    assert "Only the message that you chose" not in stage.words(stage.ada)


async def test_a_note_is_not_offered_as_the_subject_that_everybody_reads(stage):
    root = await stage.workspace.post(stage.ada, stage.channel, "note: the password is swordfish")

    await stage.shortcut(root, CREATE)
    await stage.settled()

    assert "" == (stage.typed()[Block.SUBJECT]["value"] or "")
    assert "swordfish" not in stage.words(stage.ada)


async def test_a_long_thread_is_read_to_its_last_page(stage, thread):
    for number in range(300):
        await stage.workspace.post(stage.ben, stage.channel, str(number), thread_ts=thread[0]["ts"])

    await stage.shortcut(thread[0], CREATE)
    await stage.settled()

    assert "304 messages by 2 people" in stage.words(stage.ada)


async def test_where_we_are_no_member_the_form_says_how_to_invite_and_offers_the_message(stage):
    said = await stage.workspace.post(stage.ada, stage.closed, "Psst, the printer burns")

    await stage.shortcut(said, CREATE, channel=stage.closed)
    await stage.settled()
    words = stage.words(stage.ada)
    await stage.submit({DEPARTMENT: "IT"})

    assert "write /invite @Threadline in the channel" in words
    assert "Only the message that you chose will go to the ticket." in words
    (work,) = await stage.accepted()
    assert "Psst, the printer burns" == work.offered["text"]


async def texts_kept(stage):
    """How many forms have a text in the store."""
    keys = await stage.store.connection.do("KEYS", "tk:scratch:form:*")
    kept = [await stage.store.scratch.get(key.removeprefix("tk:scratch:")) for key in keys]
    return sum("printer burns" in (text or "") for text in kept)


async def test_s19_a_form_keeps_the_text_only_of_a_message_that_cannot_be_read_again_and_until_it_was_sent(stage):
    found = []
    for channel in (stage.channel, stage.closed):
        said = await stage.workspace.post(stage.ada, channel, "The printer burns")
        await stage.shortcut(said, CREATE, channel=channel)
        await stage.settled()
        open_, _ = await texts_kept(stage), await stage.submit({DEPARTMENT: "IT"})
        await stage.settled()
        found.append((open_, await texts_kept(stage)))

    assert [(0, 0), (1, 0)] == found


async def test_a_thread_that_has_a_ticket_says_which(stage, thread):
    await stage.link(thread[0], number="1042", subject="Old fire", url="https://desk.example/1042")

    await stage.shortcut(thread[1], CREATE)
    await stage.settled()

    assert "This thread is ticket 1042 at Local desk already: Old fire." in stage.words(stage.ada)
    assert "https://desk.example/1042" in stage.words(stage.ada)


async def test_fifty_people_at_once_make_one_ticket_and_the_others_hear_whose_it_is(stage, thread, monkeypatch):
    monkeypatch.setattr(forms, "NAME", 60.0)  # on a busy machine they take their time
    people = [stage.workspace.add_person(f"p{number}", f"Person {number}").id for number in range(50)]
    for person in people:
        await stage.workspace.join(person, stage.channel)
        await stage.shortcut(thread[0], CREATE, user=person)
    await stage.settled()

    given = {Block.SUBJECT: "Printer", DEPARTMENT: "IT"}
    answers = await asyncio.gather(*(stage.submit(given, user=person) for person in people))

    (work,) = await stage.accepted()
    winner = stage.workspace.people[work.actor].real_name
    told = [answer for answer in answers if answer.body]
    assert [] == [answer.body["errors"] for answer in told if "errors" in answer.body]
    assert 49 == len(told)
    assert {f"{winner} is creating the ticket for this thread."} == {
        answer.body["view"]["blocks"][0]["text"]["text"].split(" Its card")[0] for answer in told
    }


DESCRIBED = {Block.SUBJECT: "Printer", DEPARTMENT: "IT", Block.DESCRIPTION: "It burns since noon"}


async def test_who_is_second_has_back_what_they_typed(stage, thread):
    await stage.shortcut(thread[0], CREATE)
    await stage.shortcut(thread[0], CREATE, user=stage.ben)
    await stage.settled()
    await stage.submit({**DESCRIBED, Block.DESCRIPTION: "It burns"})

    await stage.submit(DESCRIBED, user=stage.ben)

    assert "Ada Lovelace is creating the ticket for this thread." in stage.words(stage.ben)
    assert "Printer\\nIt burns since noon" in stage.words(stage.ben)


async def test_what_was_typed_for_a_thread_that_got_a_ticket_meanwhile_is_given_back(stage, thread):
    await stage.shortcut(thread[0], CREATE)
    await stage.settled()
    await stage.link(thread[0], number="1042")

    await stage.submit(DESCRIBED)

    assert "This thread is ticket 1042 at Local desk already." in stage.words(stage.ada)
    assert "Printer\\nIt burns since noon" in stage.words(stage.ada)


async def test_the_same_person_who_writes_other_words_while_the_first_wait_has_them_back(stage, thread):
    for described in (DESCRIBED, {**DESCRIBED, Block.DESCRIPTION: "It burns, call the fire brigade"}):
        await stage.shortcut(thread[0], CREATE)
        await stage.settled()
        await stage.submit(described)

    assert "You asked for this ticket before" in stage.words(stage.ada)
    assert "call the fire brigade" in stage.words(stage.ada)
    assert ["It burns since noon"] == [work.description for work in await stage.accepted()]


async def test_the_same_press_again_after_an_answer_that_was_lost_is_taken_once(stage, thread):
    for _ in range(2):
        await stage.shortcut(thread[0], CREATE)
        await stage.settled()
        answer = await stage.submit(DESCRIBED)
        assert answer.body is None

    assert 1 == len(await stage.accepted())


async def test_who_makes_a_ticket_of_a_thread_that_is_being_linked_hears_to_which(stage, thread):
    ticket = await opened(stage)
    await stage.shortcut(thread[0], CREATE, user=stage.ben)
    await stage.settled()
    address = f"https://s.slack.com/archives/{stage.channel}/p{thread[0]['ts'].replace('.', '')}"
    await stage.told(f"link {ticket.number} {address}", user=stage.ben)

    await stage.submit(DESCRIBED, user=stage.ben)

    assert f"Ben Okri is linking this thread to ticket {ticket.number}." in stage.words(stage.ben)
    assert "It burns since noon" in stage.words(stage.ben)


async def test_a_stranger_from_another_company_is_told_that_they_cannot(stage, thread):
    await stage.shortcut(thread[0], CREATE, user=stage.sid)
    await stage.settled()

    assert "Only members of the workspace that Threadline belongs to" in stage.words(stage.sid)


async def test_a_message_goes_to_the_ticket_of_its_thread(stage, thread):
    await stage.link(thread[0], number="1042")

    await stage.shortcut(thread[2], ADD)

    assert ["The message is on its way to ticket 1042."] == await stage.whispered()
    (work,) = await stage.accepted()
    assert (thread[2]["ts"], stage.ada, "The red one") == (work.ts, work.actor, work.message["text"])


async def test_a_message_that_was_added_twice_goes_once(stage, thread):
    await stage.link(thread[0], number="1042")

    await stage.shortcut(thread[2], ADD)
    await stage.shortcut(thread[2], ADD, user=stage.ben)

    assert 1 == len(await stage.accepted())
    assert ["Ticket 1042 has that message already, or will have it in a moment."] == await stage.whispered(stage.ben)


async def test_what_threadline_posted_itself_is_not_added_to_a_ticket(stage, thread):
    """It is on the ticket already, or is none of its business; as a reply of the bot's it would come back."""
    await stage.link(thread[0], number="1042")
    post = await stage.web.call(
        "chat.postMessage", channel=stage.channel, thread_ts=thread[0]["ts"], text="Alex: please restart the printer"
    )

    await stage.shortcut(post["message"], ADD)

    assert ["Threadline posted that itself, so it is not added to a ticket."] == await stage.whispered()
    assert [] == await stage.accepted()


async def test_a_message_of_a_thread_without_a_ticket_asks_which_one_and_links_it(stage, thread):
    ticket = await opened(stage, "An older fire")
    await stage.shortcut(thread[2], ADD)

    assert [f"{ticket.number}: An older fire"] == await stage.suggested(Block.TICKET.of("local"), "older")
    answer = await stage.submit({Block.NUMBER: f"#{ticket.number}"})

    assert (None, "") == (answer.body, answer.error)
    link, message = await stage.accepted()
    assert (ticket.number, thread[0]["ts"]) == (link.number, link.thread_ts)
    assert thread[2]["ts"] == message.ts


@pytest.mark.parametrize(
    ("typed", "words"), [("", "Which ticket? Write its number."), ("99", "Local desk has no ticket 99.")]
)
async def test_a_wrong_number_is_said_beside_it(stage, thread, typed, words):
    await stage.shortcut(thread[2], ADD)

    answer = await stage.submit({Block.NUMBER: typed})

    assert {Block.NUMBER: words} == answer.body["errors"]
    assert [] == await stage.accepted()


async def test_a_form_that_was_open_for_long_says_so_and_keeps_what_was_typed(stage, thread, monkeypatch):
    ticket = await opened(stage)
    with monkeypatch.context() as later:
        later.setattr("bot.slack.seal.LIFETIME", -1.0)
        await stage.shortcut(thread[2], ADD)

    answer = await stage.submit({Block.NUMBER: ticket.number})

    assert "update" == answer.body["response_action"]
    assert "This form was open for more than half an hour. Look it over and press Add again." in stage.words(stage.ada)
    await stage.submit()
    assert [ticket.number] == [work.number for work in await stage.accepted() if work.kind == "link_ticket"]


async def test_a_desk_that_is_down_is_waited_for_unless_a_thread_has_the_ticket(stage, thread):
    """Nobody could say whether it is a ticket that they may see; desks know one ticket by several spellings."""
    elsewhere = await stage.workspace.post(stage.ben, stage.channel, "Smoke")
    await stage.link(elsewhere, number="1042")
    await stage.shortcut(thread[2], ADD)
    stage.desk.down = True

    unknown, known = [await stage.submit({Block.NUMBER: number}) for number in ("4711", "1042")]

    words = "No thread is linked to ticket 4711, and Local desk did not answer. Please try again in a moment."
    assert ({Block.NUMBER: words}, None) == (unknown.body["errors"], known.body)
    assert ["1042"] == [work.number for work in await stage.accepted() if work.kind == "link_ticket"]


async def test_a_message_does_not_go_to_another_desks_ticket_of_the_same_number(two, stage, thread):
    await stage.shortcut(thread[2], ADD)
    ticket = await opened(stage, "The one that is chosen", "second")
    await stage.link(thread[0], number=ticket.number)

    await stage.submit({Block.NUMBER: f"second:{ticket.number}"})

    assert f"ticket {ticket.number}" in stage.words(stage.ada)
    assert [] == await stage.accepted()


@pytest.fixture
def two(tables, tmp_path):
    tables["second"] = {"kind": "local", "path": tmp_path / "second.sqlite", "title": "Second desk"}


async def test_the_ticket_is_searched_at_the_desk_that_was_chosen(two, stage, thread):
    ticket = await opened(stage, "Fire at the second desk", "second")
    await stage.shortcut(thread[2], ADD)

    await stage.choose(Block.DESK, "second", filled={Block.NUMBER: ticket.number})
    found = await stage.suggested(Block.TICKET.of("second"), "second desk")
    await stage.submit()

    assert [f"{ticket.number}: Fire at the second desk"] == found
    assert [("second", ticket.number)] == [
        (work.desk, work.number) for work in await stage.accepted() if work.kind == "link_ticket"
    ]


async def test_a_desk_before_the_number_is_the_one_that_is_meant(two, stage, thread):
    ticket = await opened(stage, "Fire at the second desk", "second")
    await stage.shortcut(thread[2], ADD)

    await stage.submit({Block.NUMBER: f"second:{ticket.number}"})

    assert [("second", ticket.number)] == [
        (work.desk, work.number) for work in await stage.accepted() if work.kind == "link_ticket"
    ]


async def test_a_desk_before_the_number_that_there_is_not_is_said_beside_it(stage, thread):
    ticket = await opened(stage)
    await stage.shortcut(thread[2], ADD)

    answer = await stage.submit({Block.NUMBER: f"whmcs:{ticket.number}"})

    assert {Block.NUMBER: "There is no helpdesk called whmcs. There are: local."} == answer.body["errors"]
    assert [] == await stage.accepted()


async def test_a_message_is_not_added_where_its_thread_is_about_to_have_another_ticket(stage, thread):
    first, second = await opened(stage, "one"), await opened(stage, "two")
    await stage.shortcut(thread[2], ADD)
    await stage.shortcut(thread[2], ADD, user=stage.ben)
    await stage.submit({Block.NUMBER: first.number}, user=stage.ben)

    answer = await stage.submit({Block.NUMBER: second.number})

    assert answer.body["errors"][Block.NUMBER].startswith("That thread is getting another ticket just now.")


async def test_a_thread_that_got_another_ticket_in_the_meantime_keeps_it(stage, thread):
    ticket = await opened(stage)
    await stage.shortcut(thread[2], ADD)
    await stage.link(thread[0], number="4711", ticket_id="4711")

    answer = await stage.submit({Block.NUMBER: ticket.number})

    assert "update" == answer.body["response_action"]
    assert "This thread is ticket 4711 at Local desk already." in stage.words(stage.ada)
    assert [] == await stage.accepted()


async def test_a_message_goes_to_the_ticket_that_its_thread_got_meanwhile_however_its_number_is_typed(stage, thread):
    ticket = await opened(stage)
    await stage.shortcut(thread[2], ADD)
    await stage.link(thread[0], number=ticket.number, ticket_id=ticket.id)

    answer = await stage.submit({Block.NUMBER: ticket.number.lower()})

    assert answer.body is None
    assert ["add_message"] == [work.kind for work in await stage.accepted()]


async def test_what_waits_to_link_a_thread_is_the_same_ticket_however_its_number_is_typed(stage, thread):
    ticket = await opened(stage)
    for who, typed in ((stage.ada, ticket.number.lower()), (stage.ben, ticket.number)):
        await stage.shortcut(thread[2], ADD, user=who)
        answer = await stage.submit({Block.NUMBER: typed}, user=who)
        assert answer.body is None

    assert [ticket.number] == [work.number for work in await stage.accepted() if work.kind == "link_ticket"]


@pytest.mark.parametrize("hidden", [True, False])
async def test_s13_a_number_is_not_spelt_for_who_may_not_see_its_ticket(stage, thread, monkeypatch, hidden):
    ticket = await opened(stage)

    async def not_shown(_access, _actor, _desk, _ticket, *, channel):
        return False, None

    monkeypatch.setattr("bot.slack.access.Access.shown", not_shown)
    typed = ticket.number.lower() if hidden else "l-99"
    await stage.shortcut(thread[2], ADD)

    answer = await stage.submit({Block.NUMBER: typed})

    assert {Block.NUMBER: f"Local desk has no ticket {typed}."} == answer.body["errors"]
