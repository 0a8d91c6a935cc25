"""A thread becomes as few messages as a desk can carry, nothing is dropped without a word, and the order stays."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from adapters.contract import Capability, Limits
from bot.conversion.compose import FOOTER, of_message, of_thread
from bot.conversion.ports import Author, SlackFile, ThreadMessage
from bot.conversion.text.plain import from_plain

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
