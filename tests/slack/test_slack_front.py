"""The HTTP door: what it refuses, what it answers, and that it acknowledges only what is stored."""

import asyncio
import json
from collections import Counter

import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

from bot.conversion.ports import StoreAway
from bot.slack.front import Answer, Front
from tests.slack.doors import FORM, JSON, NOW, SECRET, post_form, post_json, post_payload, send, sign

EVENT = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "hi"}}
COMMAND = {"command": "/ticket", "text": "API payload too large", "trigger_id": "1.2.3", "user_id": "U1"}


async def test_a_signed_event_is_stored_and_then_acknowledged(front, taken):
    reply = await post_json(front, EVENT, x_slack_retry_num=b"2")

    assert (200, b"") == (reply.status, reply.content)
    assert [EVENT] == taken.events
    assert [2] == taken.retries


@pytest.mark.parametrize("trouble", [ConnectionError("the store is away"), TimeoutError()])
async def test_an_event_that_could_not_be_stored_is_not_acknowledged(front, taken, trouble):
    taken.fails = trouble

    reply = await post_json(front, EVENT)

    assert 503 == reply.status


async def test_the_log_says_why_an_event_could_not_be_stored(front, taken, caplog):
    taken.fails = StoreAway("Redis has no memory left. Give it more.")

    await post_json(front, EVENT)

    said = "an event was not stored, Slack will send it again: Redis has no memory left. Give it more."
    assert [("WARNING", said)] == [(line.levelname, line.getMessage()) for line in caplog.records]


async def test_slacks_word_that_it_held_events_back_is_stored_like_an_event(front, taken):
    await post_json(front, {"type": "app_rate_limited", "minute_rate_limited": 1})

    assert ["app_rate_limited"] == [event["type"] for event in taken.events]


async def test_a_command_with_the_word_payload_reaches_bolt_where_bolts_own_door_loses_it(taken):
    app = AsyncApp(
        token="xoxb-1",
        signing_secret=SECRET,
        process_before_response=True,
        request_verification_enabled=False,
        authorize=_authorize,
    )
    seen = []

    @app.command("/ticket")
    async def ticket(ack, command):
        seen.append(command["text"])
        await ack()

    class Bolted:
        async def event(self, body, retry):
            raise AssertionError

        async def interaction(self, body):
            response = await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
            return Answer(response.status, response.first_headers(), (response.body or "").encode())

    reply = await post_form(Front(SECRET, Bolted(), clock=lambda: NOW), **COMMAND)
    own = await app.async_dispatch(
        AsyncBoltRequest(
            body="command=%2Fticket&text=API+payload+too+large",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    )

    assert ["API payload too large"] == seen
    assert 200 == reply.status
    assert 404 == own.status


async def _authorize(**_):
    from slack_bolt.authorization import AuthorizeResult

    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_id="B1", bot_user_id="U0")


async def test_a_form_field_named_payload_is_read_as_json(front, taken):
    await post_payload(front, {"type": "block_actions", "trigger_id": "1.2"})

    assert [{"type": "block_actions", "trigger_id": "1.2"}] == taken.interactions


async def test_a_forms_plus_signs_and_empty_fields_are_kept_as_slack_meant_them(front, taken):
    raw = b"command=%2Fticket&text=a+b%2Bc&channel_name="
    await send(front, raw, {**sign(raw), **FORM})

    assert [{"command": "/ticket", "text": "a b+c", "channel_name": ""}] == taken.interactions


async def test_url_verification_is_answered_only_when_signed(front):
    raw = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()

    assert {"challenge": "abc"} == (await send(front, raw, {**sign(raw), **JSON})).json
    assert 401 == (await send(front, raw, JSON)).status


async def test_ssl_check_is_answered_without_anybody_being_asked(front, taken):
    reply = await post_form(front, ssl_check="1", token="x")

    assert (200, []) == (reply.status, taken.interactions)


BODY = json.dumps(EVENT).encode()
GOOD = sign(BODY)
STAMP, SIGN = b"x-slack-request-timestamp", b"x-slack-signature"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {STAMP: GOOD[STAMP]},
        {SIGN: GOOD[SIGN]},
        sign(BODY, secret="another"),
        sign(BODY + b" "),
        sign(BODY, at=NOW - 301),
        sign(BODY, at=NOW + 301),
        sign(BODY, at="abc"),
        sign(BODY, at="9" * 400),
        sign(BODY, at=f"+{NOW}"),
        sign(BODY, at=f"{NOW}.0"),
        sign(BODY, at=""),
        {**GOOD, STAMP: b"\xd9\xa1\xd9\xa7"},
        {**GOOD, SIGN: "v0=é".encode()},
        {**GOOD, SIGN: GOOD[SIGN].upper()},
        {**GOOD, SIGN: GOOD[SIGN][:-1]},
        {**GOOD, SIGN: GOOD[SIGN] + b"0"},
        {**GOOD, SIGN: b""},
        [*GOOD.items(), (SIGN, GOOD[SIGN])],
        [*GOOD.items(), (STAMP, GOOD[STAMP])],
    ],
)
async def test_s1_what_is_not_signed_by_slack_is_refused_before_it_is_read(front, taken, headers):
    reply = await send(front, BODY, headers)

    assert 401 == reply.status
    assert [] == taken.events


async def test_what_is_refused_is_counted_and_the_log_says_so_once_a_minute(taken, caplog):
    counts, now = Counter[str](), [NOW]
    front = Front(SECRET, taken, clock=lambda: now[0], counts=counts)
    for seconds in (0, 59, 1):
        now[0] += seconds
        for headers in ({}, sign(BODY, secret="another", at=now[0])):
            await send(front, BODY, headers)
    await send(front, BODY, {**sign(BODY, at=now[0]), **JSON})

    assert {"refused": 6} == counts
    assert 2 == len(caplog.messages)
    assert "they are not signed with SLACK_SIGNING_SECRET, or this machine's clock" in caplog.messages[0]


@pytest.mark.parametrize("skew", [-300, -299, 299, 300])
async def test_a_clock_that_differs_by_up_to_five_minutes_is_accepted(front, taken, skew):
    await send(front, BODY, {**sign(BODY, at=NOW + skew), **JSON})

    assert [EVENT] == taken.events


@pytest.mark.parametrize("body", [b"{", b"[1]", b"null", b'"a"', b"payload=%7B", b"\xff\xfe", b"[" * 100_000, b""])
@pytest.mark.parametrize("kind", [JSON, FORM, {}, {b"content-type": b"text/plain"}])
async def test_s2_malformed_bodies_are_401_without_a_signature(front, body, kind):
    assert 401 == (await send(front, body, kind)).status


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1]",
        b"null",
        b'"a"',
        b"NaN",
        b'{"a": NaN}',
        b"\xff\xfe",
        b'{"type":"\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b"",
        b'{"type":"event_callback"}',
        b'{"type":"event_callback","event":[]}',
    ],
)
async def test_s2_signed_bodies_that_are_not_slacks_are_400(front, taken, body):
    reply = await send(front, body, {**sign(body), **JSON})

    assert 400 == reply.status
    assert ([], []) == (taken.events, taken.interactions)


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%5B%5D", b"payload=null", b"&".join([b"a=1"] * 500)])
async def test_s2_signed_forms_that_are_not_slacks_are_400(front, body):
    assert 400 == (await send(front, body, {**sign(body), **FORM})).status


async def test_nesting_of_64_levels_is_accepted(front, taken):
    raw = b'{"type":"app_rate_limited","a":' + b"[" * 63 + b"]" * 63 + b"}"

    assert 200 == (await send(front, raw, {**sign(raw), **JSON})).status


async def test_s9_half_characters_are_replaced_and_whole_ones_kept(front, taken):
    raw = b'{"type":"app_rate_limited","a":"x\\ud800y","b":"\\ud83d\\ude00","c\\udfff":[{"d":"\\uDC00"}]}'

    await send(front, raw, {**sign(raw), **JSON})

    assert [{"type": "app_rate_limited", "a": "x�y", "b": "😀", "c�": [{"d": "�"}]}] == taken.events


async def test_other_paths_and_methods_are_refused(front):
    assert 404 == (await send(front, BODY, GOOD, path="/")).status
    assert 404 == (await send(front, BODY, GOOD, path="/slack/events/")).status
    assert 405 == (await send(front, BODY, GOOD, method="GET")).status


@pytest.mark.parametrize(
    ("length", "status"), [(b"1048577", 413), (b"9" * 40, 413), (b"-1", 400), (b"x", 400), (b"1048576", 200)]
)
async def test_the_declared_size_is_capped(front, length, status):
    reply = await send(front, BODY, {**GOOD, **JSON, b"content-length": length})

    assert status == reply.status


async def test_the_actual_size_is_capped_whatever_was_declared(front):
    raw = b" " * (1024 * 1024 + 1)

    assert 413 == (await send(front, raw, {**sign(raw), b"content-length": b"10"})).status
    assert 200 == (await send(front, BODY.ljust(1024 * 1024), {**sign(BODY.ljust(1024 * 1024)), **JSON})).status


async def test_a_replayed_interaction_has_no_second_effect(taken):
    seen = set()

    async def once(key, ttl):
        new = key not in seen
        seen.add(key)
        return new

    front = Front(SECRET, taken, once=once, clock=lambda: NOW)
    replies = [await post_form(front, **COMMAND) for _ in range(3)]
    await post_form(front, **(COMMAND | {"trigger_id": "2.2.2"}))

    assert [200, 200, 200] == [reply.status for reply in replies]
    assert ["1.2.3", "2.2.2"] == [body["trigger_id"] for body in taken.interactions]


async def test_a_store_that_cannot_tell_replays_does_not_keep_people_waiting(taken):
    async def once(key, ttl):
        raise ConnectionError

    await post_form(Front(SECRET, taken, once=once, clock=lambda: NOW), **COMMAND)

    assert [COMMAND] == taken.interactions


FORM_VIEW = {"type": "view_submission", "view": {"blocks": [{"type": "section"}, {"type": "input", "block_id": "s"}]}}


@pytest.mark.parametrize("trouble", ["raises", "stalls", "answers 500"])
async def test_a_person_who_waits_gets_words_instead_of_an_error(front, taken, trouble):
    if trouble == "raises":
        taken.fails = RuntimeError("secret words")
    elif trouble == "stalls":
        taken.stalls = asyncio.Event()
    else:
        taken.answer = Answer(500, {}, b"Traceback")

    command = await post_form(front, **COMMAND)
    form = await post_payload(front, FORM_VIEW)
    options = await post_payload(front, {"type": "block_suggestion"})

    assert ("ephemeral", 200) == (command.json["response_type"], command.status)
    assert command.json["text"].startswith("Threadline ")
    assert ["s"] == list(form.json["errors"])
    assert {"options": []} == options.json
    assert b"secret" not in command.content + form.content


async def test_an_interaction_that_was_too_slow_goes_on_behind_the_answer(front, taken):
    taken.stalls = asyncio.Event()
    await post_form(front, **COMMAND)
    taken.stalls.set()
    await front.drain(5)

    assert [COMMAND] == taken.interactions


async def test_bolts_answer_is_passed_on(front, taken):
    taken.answer = Answer(200, {"Content-Type": "application/json"}, b'{"text":"hi"}')

    reply = await post_form(front, **COMMAND)

    assert ("application/json", {"text": "hi"}) == (reply.headers["content-type"], reply.json)


def test_an_empty_signing_secret_is_refused(taken):
    with pytest.raises(ValueError, match="signing secret"):
        Front("", taken)
