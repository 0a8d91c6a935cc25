"""The stored form of an event and of what was said: the short way of writing it says the same as the models do."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from bot.conversion.ops import encode_event, encode_said
from bot.conversion.records import AddMessage, Operation, SlackEvent, decode, encode

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_an_event_written_the_short_way_is_read_as_the_same_operation(body):
    assert Operation(work=SlackEvent(body=body)) == decode(encode_event(body))


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_the_short_way_writes_what_the_models_write(body):
    assert json.loads(encode(Operation(work=SlackEvent(body=body)))) == json.loads(encode_event(body))


@settings(max_examples=30, deadline=None)
@given(st.from_regex("[UW][A-Z0-9]+", fullmatch=True), st.dictionaries(TEXTS, VALUES))
def test_a_plain_message_written_the_short_way_is_what_the_models_write(user, event):
    ts = "1700000000.000100"
    operation = Operation(work=AddMessage(actor=user, ts=ts, message=event, mirrored=True))

    assert operation == decode(encode_said(user, ts, event))
    assert json.loads(encode(operation)) == json.loads(encode_said(user, ts, event))


def test_half_a_character_is_refused_by_both_ways():
    body = {"text": "\ud800"}

    for write in (lambda: encode(Operation(work=SlackEvent(body=body))), lambda: encode_event(body)):
        with pytest.raises(ValueError, match="surrogates"):
            write()
