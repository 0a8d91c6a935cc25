"""Our marker in a text: whose line it is, and what only looks like it."""

import pytest

from adapters.contract import carries, marker_in, with_marker, without_marker
from adapters.model import Body

MARKER = "TL-ABCDEFGH2345"


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        (f"Hello.\n\nThreadline ref: {MARKER}", MARKER),
        (f"Hello.\n\n Threadline ref: {MARKER} \n\n", MARKER),
        (f"Threadline ref: {MARKER}\nHello.", ""),
        (f"> Threadline ref: {MARKER}", ""),
        ("Write below your mail:\nThreadline ref: see the mail of Monday", ""),
        ("Threadline ref: TL-7", ""),
    ],
)
def test_a_text_is_ours_where_its_last_line_is_a_marker(plain, expected):
    assert expected == marker_in(Body(plain=plain))


def test_people_are_not_shown_our_line_and_are_shown_their_own():
    ours = with_marker(Body(plain="Write this:\nThreadline ref: see the mail of Monday"), MARKER)

    assert "Write this:\nThreadline ref: see the mail of Monday" == without_marker(ours.plain)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (Body(plain=f"Hello.\n\nThreadline ref: {MARKER}"), True),
        (Body(plain=f"Hello.\n\nThreadline ref: {MARKER}\n\n-- \nThe desk's footer"), True),
        (Body(plain="", html=f"<p>Hello.</p><p>Threadline ref: {MARKER}</p>"), True),
        (Body(plain=f"Done.\n\n> Hello.\n> Threadline ref: {MARKER}"), False),
        (Body(plain=f"Done.\n\n> Threadline ref: {MARKER}", html=f"Done.<blockquote>{MARKER}</blockquote>"), False),
        (Body(plain="Hello."), False),
    ],
)
def test_a_text_carries_a_marker_that_it_does_not_quote(body, expected):
    assert expected == carries(body, MARKER)
