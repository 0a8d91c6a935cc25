"""The app's home: tickets and failed deliveries of one person, and what its buttons do."""

import json

import pytest

from adapters.model import Status, Visibility
from bot.conversion.ports import NewOp, StoreAway
from bot.conversion.records import AddMessage, OpenTicket, Operation, Progress, ThreadKey, decode, encode, stored_form
from bot.slack import access
from bot.slack.ids import Action, Block


async def park(stage, work, *, name="text:1", progress=None):
    """A delivery that waits for a decision; returns its lane."""
    root = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(root, number="1042", opened_by=stage.ben)
    lane = str(stage.thread(root))
    payload = encode(Operation(work=work, progress=progress or Progress(attempts=3), why="It was refused."))
    await stage.store.lanes.add([NewOp(lane=lane, id=name, order=1, payload=payload)])
    (lease,) = await stage.store.lanes.claim(1)
    assert await stage.store.lanes.head(lease)
    await stage.store.lanes.park(lease, name, payload)
    stage.door.events.clear()
    return lane


async def shown(stage, user=""):
    who = user or stage.ada
    await stage.workspace.open_home(who)
    await stage.events("app_home_opened")
    stage.door.events.clear()
    return words(stage, who)


def words(stage, user=""):
    return json.dumps(stage.workspace.home_of(user or stage.ada)["blocks"], ensure_ascii=False)


def headings(stage):
    return [
        block["text"]["text"] for block in stage.workspace.home_of(stage.ada)["blocks"] if block["type"] == "header"
    ]


async def press(stage, action, *, block="failed:0"):
    home = stage.workspace.home_of(stage.ada)
    answer = await stage.workspace.press(stage.ada, view_id=home["id"], block_id=block, action_id=action)
    await stage.settled()
    return answer


async def waiting(stage, lane, name="text:1"):
    payload = await stage.store.lanes.peek(lane, name)
    return decode(payload) if payload else None


async def test_it_lists_my_open_tickets_and_those_that_wait_for_me(stage):
    for number, more in (
        ("1", {"opened_by": stage.ada, "subject": "mine and open"}),
        ("2", {"requester": stage.ada, "subject": "mine and pending", "state": Status.PENDING}),
        ("3", {"opened_by": stage.ada, "subject": "mine and closed", "state": Status.CLOSED}),
        ("4", {"opened_by": stage.ben, "subject": "another's"}),
    ):
        said = await stage.workspace.post(stage.ada, stage.channel, f"thread {number}")
        await stage.link(said, number=number, ticket_id=number, **more)

    text = await shown(stage)

    assert ["Threadline", "Waiting for you", "Your open tickets", "What Threadline can do"] == headings(stage)
    assert [True, True, False, False] == [
        subject in text for subject in ("mine and open", "mine and pending", "mine and closed", "another's")
    ]
    assert text.index("mine and pending") < text.index("mine and open")


async def test_an_empty_home_says_so_and_opens_the_form(stage):
    assert "You have no open tickets, and nothing failed." in await shown(stage)

    await press(stage, Action.FORM, block="home")

    assert "New ticket" == stage.view(stage.ada)["title"]["text"]


async def test_many_tickets_are_paged(stage):
    for number in range(20):
        said = await stage.workspace.post(stage.ada, stage.channel, f"thread {number}")
        await stage.link(said, number=f"N{number}", ticket_id=f"N{number}", opened_by=stage.ada)
    first = await shown(stage)

    await press(stage, Action.HOME_NEXT, block="pages")
    second = words(stage)
    await press(stage, Action.HOME_BACK, block="pages")

    assert "Page 1 of 2" in first
    assert "Page 2 of 2" in second
    assert all((f"Ticket N{number}\\n" in first) != (f"Ticket N{number}\\n" in second) for number in range(20))
    assert [number for number in range(20) if f"Ticket N{number}\\n" in first] == [
        number for number in range(20) if f"Ticket N{number}\\n" in words(stage)
    ]


async def test_a_failed_delivery_is_shown_to_who_wrote_it_with_its_reason_and_desk(stage):
    await park(stage, AddMessage(actor=stage.ada, text="hello desk"))

    text = await shown(stage)
    other = await shown(stage, stage.ben)

    assert "Not delivered: please decide" in text
    assert "Your message: hello desk\\nIt was refused." in text
    assert "Local desk" in text
    assert "hello desk" not in other


async def test_try_again_puts_it_back_and_shows_the_home_without_it(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)

    await press(stage, Action.AGAIN)

    assert 0 == (await waiting(stage, lane)).progress.attempts
    assert "It will be tried again now." in words(stage)
    assert "hello desk" not in words(stage)


async def test_discard_drops_it_and_shows_the_home_without_it(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)

    await press(stage, Action.DISCARD)

    assert await waiting(stage, lane) is None
    assert "It was discarded" in words(stage)


async def test_a_home_from_yesterday_says_that_it_was_decided(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)
    await stage.store.lanes.unpark(lane, "text:1", None)

    await press(stage, Action.AGAIN)

    assert "That was decided already" in words(stage)


async def test_an_open_question_is_asked_in_the_home(stage):
    progress = Progress(asked="add", calling="add", attempts=1)
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"), progress=progress)
    await shown(stage)

    await press(stage, Action.THERE, block="question:0")

    assert "there" == (await waiting(stage, lane)).progress.answer


async def test_edit_and_retry_sends_the_new_text(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)

    await press(stage, Action.EDIT)
    held = stage.blocks(stage.ada)[Block.TEXT]["element"]["initial_value"]
    answer = await stage.submit({Block.TEXT: "good day"})
    await stage.settled()

    operation = await waiting(stage, lane)
    assert "hello desk" == held
    assert answer.body is None
    assert ("good day", 0, "") == (operation.work.text, operation.progress.attempts, operation.why)
    assert "It will be tried again now." in words(stage)


async def test_edit_and_retry_does_not_send_an_empty_text(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)
    await press(stage, Action.EDIT)

    answer = await stage.submit({Block.TEXT: "   "})

    words = "Write what should be sent. To send nothing, close this and press Discard."
    assert {Block.TEXT: words} == answer.body["errors"]
    assert await stage.store.lanes.find_parked(lane, "text:1")


async def test_a_new_text_for_what_was_decided_meanwhile_is_given_back(stage):
    lane = await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)
    await press(stage, Action.EDIT)
    await stage.store.lanes.unpark(lane, "text:1", None)

    await stage.submit({Block.TEXT: "good day"})

    assert "That was decided already" in stage.words(stage.ada)
    assert "good day" in stage.words(stage.ada)


async def test_a_text_that_is_too_long_for_a_form_is_shown_whole(stage):
    await park(stage, AddMessage(actor=stage.ada, text="burning " * 500))
    await shown(stage)

    await press(stage, Action.EDIT)

    assert "This text is too long for a form." in stage.words(stage.ada)
    assert 500 == stage.words(stage.ada).count("burning ")


@pytest.mark.parametrize("work", ["note", "reply", "ticket"])
async def test_s13_who_lost_a_right_writes_nothing_new_by_editing_a_failed_delivery(stage, monkeypatch, work):
    """They left the user group since; the text that they typed now is given back, and nothing is sent."""
    works = {
        "note": AddMessage(actor=stage.ada, text="hello desk", visibility=Visibility.INTERNAL),
        "reply": AddMessage(actor=stage.ada, text="hello desk", visibility=Visibility.PUBLIC),
        "ticket": OpenTicket(desk="local", actor=stage.ada, channel=stage.channel, subject="Fire", description="It"),
    }
    lane = await park(stage, works[work])
    await shown(stage)
    await press(stage, Action.EDIT)
    monkeypatch.setattr(access, "may", lambda *_: False)

    await stage.submit({Block.TEXT: "close them all", **({Block.SUBJECT: "Fire"} if work == "ticket" else {})})

    assert "You do not have the right to" in stage.words(stage.ada)
    assert "close them all" in stage.words(stage.ada)
    parked = await stage.store.lanes.find_parked(lane, "text:1")
    assert works[work] == decode(parked.payload).work


async def test_edit_and_retry_of_a_ticket_changes_subject_and_description(stage):
    work = OpenTicket(desk="local", actor=stage.ada, channel=stage.channel, subject="Fyre", description="It burns")
    lane = await park(stage, work)
    await shown(stage)

    await press(stage, Action.EDIT)
    await stage.submit({Block.SUBJECT: "Fire", Block.TEXT: "It burned"})

    operation = await waiting(stage, lane)
    assert ("Fire", "It burned") == (operation.work.subject, operation.work.description)


async def test_a_slack_message_is_edited_in_slack_and_read_again(stage):
    message = {"ts": "1700000000.000200", "user": stage.ada, "text": "hello desk"}
    lane = await park(stage, AddMessage(actor=stage.ada, ts=message["ts"], message=message))
    await shown(stage)

    await press(stage, Action.EDIT)
    asked = stage.words(stage.ada)
    await stage.submit()

    work = (await waiting(stage, lane)).work
    assert "Edit the message there first, then press Try again" in asked
    assert (message["ts"], None) == (work.ts, work.message)


async def test_what_may_be_at_the_desk_in_part_is_not_offered_for_editing(stage):
    progress = Progress(done={"message 0": "7"}, attempts=1)
    await park(stage, AddMessage(actor=stage.ada, text="hello desk"), progress=progress)

    text = await shown(stage)

    assert "Try again" in text
    assert "Edit and retry" not in text


async def test_an_edited_text_that_cannot_be_stored_stays_in_its_form(stage, monkeypatch):
    await park(stage, AddMessage(actor=stage.ada, text="hello desk"))
    await shown(stage)
    await press(stage, Action.EDIT)

    async def away(self, lane, op, payload):
        raise StoreAway

    with monkeypatch.context() as broken:
        broken.setattr(type(stage.store.lanes), "unpark", away)
        answer = await stage.submit({Block.TEXT: "good day"})

    assert [Block.TEXT] == list(answer.body["errors"])
    assert "good day" == stage.typed()[Block.TEXT]["value"]


async def test_a_store_that_is_away_makes_the_worker_show_the_home_later(stage, monkeypatch):
    def away(self, **_how):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.links), "all", away)
    await stage.workspace.open_home(stage.ada)

    with pytest.raises(StoreAway):
        await stage.events("app_home_opened")


async def test_it_shows_what_is_mine_among_thousands_of_others(stage):
    """Of links and of failed deliveries Redis tells those of anybody first."""
    said = await stage.workspace.post(stage.ada, stage.channel, "thread")
    await stage.link(said, number="1", ticket_id="1", opened_by=stage.ben)
    theirs = await stage.store.links.get(stage.thread(said))
    lane = await park(stage, AddMessage(actor=stage.ben, text="Of somebody else"), name="text:0")
    shard = stage.store.lanes._shard
    parked = await stage.store.connection.do("HGET", shard(lane).key("parked"), f"{lane}|text:0")
    commands = []
    for number in range(12_000):
        thread = ThreadKey(team=theirs.thread.team, channel=stage.channel, ts=f"{1600000000 + number}.000100")
        whose = stage.ada if number % 1500 == 0 else stage.ben
        link = theirs.model_copy(update={"thread": thread, "opened_by": whose, "ticket_id": str(number)})
        commands += [
            ("HSET", shard(str(thread)).key("links"), str(thread), stored_form(link)),
            ("HSET", shard(str(thread)).key("parked"), f"{thread}|text:1", parked.replace(stage.ben, whose)),
        ]
    await stage.store.connection.do_many(commands)

    text = await shown(stage)

    assert (8, 8) == (text.count("Your message: Of somebody else"), text.count(r"Ticket 1\n"))
