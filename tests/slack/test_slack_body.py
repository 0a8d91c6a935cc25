"""Reading a body quickly and reading it slowly are the same."""

import json

from hypothesis import example, given, strategies as st

from bot.slack import body
from bot.slack.body import Unreadable, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def outcome(read):
    """What came of reading, in a form in which NaN equals itself."""
    try:
        return json.dumps(read(), sort_keys=True)
    except (Unreadable, ValueError):
        return "unreadable"


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | st.text().map(str.encode))
@example(b'{"a": NaN}')
@example(b'{"a": 1e999}')
@example(b'{"a": "\\ud83d"}')
@example(b'{"a": "\\ud83d\\ude00", "a": 1}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}")
@example(b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}")
@example(b'{"a": "' + b"[" * 70 + b'"}')
@example(b'{"a": ' + b"9" * 5000 + b"}")
def test_what_is_read_quickly_is_what_is_read_slowly(raw):
    expected = outcome(lambda: body._object(raw.decode()))
    actual = outcome(lambda: parse(raw, b"application/json"))

    assert expected == actual
