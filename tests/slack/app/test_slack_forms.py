"""The form for a new ticket: it opens at once, follows what is chosen, and loses nothing."""

import json

import pytest

from adapters.model import Field, Visibility
from bot.conversion.ports import SlackTrouble, StoreAway
from bot.slack.forms import FOLLOWED, NOT_STORED, OLD
from bot.slack.ids import Block
from bot.slack.threads import SlackThreads

DEPARTMENT, PRIORITY = Block.DEPARTMENT.of("local"), Block.PRIORITY.of("local")
FILLED = {Block.SUBJECT: "Printer", Block.DESCRIPTION: "It burns", DEPARTMENT: "IT"}


@pytest.fixture
def fields(tables):
    """A desk that asks for more in some departments."""
    tables["local"]["fields"] = [
        {"key": "asset", "label": "Asset number", "kind": "integer", "required": True, "departments": ["IT"]},
        {"key": "room", "label": "Room", "departments": ["Facilities"]},
        {"key": "since", "label": "Since", "kind": "date"},
        {"key": "when", "label": "When", "kind": "datetime"},
        {"key": "urgent", "label": "Urgent", "kind": "yes_no"},
    ]


@pytest.fixture
def two(tables, tmp_path):
    tables["second"] = {
        "kind": "local",
        "path": tmp_path / "second.sqlite",
        "title": "Second desk",
        "departments": ["Sales"],
        "department": "Sales",
    }


@pytest.fixture
def many(tables):
    tables["local"]["departments"] = [f"Department {number}" for number in range(250)]


async def labels(stage):
    return [block["label"]["text"] for block in stage.view(stage.ada)["blocks"] if "label" in block]


async def test_a_cold_form_opens_before_its_desk_has_answered_and_is_filled_then(stage):
    stage.desk.held.clear()

    await stage.ticket("printer")
    before = await labels(stage)
    stage.desk.held.set()
    await stage.settled()
    after = stage.blocks(stage.ada)

    assert before[:4] == ["Department", "Priority", "Subject", "Description"]
    assert "static_select" == after[DEPARTMENT]["element"]["type"]
    assert ["Support", "IT", "Facilities"] == [one["value"] for one in after[DEPARTMENT]["element"]["options"]]
    assert 1 == stage.server.calls["views.open"]


async def test_a_warm_form_is_whole_at_once_with_one_call(stage):
    await stage.ticket()
    await stage.settled()
    calls = sum(stage.server.calls.values())

    await stage.ticket("again")

    assert "static_select" == stage.blocks(stage.ada)[DEPARTMENT]["element"]["type"]
    assert calls + 1 == sum(stage.server.calls.values())


async def test_a_form_waits_once_for_slack_to_tell_who_opens_it(two, stage, monkeypatch):
    await stage.ticket()
    await stage.settled()
    waits = []

    async def silent(self, user):
        waits.append(user)
        raise SlackTrouble("timeout")

    monkeypatch.setattr(SlackThreads, "author", silent)
    await stage.ticket("printer", user=stage.ben)

    assert [stage.ben] == waits
    assert "printer" == stage.blocks(stage.ben)[Block.SUBJECT]["element"]["initial_value"]
    assert Block.REQUESTER not in stage.blocks(stage.ben)


async def test_what_the_form_says_is_what_is_asked_of_the_intake(stage):
    await stage.ticket()
    await stage.settled()
    photo = await stage.workspace.upload(stage.ada, "fire.png", b"png", "image/png")

    answer = await stage.submit(
        FILLED
        | {
            PRIORITY: "High",
            Block.REQUESTER: stage.ben,
            Block.VISIBILITY.of("local"): "internal",
            Block.NOTIFY.of("local"): [],
            Block.FILES: [photo],
        }
    )

    assert (None, "") == (answer.body, answer.error)
    (work,) = await stage.accepted()
    assert ("local", stage.ada, stage.channel, "") == (work.desk, work.actor, work.channel, work.thread_ts)
    assert ("Printer", "It burns", "IT", "High") == (work.subject, work.description, work.department, work.priority)
    assert (stage.ben, Visibility.INTERNAL, False) == (work.requester, work.visibility, work.notify)
    assert [(photo, "fire.png")] == [(file.id, file.name) for file in work.files]


@pytest.mark.parametrize("usual", ["High", ""])
async def test_a_priority_that_the_settings_name_can_be_changed_and_not_cleared(stage, usual):
    """An empty one would mean that of the settings, which is not what the form would show."""
    stage.desk.settings = stage.desk.settings.model_copy(update={"priority": usual})
    await stage.ticket()
    await stage.settled()

    block = stage.blocks(stage.ada)[PRIORITY]

    assert (not usual, bool(usual)) == (block["optional"], "initial_option" in block["element"])


async def test_a_requester_who_is_not_on_slack_goes_before_one_who_is(stage):
    await stage.ticket()
    await stage.settled()

    await stage.submit(FILLED | {Block.OUTSIDER: "Grace Hopper <grace@example.com>"})

    (work,) = await stage.accepted()
    assert ("", "Grace Hopper", "grace@example.com") == (work.requester, work.requester_name, work.requester_email)


async def test_the_form_asks_for_what_goes_with_the_department_and_keeps_what_was_typed(fields, stage):
    await stage.ticket()
    await stage.settled()
    at_first = await labels(stage)

    await stage.choose(DEPARTMENT, "IT", filled={Block.SUBJECT: "Half a subj", Block.DESCRIPTION: "Half"})

    assert "Asset number" not in at_first
    assert "Since" in at_first
    assert "Asset number" in await labels(stage)
    assert "Room" not in await labels(stage)
    assert "Half a subj" == stage.typed()[Block.SUBJECT]["value"]
    assert "Half" == stage.typed()[Block.DESCRIPTION]["value"]


async def test_the_form_follows_the_desk_and_what_is_sent_belongs_to_it(two, stage):
    await stage.ticket()
    await stage.settled()

    await stage.choose(Block.DESK, "second", filled={Block.SUBJECT: "Typed before"})
    await stage.submit({Block.DESCRIPTION: "It burns"})

    (work,) = await stage.accepted()
    assert ("second", "Sales", "Typed before") == (work.desk, work.department, work.subject)


async def test_a_form_that_could_not_follow_in_time_is_drawn_again_before_it_is_taken(two, stage):
    await stage.ticket()
    await stage.settled()
    stage.server.fail("views.update", "hash_conflict")
    await stage.choose(Block.DESK, "second", filled={Block.SUBJECT: "Printer", Block.DESCRIPTION: "It burns"})

    answer = await stage.submit({DEPARTMENT: "IT"})

    assert "update" == answer.body["response_action"]
    assert FOLLOWED in stage.words(stage.ada)
    assert [] == await stage.accepted()
    await stage.submit()
    assert [("second", "Printer", "Sales")] == [
        (work.desk, work.subject, work.department) for work in await stage.accepted()
    ]


async def test_problems_stand_beside_their_fields_and_nothing_is_accepted(fields, stage):
    await stage.ticket()
    await stage.settled()
    await stage.choose(DEPARTMENT, "IT")

    answer = await stage.submit(
        {
            Block.SUBJECT: "  ",
            Block.DESCRIPTION: " ",
            Block.OUTSIDER: "not an address",
            Block.FIELD.of("local", "asset"): "12",
        }
    )

    assert {
        Block.SUBJECT: "Give the ticket a subject.",
        Block.DESCRIPTION: "Say what the ticket is about.",
        Block.OUTSIDER: "Write one e-mail address, such as grace@example.com. A name goes before it like this: Grace "
        "Hopper <grace@example.com>.",
    } == answer.body["errors"]
    assert [] == await stage.accepted()


async def test_custom_fields_travel_in_the_form_that_their_kind_says(fields, stage):
    await stage.ticket()
    await stage.settled()
    await stage.choose(DEPARTMENT, "IT")
    given = {"asset": "12", "since": "2026-11-22", "when": 1_800_000_000, "urgent": "yes"}

    await stage.submit(FILLED | {Block.FIELD.of("local", key): value for key, value in given.items()})

    (work,) = await stage.accepted()
    assert {"asset": "12", "since": "2026-11-22", "when": "2027-01-15T08:00:00+00:00", "urgent": "yes"} == work.fields


async def test_more_fields_than_a_form_holds_leave_the_required_ones_in_it_and_the_rest_are_counted(stage):
    async def ninety(department=None):
        return tuple(Field(key=f"f{one}", label=f"Field {one}", required=one == 85) for one in range(90))

    stage.desk.custom_fields = ninety
    await stage.ticket()
    await stage.settled()

    named, words = [name for name in await labels(stage) if name.startswith("Field ")], stage.words(stage.ada)
    answer = await stage.submit(FILLED | {Block.FIELD.of("local", "f85"): "yes"})

    assert ["Field 85", *(f"Field {one}" for one in range(79))] == named
    assert "Local desk has 10 more fields than a form holds. Fill them in there." in words
    assert (None, [{"f85": "yes"}]) == (answer.body, [work.fields for work in await stage.accepted()])


async def test_a_desk_that_requires_more_fields_than_a_form_holds_gets_its_ticket_without_the_rest(stage):
    async def ninety(department=None):
        return tuple(Field(key=f"f{one}", label="F", required=True) for one in range(90))

    stage.desk.custom_fields = ninety
    await stage.ticket()
    await stage.settled()

    answer = await stage.submit(FILLED | {Block.FIELD.of("local", f"f{one}"): "yes" for one in range(80)})

    assert (None, [80]) == (answer.body, [len(work.fields) for work in await stage.accepted()])


async def test_a_desk_that_is_down_does_not_keep_the_form_from_being_taken(stage):
    stage.desk.down = True
    await stage.ticket("printer")
    await stage.settled()

    words = stage.words(stage.ada)
    await stage.submit({Block.DESCRIPTION: "It burns"})

    assert "Local desk does not answer just now." in words
    assert [("printer", "")] == [(work.subject, work.department) for work in await stage.accepted()]


async def test_a_list_that_is_too_long_is_searched(many, stage):
    await stage.ticket()
    await stage.settled()

    assert "external_select" == stage.blocks(stage.ada)[DEPARTMENT]["element"]["type"]
    assert ["Department 199"] == await stage.suggested(DEPARTMENT, "199")
    assert 100 == len(await stage.suggested(DEPARTMENT, ""))


async def test_a_cold_list_answers_nothing_rather_than_an_error(stage, monkeypatch):
    from datetime import timedelta

    from bot.slack import options

    monkeypatch.setattr(options, "BUDGET", timedelta(milliseconds=10))
    stage.desk.down = True
    await stage.ticket()
    await stage.settled()

    assert [] == await stage.suggested(DEPARTMENT, "x")


async def test_a_store_that_is_away_keeps_the_form_open_with_all_that_was_typed(stage, monkeypatch):
    await stage.ticket("printer")
    await stage.settled()

    async def away(self, ops):
        raise StoreAway

    with monkeypatch.context() as broken:
        broken.setattr(type(stage.store.lanes), "add", away)
        answer = await stage.submit(FILLED)

    assert {"response_action": "errors", "errors": {DEPARTMENT: NOT_STORED}} == answer.body
    assert "Printer" == stage.typed()[Block.SUBJECT]["value"]
    assert (await stage.submit()).body is None
    assert ["Printer"] == [work.subject for work in await stage.accepted()]


async def test_a_form_pressed_twice_opens_one_ticket(stage):
    await stage.ticket()
    await stage.settled()
    await stage.submit(FILLED)
    again = stage.door.interactions[-1]

    answer = await stage.app.interaction(again)

    assert (200, b"") == (answer.status, answer.content)
    assert 1 == len(await stage.accepted())


async def test_a_form_that_was_open_for_too_long_is_drawn_anew_with_what_was_typed(stage, monkeypatch):
    await stage.ticket()
    await stage.settled()
    with monkeypatch.context() as later:
        later.setattr("bot.slack.seal.LIFETIME", -1.0)
        await stage.ticket()
        await stage.settled()

    answer = await stage.submit(FILLED)

    assert "update" == answer.body["response_action"]
    assert OLD in stage.words(stage.ada)
    await stage.submit()
    assert ["Printer"] == [work.subject for work in await stage.accepted()]


async def test_metadata_that_is_not_ours_is_refused(stage):
    await stage.ticket()
    await stage.settled()
    await stage.submit({Block.SUBJECT: " ", **{k: v for k, v in FILLED.items() if k != Block.SUBJECT}})
    payload = json.loads(json.dumps(stage.door.interactions[-1]))
    payload["user"]["id"] = stage.ben

    answer = await stage.app.interaction(payload)

    assert "This form cannot be used." in answer.content.decode()
    assert [] == await stage.accepted()


async def test_the_global_shortcut_opens_a_form_that_belongs_to_no_channel(stage):
    await stage.workspace.global_shortcut(stage.ada, "new_ticket")
    await stage.settled()

    await stage.submit(FILLED)

    assert [""] == [work.channel for work in await stage.accepted()]
