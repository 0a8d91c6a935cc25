"""Reading a form, and what it remembers while it is open."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from adapters.contract import Capability, Limits
from adapters.model import Field, FieldKind, Visibility
from bot.conversion.catalogue import Listing
from bot.slack.ids import Block, Modal
from bot.slack.policy import Actor
from bot.slack.seal import LIFETIME, Forged, Memory, Seal
from bot.slack.sources import Starter, first_line
from bot.slack.submission import read, typed_in, value_of, wrong_with
from bot.slack.web import Identity
from tests.slack.test_slack_views import ViewedDesk

MEMORY = Memory(form=Modal.TICKET, user="U1", team="T1", channel="C1", desk="local")
GOOD: dict[str, Any] = {Block.SUBJECT: {"value": "Printer"}, Block.DESCRIPTION: {"value": "It burns"}}
NONE: Listing[Field] = Listing()


def fields(*asked):
    return Listing(asked)


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        (FieldKind.INTEGER, "42", ""),
        (FieldKind.INTEGER, "4.2", "Write a whole number, such as 42."),
        (FieldKind.NUMBER, "4.2", ""),
        (FieldKind.NUMBER, "NaN", "Write a number, such as 3.5."),
        (FieldKind.NUMBER, "four", "Write a number, such as 3.5."),
        (FieldKind.DATE, "2026-02-28", ""),
        (FieldKind.DATE, "2026-02-30", "Write a date as year-month-day, such as 2026-11-22."),
        (FieldKind.DATE, "20260228", "Write a date as year-month-day, such as 2026-11-22."),
        (FieldKind.DATETIME, "2026-02-28T10:00:00+00:00", ""),
        (FieldKind.DATETIME, "2026-02-28T10:00:00", "Choose a day and a time."),
        (FieldKind.YES_NO, "maybe", "Choose yes or no."),
        (FieldKind.TEXT, "anything", ""),
        (FieldKind.INTEGER, "", ""),
    ],
)
def test_a_value_is_of_its_fields_kind_or_the_words_say_what_to_write(kind, value, problem):
    assert problem == wrong_with(Field(key="k", label="K", kind=kind), value)


def test_required_and_too_long_are_said_beside_the_field_by_the_desks_own_limits():
    desk = ViewedDesk("local", title="WHMCS", subject=5)
    desk.limits = Limits(subject=5, body=4, file=1000, files=1)
    desk.settings = desk.settings.model_copy(update={"required_fields": ("asset",)})
    files = [{"id": "F1", "name": "a.png", "size": 2000}, {"id": "F2", "name": "b.png", "size": 1}]
    typed = GOOD | {Block.FILES: {"files": files}, Block.FIELD.of("local", "note"): {"value": "xxx"}}

    found = read(MEMORY, desk, typed, fields(Field(key="asset", label="A"), Field(key="note", label="N", max_length=2)))

    assert found.work is None
    assert {
        Block.SUBJECT: "WHMCS takes 5 characters at most; these are 7.",
        Block.DESCRIPTION: "WHMCS takes 4 characters at most; these are 8.",
        Block.FILES: "WHMCS takes 1 file at most; these are 2.",
        Block.FIELD.of("local", "asset"): "This is needed.",
        Block.FIELD.of("local", "note"): "At most 2 characters; these are 3.",
    } == found.problems


def test_a_file_that_is_too_large_is_named():
    desk = ViewedDesk("local", title="WHMCS")
    desk.limits = Limits(file=1_000_000)
    typed = GOOD | {Block.FILES: {"files": [{"id": "F1", "name": "a.png", "size": 2_000_000}]}}

    found = read(MEMORY, desk, typed, NONE)

    assert {Block.FILES: "WHMCS takes files of 1 MB at most. Too large: a.png."} == found.problems


def test_fields_that_were_drawn_are_read_although_the_desk_does_not_tell_its_fields_any_more():
    typed = GOOD | {Block.FIELD.of("local", "a:b"): {"value": "7"}, Block.FIELD.of("other", "x"): {"value": "no"}}

    found = read(MEMORY, ViewedDesk("local"), typed, Listing((), known=False))

    assert found.work
    assert {"a:b": "7"} == found.work.fields


@pytest.mark.parametrize(
    ("typed", "requester"),
    [
        ("grace@example.com", ("", "grace@example.com")),
        ("<grace@mail.example.com>", ("", "grace@mail.example.com")),
        ("Grace Hopper <grace@example.com>", ("Grace Hopper", "grace@example.com")),
        ("Lovelace, Ada <ada@x.com>", ("Lovelace, Ada", "ada@x.com")),
        ('"Lovelace, Ada (IT)" <ada@x.com>', ("Lovelace, Ada (IT)", "ada@x.com")),
        ("zoë.o'neill+desk@bücher.example", ("", "zoë.o'neill+desk@bücher.example")),
        ("a@x.com, b@y.com", None),
        ("a@x.com; b@y.com", None),
        ("a@x.com b@y.com", None),
        ("Grace <a@x.com> <b@y.com>", None),
        ("Grace <a@x.com> and others", None),
        ("Grace Hopper grace@example.com", None),
        ("grace@example.com.", None),
        ("grace@example", None),
        ("grace@-example.com", None),
        ("grace@@example.com", None),
        ("@example.com", None),
        ("Grace", None),
    ],
)
def test_a_requester_who_is_not_on_slack_is_one_address_with_perhaps_a_name_before_it(typed, requester):
    found = read(MEMORY, ViewedDesk("local"), GOOD | {Block.OUTSIDER: {"value": typed}}, NONE)

    named = (found.work.requester_name, found.work.requester_email) if found.work else None
    assert (requester, requester is None) == (named, Block.OUTSIDER in found.problems)


def test_a_bare_form_takes_what_the_settings_say():
    desk = ViewedDesk("local")
    desk.settings = desk.settings.model_copy(update={"visibility": Visibility.INTERNAL, "notify": False})

    found = read(MEMORY, desk, GOOD, NONE)

    assert found.work
    assert ("c7", "gone", Visibility.INTERNAL, False, "U1") == (
        found.work.department,
        found.work.priority,
        found.work.visibility,
        found.work.notify,
        found.work.requester,
    )


def test_a_desk_without_internal_tickets_gets_public_ones():
    desk = ViewedDesk("local", capabilities=set(Capability) - {Capability.INTERNAL_TICKET})
    desk.settings = desk.settings.model_copy(update={"visibility": Visibility.INTERNAL})

    found = read(MEMORY, desk, GOOD, NONE)

    assert found.work
    assert Visibility.PUBLIC == found.work.visibility


def test_a_visibility_that_was_never_offered_is_the_desks_own():
    desk = ViewedDesk("local")
    desk.settings = desk.settings.model_copy(update={"visibility": Visibility.INTERNAL})

    found = read(MEMORY, desk, GOOD | {Block.VISIBILITY.of("local"): {"selected_option": {"value": "secret"}}}, NONE)

    assert found.work
    assert Visibility.INTERNAL == found.work.visibility


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.dictionaries(st.text(), inner),
        max_leaves=9,
    )
)
def test_the_state_of_an_element_that_we_do_not_know_is_nothing(state):
    value = {"type": "unknown_select", "chosen": state}

    assert "" == value_of(value)
    assert {} == typed_in({"state": {"values": {}}})


# --- what the form remembers ---


def test_s12_what_was_sealed_comes_back_for_its_person_and_form_only():
    seal = Seal("secret")
    sealed = seal.close(MEMORY)

    assert MEMORY == seal.open(sealed, form=Modal.TICKET, user="U1").model_copy(update={"until": 0.0})
    for form, user in ((Modal.NOTE, "U1"), (Modal.TICKET, "U2")):
        with pytest.raises(Forged):
            seal.open(sealed, form=form, user=user)


@given(st.text(max_size=300))
def test_what_others_write_is_refused(text):
    seal = Seal("secret")

    for forged in (text, seal.close(MEMORY) + text + ".", Seal("other").close(MEMORY)):
        with pytest.raises(Forged):
            seal.open(forged, form=Modal.TICKET, user="U1")


def test_a_form_is_good_for_half_an_hour_and_a_larger_one_still_fits():
    now = [1000.0]
    seal = Seal("secret", clock=lambda: now[0])
    long = MEMORY.model_copy(
        update={"kept": "k" * 24, "thread_ts": "1" * 17, "message_ts": "1" * 17, "desk": "d" * 100}
    )
    memory = seal.open(seal.close(long), form=Modal.TICKET, user="U1")

    assert not seal.is_over(memory)
    now[0] += LIFETIME + 1
    assert seal.is_over(memory)
    assert len(seal.close(long)) < 3000


# --- who, and where it begins ---


@pytest.mark.parametrize(
    ("body", "own"),
    [
        ({"user_id": "U1", "team_id": "T1"}, True),
        ({"user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}}, True),
        ({"user": {"id": "U1", "team_id": "T2"}, "team": {"id": "T1"}}, False),
        ({"team_id": "T1", "event": {"user": "U1", "user_team": "T2"}}, False),
        ({"team_id": "T1", "event": {"user": "U1"}}, True),
        # a form of theirs tells their own workspace and organisation
        ({"team": {"id": "T2"}, "user": {"id": "U1", "team_id": "T2"}, "view": {"app_installed_team_id": "T1"}}, False),
        ({"team": {"id": "T2"}, "enterprise": {"id": "E2"}, "user": {"id": "U1", "team_id": "E2"}}, False),
        # our own organisation is told in the place of a workspace
        ({"team": {"id": "T1"}, "user": {"id": "U1", "team_id": "E1"}}, True),
        ({"team_id": "T1", "enterprise_id": "E1", "event": {"user": "U1", "user_team": "E1"}}, True),
        ({"team_id": "T1", "event": {"user": "U1", "user_team": "T3", "user_enterprise": "E1"}}, True),
        ({"team_id": "T1", "event": {"user": "U1", "user_team": "T3", "user_enterprise": "E2"}}, False),
    ],
)
def test_people_of_another_company_are_no_members(body, own):
    actor = Actor.of(body, Identity("T1", "U0", "B0", enterprise_id="E1"))

    assert ("U1", "T1", own) == (actor.id, actor.team, actor.own)


def test_another_workspace_of_our_organisation_is_ours():
    body = {"team": {"id": "T3"}, "enterprise": {"id": "E1"}, "user": {"id": "U1", "team_id": "T3"}}

    assert [True, False] == [Actor.of(body, Identity("T1", "U0", "B0", enterprise_id=one)).own for one in ("E1", "")]


def test_a_subject_begins_with_the_first_line_cut_at_a_word():
    assert "The printer burns" == first_line("\n  The printer burns \nsince nine")
    assert ("word " * 16).strip() + "…" == first_line("word " * 40)
    assert 80 == len(first_line("x" * 500))
    assert "" == first_line(" \n ")


def test_a_subject_begins_with_what_a_message_looks_like():
    text = "<@U1|ada>: the *red* <https://x.example|page> in <#C1|general> &lt; 2 :fire:"

    typed = Starter(channel="C1", message={"ts": "1.000001", "user": "U2", "text": text}).typed("U1", behalf=True)

    assert "@somebody: the red page (https://x.example) in #channel < 2 🔥" == typed[Block.SUBJECT]["value"]
    assert Block.DESCRIPTION not in typed


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("<@UUS> new the door &amp; its frame\nare stuck", "the door & its frame"),
        ("<@UUS> reply it is stuck", "it is stuck"),
        ("<@UUS> note the customer is cross", ""),
        ("<@UBEN> new printers please", "@somebody new printers please"),
    ],
)
def test_a_subject_is_made_of_what_stands_behind_our_name_and_the_verb(text, subject):
    starter = Starter(message={"ts": "1.000001", "user": "U2", "text": text}, us="UUS")

    assert subject == starter.typed("U1", behalf=True)[Block.SUBJECT]["value"]


def test_a_message_of_an_app_has_no_requester_of_its_own():
    message = {"ts": "1.000001", "bot_id": "B1", "user": "UBOT", "text": "alert"}

    assert "U1" == Starter(channel="C1", message=message).typed("U1", behalf=True)[Block.REQUESTER]["selected_user"]


@pytest.mark.parametrize(("behalf", "requester"), [(True, "U2"), (False, "U1")])
def test_who_may_not_open_tickets_for_others_is_the_requester_of_what_others_wrote(behalf, requester):
    typed = Starter(message={"ts": "1.000001", "user": "U2", "text": "help"}).typed("U1", behalf=behalf)

    assert requester == typed[Block.REQUESTER]["selected_user"]
