"""The benchmarks run: a row that is tiny gives figures, and the table and the pictures can be made of them."""

import shutil

import pytest

from bench import door, growth, writing
from bench.__main__ import ROWS
from bench.measuring import Figure, Skipped
from bench.table import table


@pytest.mark.crash
async def test_the_door_is_measured_against_each_of_its_references():
    lines = await door.measure(seconds=0.05, rounds=1)

    there, skipped = door.doors()
    measured = [line for line in lines if isinstance(line, Figure)]
    assert len(there) * len(door.IN_FLIGHT) == len(measured)
    assert skipped == [line for line in lines if isinstance(line, Skipped)]
    assert all(line.value > 0 for line in measured)
    assert [1.0, 1.0] == [line.ratio for line in measured if line.what.startswith("(a)")]


def test_the_reference_in_javascript_is_skipped_in_words_where_there_is_no_node(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    there, skipped = door.doors()

    assert ["there is no Node.js"] == [line.why for line in skipped if isinstance(line, Skipped)]
    assert set(door.DOORS) - set(there) == set(door.BOLT_JS)


async def test_links_are_counted_in_bytes():
    lines = await growth.links(most=1_000, looks=3)

    thousand = lines[-1]
    assert isinstance(thousand, Figure)
    assert thousand.more["bytes_per_link"] > 100


async def test_a_backlog_is_emptied_to_the_last_operation():
    (line,) = await growth.backlog(most=100)

    assert "100 waiting, taken and finished" == line.what


def test_each_row_has_its_line_in_the_page_of_the_benchmarks():
    page = (writing.HERE / "README.md").read_text()

    assert [] == [row for row in ROWS if f"| `{row}` |" not in page]


def test_figures_are_written_into_the_page_and_those_of_other_rows_stay(tmp_path):
    shutil.copy(writing.HERE / "README.md", tmp_path)
    first = Figure(row="door", what="one", value=1.0, unit="events/s")
    second = Figure(row="links", what="<two>", value=0.0, unit="µs")

    for line in (first, second, second):
        writing.write([line], at="2026-01-01T00:00:00", machine="a machine", folder=tmp_path)

    page = (tmp_path / "README.md").read_text()
    assert (1, 1) == (page.count("| one |"), page.count("| <two> |"))
    assert "&lt;two&gt;" in (tmp_path / "links.svg").read_text()
    assert 2 == table([first, second]).row_count
