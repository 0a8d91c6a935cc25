"""S18: what may be asked for within a while, and that whoever asks for more is told so."""

import re

import pytest

from bot.slack import joining
from bot.slack.allowance import Allowance, Kind, Most
from bot.slack.ids import Action, Block, Shortcut
from bot.slack.manifest import manifest_text, read
from bot.slack.policy import Actor
from bot.slack.steps import STEP

TOLD = re.compile(
    r"(You have|This channel has|This workspace has) had 2 (new tickets|changes|look-ups of tickets) within"
)


@pytest.fixture(params=["person", "channel", "workspace"])
def most(request):
    return {kind: Most(**{request.param: 2}) for kind in Kind}


@pytest.fixture
def simple(tables):
    """A reaction has no form in which a department could be chosen."""
    tables["local"]["department"] = "IT"


@pytest.fixture
def two(tables, tmp_path):
    """A second desk; to be asked for before the stage."""
    tables["other"] = {"kind": "local", "path": tmp_path / "other.sqlite", "title": "Other desk"}


@pytest.fixture
async def root(stage):
    said = await stage.workspace.post(stage.ada, stage.channel, "The printer burns")
    await stage.link(said, number="1042")
    stage.door.events.clear()
    return said


@pytest.mark.parametrize("typed", ["note 1042 The fuse", "reply 1042 Soon", "close 1042", "assign 1042 nobody"])
async def test_s18_more_changes_than_the_limit_are_refused_with_words(stage, root, most, typed):
    del most[Kind.LOOKUPS]

    words = [await stage.told(typed) for _ in range(3)]

    assert [False, False, True] == [bool(TOLD.match(one)) for one in words]
    assert 2 == len(await stage.accepted())


async def test_s18_more_threads_unlinked_than_the_limit_are_refused_with_words(stage, most):
    del most[Kind.LOOKUPS]
    for number in "123":
        said = await stage.workspace.post(stage.ada, stage.channel, f"Thread {number}")
        await stage.link(said, number=number, ticket_id=number)

    words = [await stage.told(f"unlink {number}") for number in "123"]

    assert [False, False, True] == [bool(TOLD.match(one)) for one in words]
    assert ["3"] == [link.number async for link in stage.store.links.all()]


async def test_s18_more_switches_than_the_limit_are_refused_with_words(stage, root, most):
    del most[Kind.LOOKUPS]

    words = [await stage.told(f"mirror 1042 {what}") for what in ("nothing", "marked", "everything")]

    assert [False, False, True] == [bool(TOLD.match(one)) for one in words]
    assert "marked" == (await stage.store.links.get(stage.thread(root))).switches[-1].mirror


@pytest.mark.parametrize("typed", ["search printer", "view 1042"])
async def test_s18_more_look_ups_than_the_limit_are_refused_with_words(stage, root, typed):
    words = [await stage.told(typed) for _ in range(3)]

    assert [False, False, True] == [bool(TOLD.match(one)) for one in words]


@pytest.mark.parametrize("most", ["person", "workspace"], indirect=True)
async def test_s18_more_look_ups_in_a_list_than_the_limit_are_refused_in_it(stage):
    await stage.shortcut(await stage.workspace.post(stage.ada, stage.channel, "It burns"), Shortcut.ADD)
    await stage.settled()

    lists = [await stage.suggested(Block.TICKET.of("local"), f"printer {letter}") for letter in "abc"]

    assert ([], []) == (lists[0], lists[1])
    assert [True] == [bool(TOLD.match(one)) for one in lists[2]]


async def test_s18_more_numbers_in_a_form_than_the_limit_are_refused_beside_it(stage, monkeypatch):
    monkeypatch.setattr(joining, "FLOOR", 0)
    said = await stage.workspace.post(stage.ada, stage.channel, "It burns")
    await stage.shortcut(said, Shortcut.ADD)
    await stage.settled()

    answers = [await stage.submit({Block.NUMBER: f"90000{number}"}) for number in range(3)]

    words = [answer.body["errors"][Block.NUMBER] for answer in answers]
    assert [False, False, True] == [bool(TOLD.match(one)) for one in words]


async def test_s18_more_tickets_than_the_limit_are_refused_beside_the_form_and_nothing_typed_is_lost(stage):
    given = {Block.SUBJECT: "It burns", Block.DESCRIPTION: "Help", Block.DEPARTMENT.of("local"): "IT"}
    answers = []
    for _ in range(3):
        await stage.ticket("")
        await stage.settled()
        answers.append(await stage.submit(given))

    assert [None, None] == [answer.body for answer in answers[:2]]
    (words,) = answers[2].body["errors"].values()
    assert TOLD.match(words)
    assert words.endswith(" minutes.")
    assert 2 == len(await stage.accepted())


async def test_s18_each_reaction_beyond_the_limit_is_answered_once(simple, stage):
    said = [await stage.workspace.post(stage.ada, stage.channel, f"Thread {number}") for number in range(3)]
    for message in said:
        await stage.workspace.react(stage.ada, stage.channel, message["ts"], "ticket")
    await stage.workspace.react(stage.ada, stage.channel, said[2]["ts"], "ticket", add=False)
    await stage.workspace.react(stage.ada, stage.channel, said[2]["ts"], "ticket")

    for _ in range(2):
        await stage.events("reaction_added")

    works = await stage.accepted()
    told = [work.text for work in works if work.kind == "tell"]
    assert (2, [True, True]) == (len(works) - len(told), [bool(TOLD.match(words)) for words in told])


async def test_s18_more_tickets_by_a_workflow_than_the_limit_end_their_step_with_words(stage):
    stage.workspace.steps.functions = read(manifest_text(step=True))["functions"]
    for _ in range(3):
        inputs = {"subject": "It burns", "description": "Help", "requester": stage.ben, "channel": stage.channel}
        await stage.workspace.run_step(STEP, inputs)

    for _ in range(2):  # Slack may hand an event over twice
        await stage.events("function_executed")

    works = await stage.accepted()
    told = [work.error for work in works if work.kind == "finish_step"]
    assert (2, [True]) == (len(works) - len(told), [bool(TOLD.match(words)) for words in told])


async def test_s18_more_threads_moved_than_new_tickets_are_allowed_are_refused_with_words(two, stage):
    for number in range(3):
        said = await stage.workspace.post(stage.ada, stage.channel, f"Thread {number}")
        link = await stage.link(said, number=str(number), ticket_id=str(number))
        await stage.told(f"move {number} other")
        button = {"action_id": Action.MOVE, "block_id": "move", "type": "button", "value": f"{link.thread}|other"}
        who = {"team": {"id": stage.team}, "user": {"id": stage.ada, "team_id": stage.team}}
        where = {"channel": {"id": stage.channel}, "container": {"type": "message"}, "trigger_id": f"1.{number}"}
        await stage.app.interaction({"type": "block_actions", **who, **where, "actions": [button]})
    await stage.settled()

    assert 2 == len([work for work in await stage.accepted() if work.kind == "move_ticket"])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.TICKETS, "You have had 1 new ticket within an hour,"),
        (Kind.CHANGES, "You have had 1 change within a minute,"),
        (Kind.LOOKUPS, "You have had 1 look-up of tickets within a minute,"),
    ],
)
async def test_s18_a_limit_of_one_is_said_as_one(store, kind, words):
    allowance = Allowance(store.scratch, {kind: Most(person=1)})

    said = [
        await allowance.why_not(Actor(id="U1", team="T1"), kind, channel="C1", once=gesture) for gesture in ("a", "b")
    ]

    assert ["", words] == [said[0], said[1][: len(words)]]


async def test_s18_the_same_form_sent_again_counts_once(stage):
    given = {Block.SUBJECT: "It burns", Block.DESCRIPTION: "Help", Block.DEPARTMENT.of("local"): "IT"}
    await stage.ticket("")
    await stage.settled()
    await stage.submit(given)
    again = stage.door.interactions[-1]

    answers = [await stage.app.interaction(again) for _ in range(5)]

    assert [b""] * 5 == [answer.content for answer in answers]
    assert 1 == len(await stage.accepted())


async def test_s18_what_is_written_in_a_linked_thread_is_never_counted(stage, root):
    for number in range(6):
        await stage.workspace.post(stage.ben, stage.channel, f"reply {number}", thread_ts=root["ts"])

    await stage.events("message")

    assert [f"reply {number}" for number in range(6)] == [work.message["text"] for work in await stage.accepted()]
