"""assign, reopen, search and mine: by command and behind our name."""

from datetime import timedelta

import pytest

from adapters.contract import Capability
from adapters.errors import Unavailable
from adapters.model import Act, Body, Choice, MessageDraft, Person, Status, TicketDraft
from bot.conversion.intake import Intake
from bot.conversion.journal import LookLater
from bot.conversion.ops import event_op, missed_op
from bot.conversion.ports import StoreAway
from bot.conversion.records import AddMessage, OpenTicket, SlackEvent, decode
from bot.slack.assigning import the_one
from bot.slack.ids import Action, Block
from bot.slack.routing import STORE_AWAY
from bot.slack.tickets import Refused


async def opened(stage, subject="The printer burns"):
    first = MessageDraft(body=Body(plain="Help"), author=Person(name="Ada"), marker=f"TL-{subject}")
    draft = TicketDraft(subject=subject, first=first, requester=Person(name="Ada"))
    return (await stage.desk.open_ticket(draft)).ticket


@pytest.fixture
async def root(stage):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(said, number="1042")
    stage.door.events.clear()
    return said


async def mention(stage, root, text):
    ours = stage.workspace.bot_user_id
    await stage.workspace.post(stage.ben, stage.channel, f"@{ours} {text}", thread_ts=root["ts"])
    await stage.events("app_mention")


def buttons(message):
    return {
        element["action_id"]: element
        for block in message["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
    }


# --- reply and note that Slack did not hand over ---


@pytest.mark.parametrize("author", ["ada", "sid"])
async def test_a_wish_that_a_sweep_finds_is_decided_like_its_event(stage, root, author):
    """Sid is of another company, and may not."""
    text = f"@{stage.workspace.bot_user_id} note it is the fuse"
    said = await stage.workspace.post(getattr(stage, author), stage.channel, text, thread_ts=root["ts"])
    (event,) = [body for body in stage.door.events if body["event"]["type"] == "app_mention"]
    read = await stage.web.call("conversations.replies", channel=stage.channel, ts=root["ts"])
    (found,) = [one for one in read["messages"] if one["ts"] == said["ts"]]

    op, its_event = missed_op(stage.thread(root), found, doubt=0.0), event_op(event)

    assert its_event
    assert its_event[:3] == op[:3]
    handed_on = decode(op.payload).work
    assert isinstance(handed_on, SlackEvent)
    await stage.dispatch(handed_on.body)
    works = await stage.accepted()
    assert (author == "ada") == any(work.kind == "add_message" and work.visibility == "internal" for work in works)
    assert "Only members of the workspace" in works[0].text or author == "ada"


async def test_a_wish_that_a_sweep_finds_where_we_are_alone_with_a_person_is_its_event(stage):
    alone = await stage.workspace.direct(stage.ada)
    root = await stage.workspace.post(stage.ada, alone, "The printer burns")
    await stage.link(root, channel=alone)
    stage.door.events.clear()
    text = f"@{stage.workspace.bot_user_id} note it is the fuse"
    await stage.workspace.post(stage.ada, alone, text, thread_ts=root["ts"])
    (event,) = stage.door.events
    read = await stage.web.call("conversations.replies", channel=alone, ts=root["ts"])

    op, its_event = missed_op(stage.thread(root, alone), read["messages"][-1], doubt=0.0), event_op(event)

    assert its_event
    assert its_event[:3] == op[:3]
    found = decode(op.payload).work
    assert isinstance(found, SlackEvent)
    await stage.dispatch(found.body)
    assert "internal" in [work.visibility for work in await stage.accepted() if work.kind == "add_message"]


# --- assign and reopen ---


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("Alex Agent", "Alex Agent", "Alex Agent"),
        ("sam", "Sam Agent", "Sam Agent"),
        ("@Sam Agent", "Sam Agent", "Sam Agent"),
        ("nobody", "", "nobody"),
    ],
)
async def test_assign_takes_a_name_a_part_of_it_or_nobody(stage, root, name, value, label):
    words = await stage.told(f"assign 1042 {name}")

    assert f"Ticket 1042 at Local desk will be assigned to {label}." == words
    assert [(Act.ASSIGN, value)] == [(work.act, work.value) for work in await stage.accepted()]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("assign 1042 @zoe", "Local desk has no agent called @zoe."),
        ("assign 1042 agent", "Several agents of Local desk are called agent: Alex Agent, Sam Agent. Write more"),
        ("assign 1042 zoe", "Local desk has no agent called zoe. There are: Alex Agent, Sam Agent."),
        ("assign 1042 me", "Local desk has no agent called Ada Lovelace."),
        ("assign 1042", "To whom? Write /ticket assign NUMBER NAME."),
        ("assign", "Which ticket? Write /ticket assign NUMBER NAME"),
    ],
)
async def test_a_name_that_means_none_or_several_says_so_and_changes_nothing(stage, root, typed, words):
    assert (await stage.told(typed)).startswith(words)
    assert [] == await stage.accepted()


async def test_a_desk_that_cannot_assign_says_so(stage, root, monkeypatch):
    monkeypatch.setattr(type(stage.desk), "capabilities", frozenset(Capability) - {Capability.ASSIGN})

    words = "Local desk has no way to assign a ticket through its API. Do it there."
    assert words == await stage.refused("assign 1042 sam")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("reply", "What should it say? Write @Threadline reply TEXT."),
        ("note", "What should it say? Write @Threadline note TEXT."),
        ("assign", "To whom? Write @Threadline assign NAME."),
        ("link printer", "Which ticket? Write @Threadline link NUMBER;"),
        ("search", "What should be looked for? Write @Threadline search WORDS."),
    ],
)
async def test_in_a_thread_where_no_command_runs_verbs_are_written_behind_our_name(stage, root, typed, words):
    await mention(stage, root, typed)

    assert [words] == [work.text[: len(words)] for work in await stage.accepted()]
    assert (await stage.told("note 1042")).startswith("What should it say? Write /ticket note NUMBER TEXT.")


def test_an_exact_name_wins_over_those_that_hold_it():
    agents = [Choice(id="1", label="Sam"), Choice(id="2", label="Samantha")]

    assert "1" == the_one(agents, "sam", "Desk").id
    with pytest.raises(Refused, match="Several agents"):
        the_one(agents, "sa", "Desk")


@pytest.fixture
def colleagues(tables):
    """The people of the workspace are the desk's agents; to be asked for before the stage."""
    tables["local"]["agents"] = ["Ada Lovelace", "Ben Okri"]


async def test_me_is_the_agent_of_ones_own_name(colleagues, stage, root):
    assert "will be assigned to Ada Lovelace." in await stage.told("assign 1042 me")
    await stage.accepted()
    await mention(stage, root, f"assign @{stage.ben}")
    assert ["Ben Okri"] == [work.value for work in await stage.accepted() if work.kind == "change_ticket"]


async def test_reopen_by_command_and_in_the_thread(stage, root):
    words = await stage.told("reopen 1042")
    await mention(stage, root, "reopen")

    assert "Ticket 1042 at Local desk will be opened again." == words
    works = await stage.accepted()
    assert [Act.REOPEN, Act.REOPEN] == [work.act for work in works if work.kind == "change_ticket"]
    assert [words] == [work.text for work in works if work.kind == "tell"]


# --- search and mine ---


async def test_a_search_lists_what_the_desk_finds_a_page_at_a_time(stage, root):
    numbers = [(await opened(stage, f"Printer {number} burns")).number for number in range(7)]

    first = await stage.told("search printer")
    shown = stage.workspace.ephemerals(stage.ada, stage.channel)[-1]
    await stage.workspace.press(
        stage.ada, channel=stage.channel, ts=shown["ts"], block_id="pages", action_id=Action.NEXT
    )
    await stage.settled()

    after = [said["text"] for said in stage.workspace.ephemerals(stage.ada, stage.channel)]
    assert "Tickets with “printer” (1 to 5 of 7)" in first
    assert 1 == len(after)
    assert "(6 to 7 of 7)" in after[0]
    assert all(sum(f"Ticket {number}:" in page for page in (first, after[0])) == 1 for number in numbers)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("search", "What should be looked for? Write /ticket search WORDS."),
        ("search nothing like it", "No ticket was found with “nothing like it” in its subject."),
        ("mine", "You have no open tickets here."),
    ],
)
async def test_nothing_to_list_is_said(stage, typed, words):
    assert (await stage.told(typed)).startswith(words)


async def test_a_desk_that_does_not_answer_a_search_is_named(stage, monkeypatch):
    async def away(words, *, limit=20):
        raise Unavailable("local", "it does not answer.")

    monkeypatch.setattr(stage.desk, "search", away)

    assert "Local desk did not answer, so tickets may be missing here." in await stage.told("search printer")


async def test_no_desk_that_can_search_is_said(stage, monkeypatch):
    monkeypatch.setattr(type(stage.desk), "capabilities", frozenset(Capability) - {Capability.SEARCH})

    assert (await stage.told("search printer")).startswith("No helpdesk here can be searched")


async def test_a_search_in_a_thread_without_a_ticket_offers_to_link_what_it_finds(stage):
    ticket = await opened(stage)
    start = await stage.workspace.post(stage.ada, stage.channel, "It burns")

    await mention(stage, start, "search printer")
    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    await stage.workspace.press(
        stage.ben, channel=stage.channel, ts=said["ts"], block_id="row:0", action_id=Action.LINK_HERE
    )

    assert start["ts"] == said["thread_ts"]
    assert f"The thread will be linked to ticket {ticket.number}" in (await stage.whispered(stage.ben))[-1]
    (work,) = await stage.accepted()
    assert ("link_ticket", ticket.number, start["ts"]) == (work.kind, work.number, work.thread_ts)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (0, "The thread will be linked to ticket L-1 at Local desk; its card will appear there."),
        (1, "That thread is getting another ticket just now. Look at the thread in a moment."),
    ],
)
async def test_who_links_a_thread_again_is_told_which_ticket_it_will_have(stage, second, words):
    """The first link waits yet."""
    tickets = [await opened(stage, subject) for subject in ("one", "two")]
    start = await stage.workspace.post(stage.ada, stage.channel, "It burns")
    for ticket in (tickets[0], tickets[second]):
        stage.door.events.clear()
        await mention(stage, start, f"link {ticket.number}")

    works = await stage.accepted()
    assert [tickets[0].number] == [work.number for work in works if work.kind == "link_ticket"]
    assert words == [work.text for work in works if work.kind == "tell"][1]


async def test_a_search_behind_our_name_looks_for_what_was_typed_and_not_for_slacks_escapes(stage, root):
    await opened(stage, "R&D printer")

    await mention(stage, root, "search R&D")

    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    assert "Tickets with “R&amp;D”" in said["text"]  # once escaped, as Slack wants it
    assert "R&amp;D printer" in said["text"]


async def test_a_search_in_a_thread_with_a_ticket_does_not_offer_another(stage, root):
    await opened(stage)

    await mention(stage, root, "search printer")

    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)
    assert Action.LINK_HERE not in buttons(said)


async def test_the_buttons_below_a_list_say_why_they_did_nothing_and_leave_the_list(stage, monkeypatch):
    for number in range(7):
        await opened(stage, f"printer {number}")
    thread = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await mention(stage, thread, "search printer")
    (said,) = stage.workspace.ephemerals(stage.ben, stage.channel)

    async def away(self, *args):
        raise StoreAway

    monkeypatch.setattr(type(stage.store.links), "threads", away)
    monkeypatch.setattr(type(stage.store.links), "find", away)
    for block, action in (("pages", Action.NEXT), ("row:0", Action.LINK_HERE)):
        await stage.workspace.press(stage.ben, channel=stage.channel, ts=said["ts"], block_id=block, action_id=action)

    assert [said["text"], STORE_AWAY, STORE_AWAY] == await stage.whispered(stage.ben)


async def test_people_of_another_company_cannot_search(stage):
    await opened(stage)
    ours = stage.workspace.bot_user_id
    await stage.workspace.post(stage.sid, stage.channel, f"@{ours} search printer")

    await stage.events("app_mention")

    (told,) = await stage.accepted()
    assert told.text.startswith("Only members of the workspace that Threadline belongs to can search for tickets.")
    assert [] == stage.workspace.ephemerals(stage.sid, stage.channel)


def by_bot(stage, root, **more):
    """A mention by another app below *root*, as Slack delivers it."""
    ts = f"{float(root['ts']) + 1:.6f}"
    event = {"type": "app_mention", "channel": stage.channel, "ts": ts, "event_ts": ts, "thread_ts": root["ts"], **more}
    event["text"] = f"<@{stage.workspace.bot_user_id}> close"
    return {"type": "event_callback", "team_id": stage.team, "event_id": ts, "event": event}


async def test_another_companys_bot_cannot_close(stage, root):
    bot = stage.workspace.add_person("zap", "Zap", bot=True, stranger=True, team_id="T0OTHER").id

    await stage.dispatch(by_bot(stage, root, user=bot, bot_id="B0OTHER"))

    (told,) = await stage.accepted()
    assert told.text.startswith("Only members of the workspace that Threadline belongs to can close")


async def test_a_wish_that_nobody_is_behind_is_left_alone(stage, root):
    """An app without a bot user: nobody could be answered, and nobody has rights."""
    await stage.dispatch(by_bot(stage, root, subtype="bot_message", bot_id="B1", username="Zap"))

    assert [] == await stage.accepted()


async def test_mine_are_the_open_tickets_that_i_opened_or_am_the_requester_of(stage):
    for number, more in (
        ("1", {"opened_by": stage.ada, "subject": "opened"}),
        ("2", {"requester": stage.ada, "subject": "asked", "state": Status.PENDING}),
        ("3", {"opened_by": stage.ada, "subject": "over", "state": Status.CLOSED}),
        ("4", {"opened_by": stage.ben, "subject": "other"}),
    ):
        said = await stage.workspace.post(stage.ada, stage.channel, f"thread {number}")
        await stage.link(said, number=number, ticket_id=number, url=f"https://desk.example/{number}", **more)

    words = await stage.told("mine")

    listed = [line for line in words.splitlines() if line.startswith("Ticket ")]
    assert ["Ticket 2: asked", "Ticket 1: opened"] == listed
    assert "It waits for your answer." in words
    assert "[Open] https://desk.example/2, [Go to the thread] https://" in words


async def test_words_that_begin_with_mine_are_a_new_ticket(stage):
    await stage.ticket("mine shaft collapsed")

    assert "mine shaft collapsed" == stage.blocks(stage.ada)[Block.SUBJECT]["element"]["initial_value"]


async def waits_for_its_ticket(stage, root):
    """Whether a wish in a thread without a ticket is said nothing about, and is obeyed once the ticket is there."""
    with pytest.raises(LookLater):
        await mention(stage, root, "note it is the old one")
    assert [] == await stage.whispered(stage.ben)
    await stage.link(root, number="1042")
    await stage.events("app_mention")
    return ["it is the old one"] == [work.text for work in await stage.accepted() if isinstance(work, AddMessage)]


async def test_a_wish_for_a_ticket_that_is_being_opened_waits_for_it(stage):
    """The desk is slow or away; who wrote it need not write it again."""
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    work = OpenTicket(desk="local", actor=stage.ada, channel=stage.channel, thread_ts=said["ts"], subject="Printer")
    await Intake(stage.store.lanes, stage.store.links).open_ticket(stage.workspace.team_id, work, once="view")

    assert await waits_for_its_ticket(stage, said)


async def test_a_wish_below_a_card_that_began_its_thread_waits_for_the_link(stage):
    """A process may die between the card and its link; another makes the link."""
    card = await stage.web.call("chat.postMessage", channel=stage.channel, text="Ticket 1042")

    assert await waits_for_its_ticket(stage, card)


async def test_a_wish_below_an_older_post_of_ours_without_a_ticket_is_answered(stage, monkeypatch):
    card = await stage.web.call("chat.postMessage", channel=stage.channel, text="Ticket 1042")
    monkeypatch.setattr("bot.conversion.ops.LINKED_BY", timedelta(seconds=-1))

    await mention(stage, card, "note it is the old one")

    assert ["That thread has no ticket"] == [work.text[:25] for work in await stage.accepted()]
