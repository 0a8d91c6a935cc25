"""The capability matrix is the same in the command, in the docs and in the code."""

import json
from pathlib import Path

from typer.testing import CliRunner

from adapters.registry import KINDS, matrix
from bot.cli import app

PAGE = Path(__file__).parents[2] / "docs" / "adapters" / "README.md"


def test_the_command_prints_what_the_adapters_claim():
    printed = CliRunner().invoke(app, ["adapters", "--json"], catch_exceptions=False).stdout

    found = json.loads(printed)
    expected = {kind: {row[0]: row[at] for row in matrix()[1:]} for at, kind in enumerate(KINDS, start=1)}
    assert expected == found


def test_the_page_holds_the_same():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert [list(row) for row in matrix()[1:]] == found[1:]
