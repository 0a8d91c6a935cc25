"""A thread becomes as few messages as a desk can carry, nothing is dropped without a word, and the order stays."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from adapters.contract import Capability, Limits
from bot.conversion.compose import BOLD, FOOTER, of_message, of_thread
from bot.conversion.ports import Author, SlackFile, ThreadMessage
from bot.conversion.text.plain import from_plain
from bot.conversion.text.tree import Code, Document, Item, Link, List, Paragraph, Quote, Run, paragraph
from tests.conversion.text.text_trees import documents, shown, squeezed

ALL = frozenset(Capability)
ADA = Author(id="U1", name="Ada")


def message(number, text="hello", files=()):
    at = datetime(2026, 11, 22, 10, 2, tzinfo=UTC)
    return ThreadMessage(ts=f"17{number:08}.0001", author=ADA, at=at, document=from_plain(text), files=tuple(files))


def file(name="a.png", size=100, **more):
    return SlackFile(id=name, name=name, size=size, **more)


def test_without_limits_a_thread_is_one_message():
    conversion = of_thread([message(n) for n in range(250)], limits=Limits(), capabilities=ALL)

    assert 1 == len(conversion.parts)
    assert 250 == conversion.parts[0].body.plain.count("Ada, 2026-11-22 10:02 UTC")


def test_the_description_stands_first():
    conversion = of_thread([message(1)], limits=Limits(), capabilities=ALL, description=from_plain("It burns."))

    assert conversion.parts[0].body.plain.startswith("It burns.")


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=900),
        min_size=1,
        max_size=25,
    ),
    limit=st.integers(min_value=1200, max_value=6000),
)
def test_each_part_fits_and_together_they_hold_each_message_once_and_in_order(texts, limit):
    messages = [message(n, text) for n, text in enumerate(texts)]

    conversion = of_thread(messages, limits=Limits(body=limit), capabilities=ALL)

    for part in conversion.parts:
        body = part.body
        assert max(len(text) for text in (body.plain, body.markdown, body.html) if text) + FOOTER <= limit
    assert [m.ts for m in messages] == [ts for part in conversion.parts for ts in part.messages]


def test_a_message_larger_than_a_part_is_cut_and_nothing_of_it_is_lost():
    text = "".join(f"{n:05}" for n in range(2000))

    conversion = of_thread([message(1, text)], limits=Limits(body=2000), capabilities=ALL)

    joined = "".join("".join(part.body.plain.split()) for part in conversion.parts)
    assert text in joined
    assert len(conversion.parts) > 1


FAMILY = "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL}\u200d\N{BOY}"
HERE = Link("https://a.example/" + "p" * 40, "here")


@pytest.mark.parametrize("unit", ["caution ", FAMILY, "line of a log\n"])
def test_a_paragraph_is_cut_between_lines_words_or_characters_and_keeps_its_styles_and_links(unit):
    content = (Run(unit * 300, BOLD), HERE)

    found = blocks_of(Paragraph(content))

    assert len(found) > 1
    assert {BOLD} == {run.style for block in found for run in block.content if isinstance(run, Run)}
    assert HERE == found[-1].content[-1]
    texts = ["".join(run.text for run in block.content if isinstance(run, Run)) for block in found]
    assert {""} == {text.strip().replace(unit.strip(), "").strip() for text in texts}


def test_code_is_cut_between_its_lines_and_stays_code():
    lines = [f"2026-01-01 line {number:03} something happened" for number in range(200)]

    found = blocks_of(Code("\n".join(lines)))

    assert len(found) > 1
    assert lines == [line for block in found for line in block.text.split("\n")]


def test_a_list_is_cut_between_its_entries_and_keeps_its_numbers():
    entries = tuple(Item((paragraph(f"entry {number} " * 10),)) for number in range(40))

    found = blocks_of(Quote((List(entries, ordered=True),)))

    lists = [inner for quote in found for inner in quote.blocks]
    assert len(lists) > 1
    assert entries == tuple(item for part in lists for item in part.items)
    assert [1 + sum(len(part.items) for part in lists[:at]) for at in range(len(lists))] == [
        part.start for part in lists
    ]


def test_an_entry_that_is_too_long_goes_on_below_itself():
    found = blocks_of(List((Item((paragraph("word " * 600), Code("x"))),), ordered=True, start=7))

    assert [(List, 7), *[(Paragraph, None)] * (len(found) - 2), (Code, None)] == [
        (type(block), getattr(block, "start", None)) for block in found
    ]


@given(documents, st.integers(1, 40))
@settings(max_examples=80, deadline=None)
def test_whatever_is_cut_fits_and_loses_no_character(document, times):
    conversion = of_message(
        replace(message(1), document=Document(document.blocks * times)), limits=Limits(body=1200), capabilities=ALL
    )

    for part in conversion.parts:
        assert max(map(len, (part.body.plain, part.body.markdown or "", part.body.html or ""))) + FOOTER <= 1200
    sent = Counter("".join(part.body.plain for part in conversion.parts))
    said = Counter(squeezed("".join(shown(document.blocks)) * times))
    assert {} == {letter: count for letter, count in said.items() if sent[letter] < count}


def blocks_of(block):
    """What *block* becomes in a desk's parts of 2,000 characters."""
    conversion = of_message(
        replace(message(1), document=Document((block,))), limits=Limits(body=2000), capabilities=ALL
    )
    return [one for part in conversion.parts for one in part.document.blocks]


def test_files_are_spread_over_parts_by_number_and_by_size():
    files = [file(f"{n}.bin", 400_000) for n in range(6)]

    by_number = of_thread([message(1, files=files)], limits=Limits(files=2), capabilities=ALL)
    by_size = of_thread(
        [message(1, files=files)], limits=Limits(request=1_000_000, file_overhead=1.78), capabilities=ALL
    )

    assert [2, 2, 2] == [len(part.files) for part in by_number.parts]
    assert [1] * 6 == [len(part.files) for part in by_size.parts]


def test_a_file_that_cannot_go_is_named_with_the_reason_and_where_it_is():
    large = file("film.mp4", 90_000_000, permalink="https://example.slack.com/files/film")

    conversion = of_thread([message(1, files=[large])], limits=Limits(file=1_000_000), capabilities=ALL)

    words = "film.mp4: it has 90.000 MB and the helpdesk takes 1.000 MB. It stays in Slack: "
    assert (f"{words}https://example.slack.com/files/film",) == conversion.left_out
    assert "https://example.slack.com/files/film" in conversion.parts[0].body.plain
    assert () == conversion.parts[0].files


@pytest.mark.parametrize(
    ("left", "told", "line"),
    [
        ({}, "a.png: it is a canvas.", "Not attached: a.png"),
        (
            {"permalink": "https://a.slack.com/F1"},
            "a.png: it is a canvas. It stays in Slack: https://a.slack.com/F1",
            "Not attached, still in Slack: a.png (https://a.slack.com/F1)",
        ),
        (
            {"permalink": "https://docs.example/1", "outside": True},
            "a.png: it is a canvas. It is here: https://docs.example/1",
            "Not attached: a.png (https://docs.example/1)",
        ),
    ],
)
def test_of_a_file_that_does_not_go_only_what_is_true_is_said(left, told, line):
    conversion = of_message(
        message(1, files=[file(trouble="it is a canvas.", **left)]), limits=Limits(), capabilities=ALL
    )

    assert ((told,), ["hello", "", line]) == (conversion.left_out, conversion.parts[0].body.plain.split("\n"))


def test_a_desk_without_files_gets_none_and_the_person_is_told():
    conversion = of_thread([message(1, files=[file()])], limits=Limits(), capabilities=ALL - {Capability.FILES})

    assert ("a.png: this helpdesk takes no files through its API.",) == conversion.left_out


def test_a_message_that_is_only_a_file_is_not_blank():
    (part,) = of_message(message(1, "", [file()]), limits=Limits(), capabilities=ALL).parts

    assert "a.png" in part.body.plain
    assert 1 == len(part.files)


def test_the_author_stands_in_the_text_only_where_the_desk_has_no_place_for_them():
    with_author = of_message(message(1), limits=Limits(), capabilities=ALL)
    without = of_message(message(1), limits=Limits(), capabilities=ALL - {Capability.AUTHOR})

    assert ("hello", True) == (with_author.parts[0].body.plain.strip(), "Ada" in without.parts[0].body.plain)
