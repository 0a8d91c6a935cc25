"""The HTTP door under wild input: a stranger always gets a 4xx, and nothing that Slack signed makes it fail."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings, strategies as st

from bot.slack.body import clean, is_too_deep
from bot.slack.front import Front
from tests.slack.doors import NOW, SECRET, Taken, send, sign

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KINDS = st.sampled_from(["event_callback", "url_verification", "view_submission", "block_actions", "app_rate_limited"])
OBJECTS = st.builds(
    lambda rest, kind: rest | kind,
    st.dictionaries(st.sampled_from(["event", "view", "command", "challenge", "ssl_check", "x"]), JSON_VALUES),
    st.fixed_dictionaries({}, optional={"type": KINDS | JSON_VALUES}),
)
BODIES = (
    st.binary(max_size=300)
    | OBJECTS.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda start, end: start + b"[" * 3000 + end, st.binary(max_size=9), st.binary(max_size=9))
    | st.text(max_size=60).map(lambda text: b"payload=" + text.encode("utf-8", "replace"))
)
NAMES = st.sampled_from(
    [b"x-slack-signature", b"x-slack-request-timestamp", b"content-type", b"content-length", b"x-slack-retry-num"]
)
VALUES = st.binary(max_size=80) | st.sampled_from(
    [b"v0=" + b"a" * 64, str(NOW).encode(), b"application/json", b"application/x-www-form-urlencoded"]
)
HEADERS = st.lists(st.tuples(NAMES | st.binary(max_size=20), VALUES), max_size=8)


def run(raw, headers):
    taken = Taken()
    reply = asyncio.run(send(Front(SECRET, taken, clock=lambda: NOW), raw, headers))
    return reply, taken


@settings(max_examples=200, deadline=None)
@given(BODIES, HEADERS)
def test_a_stranger_always_gets_a_4xx_and_nothing_is_delivered(raw, headers):
    reply, taken = run(raw, headers)

    assert 400 <= reply.status < 500
    assert ([], []) == (taken.events, taken.interactions)


@settings(max_examples=200, deadline=None)
@given(BODIES, HEADERS)
def test_nothing_that_is_signed_makes_the_door_fail(raw, headers):
    ours = (b"x-slack-signature", b"x-slack-request-timestamp", b"content-length")
    rest = [(name, value) for name, value in headers if name.lower() not in ours]

    reply, taken = run(raw, [*sign(raw).items(), *rest])

    assert reply.status in {200, 400}
    for body in taken.events + taken.interactions:
        assert json.dumps(body, ensure_ascii=False).encode()


@given(JSON_VALUES)
def test_what_was_cleaned_can_be_encoded_and_is_the_same_where_nothing_was_wrong(value):
    cleaned = clean(value)
    text = json.dumps(value, ensure_ascii=False)

    assert json.dumps(cleaned, ensure_ascii=False).encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert text == json.dumps(cleaned, ensure_ascii=False)


@given(st.integers(1, 130), st.booleans())
def test_depth_is_counted_exactly(levels, lists):
    value: Any = [] if lists else {}
    for _ in range(levels - 1):
        value = [value] if lists else {"a": value}

    assert (levels > 64) == is_too_deep(value)
