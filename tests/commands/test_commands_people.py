"""`threadline people`: what is written is listed, and forgotten; what cannot be meant is refused with words."""

import json

import pytest
from typer.testing import CliRunner

from bot.cli import app


@pytest.fixture
def threadline(tmp_path, monkeypatch):
    config = tmp_path / "threadline.toml"
    config.write_text('[desks.helpdesk]\nkind = "local"\npath = "desk.sqlite"\n')
    monkeypatch.setenv("THREADLINE_DATA", str(tmp_path / "d"))
    monkeypatch.setenv("THREADLINE_CONFIG", str(config))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["people", *words])


def test_somebody_is_written_down_listed_and_forgotten(threadline):
    threadline("map", "helpdesk", "U0123", "--email", "grace@example.com")
    written = threadline("map", "helpdesk", "U0123", "--id", "42", "--name", "Grace")
    listed = json.loads(threadline("list", "--json").output)
    gone = threadline("unmap", "helpdesk", "U0123")

    assert "U0123 is 42 at helpdesk from now on" in written.output
    assert [("helpdesk", "U0123", "42", "", "Grace")] == [
        (one["desk"], one["user"], one["desk_id"], one["email"], one["name"]) for one in listed
    ]
    assert (0, []) == (gone.exit_code, json.loads(threadline("list", "--json").output))


def test_what_is_written_at_a_desk_that_the_settings_have_no_more_can_be_forgotten(threadline, tmp_path):
    threadline("map", "helpdesk", "U0123", "--id", "42")
    (tmp_path / "threadline.toml").write_text('[desks.other]\nkind = "local"\npath = "desk.sqlite"\n')
    listed = json.loads(threadline("list", "--json").output)
    gone = threadline("unmap", "helpdesk", "U0123")

    assert ["helpdesk"] == [one["desk"] for one in listed]
    assert (0, []) == (gone.exit_code, json.loads(threadline("list", "--json").output))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("map", "nowhere", "U0123", "--id", "42"), "The settings have no desk called nowhere. They have: helpdesk."),
        (("map", "helpdesk", "grace", "--id", "42"), "is not the id of a person in Slack"),
        (("map", "helpdesk", "U0123"), "Who are they there? Give --email, or --id"),
        (("map", "helpdesk", "U0123", "--email", "not an address"), "'not an address' is not an e-mail address."),
        (("map", "helpdesk", "U0123", "--id", " "), "Who are they there? Give --email, or --id"),
        (("unmap", "helpdesk", "U0999"), "Nothing is written of U0999 at helpdesk."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_words(threadline, words, said):
    result = threadline(*words)

    assert 1 == result.exit_code
    assert said in " ".join((result.output + (result.stderr or "")).split())
