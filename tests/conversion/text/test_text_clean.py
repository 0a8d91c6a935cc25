"""What passes the door can be stored, sent and shown anywhere."""

import pytest
from hypothesis import given, strategies as st
from lxml import etree

from bot.conversion.text.clean import clean_filename, clean_subject, clean_text

ANY = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("a\x00\r\n\u2028\u202e\ud83d\ude00\ud800\ufffe👍🏽🇩🇪\u0301./\\")
)


@given(ANY)
def test_clean_text_encodes_is_legal_xml_and_stays_as_it_is(text):
    cleaned = clean_text(text)
    element = etree.Element("a")
    element.text = cleaned

    assert cleaned == cleaned.encode().decode()
    assert cleaned == etree.fromstring(etree.tostring(element)).text or not cleaned
    assert cleaned == clean_text(cleaned)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\u2028d\x0be", "a\nb\nc\nd\ne"),
        ("a\x00\x1b\x7f\ufffe\U0001ffffb\tc", "ab\tc"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
        ("שלום \u200f!", "שלום \u200f!"),
    ],
)
def test_clean_text_keeps_what_is_text(text, cleaned):
    assert cleaned == clean_text(text)


@given(ANY, st.integers(0, 50))
def test_a_subject_is_one_short_line(text, limit):
    subject = clean_subject(text, limit)

    assert len(subject) <= limit
    assert subject == " ".join(subject.split())
    assert not set(subject) & set("\r\n\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x85\x00")


@pytest.mark.parametrize(
    ("text", "limit", "subject"),
    [
        ("Printer\non fire", 40, "Printer on fire"),
        ("Printer on fire", 10, "Printer o…"),
        ("Printer on", 9, "Printer…"),
        ("abc👍🏽def", 5, "abc…"),
        ("ab🇩🇪🇫🇷x", 6, "ab🇩🇪…"),
        ("ab🇩🇪🇫🇷x", 4, "ab…"),
        ("abe\u0301f", 4, "ab…"),
        ("ab👩\u200d💻xy", 5, "ab…"),
    ],
)
def test_a_long_subject_ends_in_an_ellipsis_and_halves_nothing_visible(text, limit, subject):
    assert subject == clean_subject(text, limit)


@given(ANY, st.integers(20, 120))
def test_a_file_name_names_a_file_and_nothing_else(name, limit):
    safe = clean_filename(name, limit=limit)

    assert 0 < len(safe) <= limit
    assert len(safe.encode()) <= 255
    assert not set(safe) & set('<>:"/\\|?*\r\n\x00\u202e')
    assert safe not in {".", ".."}
    assert not safe.startswith(".")


@pytest.mark.parametrize(
    ("name", "letters", "end"),
    [("図" * 200 + ".pdf", 82, "図….pdf"), ("😀" * 63 + ".jpeg", 61, "😀….jpeg"), ("é" * 120, 120, "é")],
)
def test_a_file_name_has_no_more_bytes_than_a_file_system_takes(name, letters, end):
    safe = clean_filename(name)

    assert (letters, end, True) == (safe.count(name[0]), safe[-len(end) :], len(safe.encode()) <= 255)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("report\u202efdp.exe", "reportfdp.exe"),
        ("con.txt", "_con.txt"),
        ("", "file"),
        ("...", "file"),
        ("a" * 200 + ".pdf", "a" * 15 + "….pdf"),
    ],
)
def test_file_names_are_made_safe_and_keep_their_ending(name, safe):
    assert safe == clean_filename(name, limit=20)
