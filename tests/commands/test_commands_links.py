"""`threadline links` and `reconcile`: what is there is said whole, and what cannot be read here is counted."""

import json
import sys
from datetime import UTC, datetime

import pytest

from bot.commands.console import table
from bot.conversion.records import Link
from tests.commands.test_commands_forget import LANE, THREAD, directory, stored, threadline

__all__ = ["directory", "threadline"]


def link(**more):
    known = {"desk": "helpdesk", "ticket_id": "7", "number": "#7", "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    return Link(thread=THREAD, **(known | more))


def said(result):
    return " ".join((result.output + (result.stderr or "")).split())


def test_a_thread_is_in_one_piece_and_written_as_the_commands_take_it(threadline, directory):
    stored(directory, lambda store: store.links.put(link(subject="the printer on the second floor " * 3)))

    (listed,) = json.loads(threadline("links", "list", "--json").output)

    assert LANE == listed["thread"]
    assert LANE == json.loads(threadline("links", "show", listed["thread"], "--json").output)["thread"]
    assert [LANE] == [line.split()[0] for line in threadline("links", "list").output.splitlines()[1:]]
    assert f"thread {LANE} " in said(threadline("links", "show", LANE))


def test_on_a_screen_that_is_too_narrow_ids_stay_in_one_piece_and_texts_are_broken(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    table(("lane", "operation", "why"), [(LANE, f"msg:{LANE}", "the desk refused this for a reason that is long")])

    _, first, second = capsys.readouterr().out.splitlines()
    assert [LANE, f"msg:{LANE}", "the", "desk", "refused", "this", "for", "a"] == first.split()
    assert "reason that is long" == second.strip()


def test_an_emoji_is_printed_as_it_is_written(threadline, directory):
    stored(directory, lambda store: store.links.put(link(subject="no :ticket: here")))

    assert "no :ticket: here" in said(threadline("links", "list"))


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("show", LANE), ("remove", LANE)])
def test_links_that_cannot_be_read_here_are_counted_and_the_exit_code_says_so(threadline, directory, words):
    stored(directory, lambda store: store.links.put(link()), key=b"k" * 32)

    result = threadline("links", *words)

    assert (1, True) == (result.exit_code, "1 records cannot be read here: a newer Threadline" in said(result))


def test_a_mistake_is_an_object_where_one_was_asked_for(threadline, monkeypatch):
    nonsense = threadline("links", "show", "nonsense", "--json")
    unknown = threadline("parked", "show", LANE, "msg", "--json")
    monkeypatch.setenv("THREADLINE_CONFIG", "nowhere.toml")
    settings = threadline("links", "list", "--json")

    assert [1, 1, 1] == [result.exit_code for result in (nonsense, unknown, settings)]
    assert "'nonsense' is not a thread." in json.loads(nonsense.stdout)["error"]
    assert "Nothing called msg is parked" in json.loads(unknown.stdout)["error"]
    assert "There is no settings file nowhere.toml." in json.loads(settings.stdout)["error"]


def test_the_doctor_names_a_desk_that_has_links_and_left_the_settings(threadline, directory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored(directory, lambda store: store.links.put(link(desk="retired")))

    result = threadline("doctor")

    assert (1, True) == (result.exit_code, "Desk retired: the settings have no [desks.retired]" in said(result))
    assert "Desk helpdesk: the settings" not in said(result)
