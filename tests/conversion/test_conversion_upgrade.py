"""Releases side by side: today's records stay readable for ever, and what a newer one wrote is not spoilt."""

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from bot.conversion.records import (
    AddMessage,
    Operation,
    Progress,
    Work,
    decode,
    delivered_from,
    encode,
    link_from,
    stored_form,
)
from bot.conversion.stored import UnknownVersion

STORED = Path(__file__).parent / "records" / "v1"
"""Every record as version 1 wrote it, each field with something in it. Never write one anew: add files only."""
WORKS = sorted(kind.model_fields["kind"].default for kind in get_args(get_args(Work)[0]))
NEW = st.dictionaries(st.sampled_from(["mood", "tags"]), st.integers() | st.lists(st.text(max_size=5)), min_size=1)


def stored(name):
    return (STORED / f"{name}.json").read_text().strip()


def test_each_kind_of_work_has_its_record():
    """A new kind gets one as well: what its first release writes, once."""
    assert WORKS == sorted({file.stem for file in STORED.iterdir()} - {"link", "delivered"})


@pytest.mark.parametrize("kind", WORKS)
def test_work_of_version_1_is_read_with_every_field(kind):
    operation = decode(stored(kind))

    assert kind == operation.work.kind
    assert json.loads(stored(kind)) == json.loads(encode(operation))


def test_a_link_of_version_1_is_read_with_every_field():
    assert json.loads(stored("link")) == json.loads(stored_form(link_from(stored("link"))))


def test_the_place_of_a_message_of_version_1_is_read_with_every_field():
    assert json.loads(stored("delivered")) == json.loads(stored_form(delivered_from(stored("delivered"))))


def test_a_mark_counts_where_no_older_release_moved_on_without_it():
    link = link_from(stored("link")).model_copy(update={"seen": "n4", "mark": "n4,r7"})

    assert ("n4,r7", "n45") == (link.after, link.model_copy(update={"seen": "n45"}).after)


@given(NEW)
def test_a_link_is_changed_without_spoiling_what_a_newer_release_added(new):
    newer = json.loads(stored("link")) | new

    older = link_from(json.dumps(newer)).model_copy(update={"status": "closed"})

    assert newer | {"status": "closed"} == json.loads(stored_form(older))


@given(NEW)
def test_progress_is_written_on_without_spoiling_what_a_newer_release_added(new):
    newer = json.loads(stored("add_message"))
    newer["progress"] |= new

    older = decode(json.dumps(newer))
    older.progress.attempts = 9

    assert newer["progress"] | {"attempts": 9} == json.loads(encode(older))["progress"]


def test_what_is_as_always_is_not_written_so_that_older_releases_read_it():
    written = json.loads(encode(Operation(work=AddMessage(actor="U1", ts="1.2"))))

    assert {"v": 1, "work": {"kind": "add_message", "actor": "U1", "ts": "1.2"}, "progress": {}} == {
        "progress": {},
        **written,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"new": 1},
        {"work": {"kind": "hold_meeting", "actor": "U1"}},
        {"work": {"kind": "add_message", "actor": "U1", "mood": "good"}},
        {"work": {"kind": "add_message", "actor": "U1", "visibility": "whispered"}},
    ],
    ids=["version", "field", "kind of work", "field of work", "value"],
)
def test_work_that_says_anything_unknown_is_not_read(change):
    with pytest.raises(UnknownVersion):
        decode(json.dumps(json.loads(stored("add_message")) | change))


@pytest.mark.parametrize("change", [{"v": 2}, {"visibility": "whispered"}, {"thread": "T1"}])
def test_a_link_that_says_something_else_than_we_know_is_not_read(change):
    with pytest.raises(UnknownVersion):
        link_from(json.dumps(json.loads(stored("link")) | change))


def test_progress_has_no_field_that_an_older_release_must_obey():
    """What must be obeyed gets a version; these are of version 1 and known to every release."""
    known = set(json.loads(stored("tell"))["progress"])

    assert known <= set(Progress.model_fields)
