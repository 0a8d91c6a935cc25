"""Calls to Slack's Web API: what each answer becomes, what is repeated and what never is."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web as server

from bot.conversion.ports import SlackOutcomeUnknown, SlackRefused, SlackTrouble
from bot.slack import web as slack_web
from bot.slack.limits import CALLS_PER_MINUTE
from bot.slack.web import Identity, Web, clip
from tests.slack.doors import serve


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Api:
    """Answers each call with the next of its answers; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    async def __call__(self, request):
        form = dict(await request.post())
        self.calls.append((request.match_info["method"], form, request.headers.get("Authorization")))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "cut":
            request.transport.abort()
            return server.Response()
        if answer == "stall":
            await asyncio.sleep(5)
        if isinstance(answer, server.Response):
            return answer
        return server.json_response(answer)


@asynccontextmanager
async def talking(*answers, **options):
    api = Api(*answers)
    async with serve({"/api/{method}": api}) as url, Web("xoxb-1", api_url=url + "/api", **options) as web:
        yield api, web


async def test_arguments_travel_as_a_form_with_objects_as_json_and_the_token_in_the_header():
    async with talking({"ok": True, "ts": "1.2"}) as (api, web):
        answer = await web.call("chat.update", channel="C1", blocks=[{"type": "divider"}], link_names=False, x=None)

    assert {"ok": True, "ts": "1.2"} == answer
    assert [
        ("chat.update", {"channel": "C1", "blocks": '[{"type":"divider"}]', "link_names": "false"}, "Bearer xoxb-1")
    ] == api.calls
    assert {"chat.update": 1} == dict(web.calls)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_in_channel", "/invite @Threadline"),
        ("channel_not_found", "/invite @Threadline"),
        ("is_archived", "archived"),
        ("token_revoked", "install the app again"),
        ("msg_too_long", "too long"),
        ("trigger_expired", "three seconds"),
        ("something_new", "(users.info: something_new)"),
        ("<!channel> secret", "(users.info: unknown_error)"),
    ],
)
async def test_a_refusal_has_slacks_code_and_words_with_the_remedy(code, words):
    async with talking({"ok": False, "error": code}) as (_, web):
        with pytest.raises(SlackRefused) as caught:
            await web.call("users.info", user="U1")

    assert words in caught.value.words


async def test_a_missing_scope_is_named():
    async with talking({"ok": False, "error": "missing_scope", "needed": "files:read", "provided": "chat:write"}) as (
        _,
        web,
    ):
        with pytest.raises(SlackRefused) as caught:
            await web.call("files.info", file="F1")

    assert "missing_scope" == caught.value.code
    assert '"files:read"' in caught.value.words
    assert "reinstall the app" in caught.value.words


async def test_details_that_may_quote_a_message_stay_out_of_the_words():
    answer = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["canary text"]}}
    async with talking(answer) as (_, web):
        with pytest.raises(SlackRefused) as caught:
            await web.call("chat.postMessage", channel="C1", text="canary text")

    assert "canary" not in str(caught.value) + repr(caught.value)


LOST = [
    "cut",
    "stall",
    {"ok": False, "error": "fatal_error"},
    {"ok": False, "error": "internal_error"},
    {"ok": False, "error": "service_unavailable"},
    {"ok": False, "error": "request_timeout"},
    server.Response(status=500, text="oops"),
    server.Response(status=502, text="<html>"),
    server.Response(status=503, text='{"ok":true}'),
    server.Response(text="<!doctype html>"),
    server.Response(text="[" * 100_000),
    server.Response(status=307, headers={"Location": "http://127.0.0.1:1/api/chat.postMessage"}),
]


@pytest.mark.parametrize("answer", LOST)
async def test_a_post_whose_answer_is_lost_has_an_unknown_outcome_and_is_sent_once(answer):
    async with talking(_fresh(answer), timeout=0.3) as (api, web):
        with pytest.raises(SlackOutcomeUnknown):
            await web.call("chat.postMessage", channel="C1", text="hi")

    assert 1 == len(api.calls)


@pytest.mark.parametrize("answer", LOST)
async def test_a_read_whose_answer_is_lost_is_trouble(answer):
    async with talking(_fresh(answer), timeout=0.3) as (_, web):
        with pytest.raises(SlackTrouble) as caught:
            await web.call("conversations.replies", channel="C1", ts="1.1")

    assert caught.value.retry_after is None


def _fresh(answer):
    """aiohttp's responses serve once."""
    if isinstance(answer, server.Response):
        return server.Response(status=answer.status, body=answer.body, headers=answer.headers)
    return answer


async def test_a_read_is_repeated_once_when_an_idle_connection_was_gone():
    async with talking("cut", {"ok": True}) as (api, web):
        assert {"ok": True} == await web.call("users.info", user="U1")

    assert 2 == len(api.calls)


async def test_a_form_is_never_opened_twice():
    async with talking("cut", {"ok": True}) as (api, web):
        with pytest.raises(SlackTrouble):
            await web.call("views.open", trigger_id="1", view={})

    assert 1 == len(api.calls)


async def test_a_slack_that_cannot_be_reached_is_trouble_for_posts_too():
    async with Web("xoxb-1", api_url="http://127.0.0.1:1/api") as web:
        with pytest.raises(SlackTrouble, match="unreachable"):
            await web.call("chat.postMessage", channel="C1", text="hi")


async def test_a_wrong_address_is_refused_and_not_tried_for_ever():
    async with talking(server.Response(status=404, text="no")) as (_, web):
        with pytest.raises(SlackRefused, match="http_404"):
            await web.call("users.info", user="U1")


async def test_a_429_says_when_and_keeps_the_next_call_from_being_sent():
    clock = Clock()
    limited = server.Response(status=429, headers={"Retry-After": "7"}, text="{}")
    async with talking(limited, {"ok": True}, clock=clock) as (api, web):
        with pytest.raises(SlackTrouble) as first:
            await web.call("users.info", user="U1")
        with pytest.raises(SlackTrouble) as second:
            await web.call("users.info", user="U1")
        clock.now += 7
        await web.call("users.info", user="U1")

    assert timedelta(seconds=7) == first.value.retry_after
    assert timedelta(seconds=7) == second.value.retry_after
    assert 2 == len(api.calls)


async def test_a_call_that_we_put_off_ourselves_is_not_counted_as_one_to_slack():
    limited = server.Response(status=429, headers={"Retry-After": "7"}, text="{}")
    async with talking(limited, clock=Clock()) as (_, web):
        for _again in range(3):
            with pytest.raises(SlackTrouble):
                await web.call("users.info", user="U1")

    assert {("users.info", "SlackTrouble"): 1} == web.outcomes


async def test_a_limited_post_did_nothing_so_it_is_trouble_and_not_unknown():
    limited = server.Response(status=429, headers={"Retry-After": "9" * 5_000}, text="")
    async with talking(limited) as (_, web):
        with pytest.raises(SlackTrouble) as caught:
            await web.call("chat.postMessage", channel="C1", text="hi")

    assert timedelta(hours=1) == caught.value.retry_after


async def test_posts_are_paced_by_channel_without_holding_anybody_up():
    async with talking({"ok": True}, clock=Clock()) as (api, web):
        await web.call("chat.postMessage", channel="C1", text="hi")
        with pytest.raises(SlackTrouble) as caught:
            await web.call("chat.postMessage", channel="C1", text="hi")
        await web.call("chat.postMessage", channel="C2", text="hi")

    assert timedelta(seconds=1) == caught.value.retry_after
    assert 2 == len(api.calls)


async def test_methods_are_paced_by_their_tier():
    clock = Clock()
    async with talking({"ok": True}, clock=clock) as (api, web):
        for _ in range(3):
            await web.call("usergroups.list")
        with pytest.raises(SlackTrouble) as caught:
            await web.call("usergroups.list")
        clock.now += 2.25
        await web.call("usergroups.list")

    assert timedelta(seconds=2.25) == caught.value.retry_after
    assert 4 == len(api.calls)


@pytest.mark.parametrize("method", ["reactions.add", "reactions.remove", "chat.update"])
async def test_what_nobody_waits_for_starts_slowly_since_the_last_process_may_have_used_the_minute(method):
    """A restart under load would else be above the tier."""
    clock = Clock()
    async with talking({"ok": True}, clock=clock) as (api, web):
        await web.call(method, channel="C1", ts="1.1", timestamp="1.1", name="x")
        with pytest.raises(SlackTrouble):
            await web.call(method, channel="C1", ts="1.1", timestamp="1.1", name="x")
        clock.now += 60
        for _ in range(3):
            await web.call(method, channel="C1", ts="1.1", timestamp="1.1", name="x")

    assert 4 == len(api.calls)


@pytest.mark.parametrize("method", CALLS_PER_MINUTE)
def test_no_minute_has_more_calls_than_the_tier(method):
    clock = Clock()
    web = Web("xoxb-t", clock=clock)
    rate = web._rate(method, {})
    assert rate is not None
    key, per_minute, burst = rate
    clock.now += 60  # a minute after the start
    times = []
    for _ in range(1500):
        while not web._pace.turn(key, per_minute=per_minute, burst=burst, patience=0.0):
            times.append(clock.now)
        clock.now += 0.1
    most = max(sum(at <= one < at + 59.99 for one in times) for at in times[:: max(1, len(times) // 50)])

    assert CALLS_PER_MINUTE[method] * 0.95 <= most <= CALLS_PER_MINUTE[method]


@pytest.fixture
def slow_pace(monkeypatch):
    """Ten calls a second, and never two at once."""
    monkeypatch.setitem(CALLS_PER_MINUTE, "conversations.replies", 750)
    monkeypatch.setattr("bot.slack.web._AT_ONCE", 0.0)
    monkeypatch.setattr("bot.slack.web._PATIENCE", 0.01)


async def test_all_pages_come_one_after_the_other_however_slow_the_pace_and_no_sooner(slow_pace):
    page = {"ok": True, "messages": ["a"], "response_metadata": {"next_cursor": "x"}}
    last = {"ok": True, "messages": ["b"], "response_metadata": {"next_cursor": ""}}
    async with talking(page, page, page, last) as (api, web):
        found = [one async for one in web.pages("conversations.replies", "messages", channel="C1")]
        with pytest.raises(SlackTrouble):  # somebody else's first page
            await web.call("conversations.replies", channel="C1")

    assert ["a", "a", "a", "b"] == found
    assert [None, "x", "x", "x"] == [form.get("cursor") for _, form, _ in api.calls]


async def test_of_pages_no_more_are_read_than_are_asked_for():
    page = {"ok": True, "messages": ["a"], "response_metadata": {"next_cursor": "x"}}
    async with talking(page) as (api, web):
        found = [one async for one in web.pages("conversations.history", "messages", most=2, limit=7)]

    assert (["a", "a"], ["7", "7"]) == (found, [form["limit"] for _, form, _ in api.calls])


async def test_a_patient_command_waits_as_long_as_slack_asks_and_tries_again():
    busy = server.Response(status=429, headers={"Retry-After": "1"})
    async with talking(busy, {"ok": True}) as (api, web):
        web.patience = 60.0
        answer = await web.call("users.info", user="U1")

    assert ({"ok": True}, 2) == (answer, len(api.calls))


async def test_a_patient_command_does_not_wait_for_ever():
    async with talking({"ok": False, "error": "ratelimited"}) as (api, web):
        web.patience = 20.0
        with pytest.raises(SlackTrouble):
            await web.call("users.info", user="U1")

    assert 1 == len(api.calls)


async def test_we_learn_once_who_we_are():
    me = {"ok": True, "team_id": "T1", "user_id": "U0", "bot_id": "B1", "url": "https://a.slack.com/", "team": "A"}
    answer = server.Response(text=json.dumps(me), headers={"X-OAuth-Scopes": "chat:write, files:read"})
    async with talking(answer) as (api, web):
        assert await web.identity() == await web.identity()
        assert Identity("T1", "U0", "B1", "https://a.slack.com/", "A") == await web.identity()

    assert 1 == len(api.calls)
    assert {"chat:write", "files:read"} == web.scopes


async def test_the_sdks_client_shares_the_session_repeats_nothing_and_follows_no_redirect():
    hits = []

    async def redirect(request):
        hits.append(request.path)
        return server.Response(status=307, headers={"Location": "/elsewhere"})

    async with serve({"/{path:.*}": redirect}) as url, Web("xoxb-1", api_url=url + "/api") as web:
        assert [] == web.client.retry_handlers
        with pytest.raises(Exception, match="does not redirect"):
            await web.client.auth_test()

    assert ["/api/auth.test"] == hits


@pytest.mark.parametrize(("status", "taken"), [(200, True), (404, False), (307, False), (500, False)])
async def test_s4_an_answer_to_a_response_url_follows_no_redirect_and_carries_no_token(status, taken):
    hits = []

    async def answer(request):
        hits.append((request.path, request.headers.get("Authorization"), await request.json()))
        return server.Response(status=status, headers={"Location": "/elsewhere"})

    async with serve({"/{path:.*}": answer}) as url, Web("xoxb-1", api_url=url + "/api") as web:
        assert taken is await web.respond(url + "/commands/1", {"text": "hello"})

    assert [("/commands/1", None, {"text": "hello"})] == hits


async def test_a_response_url_that_nobody_answers_is_not_taken():
    async with Web("xoxb-1") as web:
        assert not await web.respond("http://127.0.0.1:9/commands/1", {"text": "hello"})


async def test_s7_an_answer_without_end_is_left(monkeypatch):
    monkeypatch.setattr(slack_web, "_REPLY", 100_000)
    async with talking({"ok": True, "text": "a" * 99_000}, {"ok": True, "text": "a" * 101_000}) as (_, web):
        assert 99_000 == len((await web.call("users.info"))["text"])
        with pytest.raises(SlackTrouble, match="ClientPayloadError"):
            await web.call("users.info")


async def test_a_long_text_is_cut_before_it_is_refused():
    async with talking({"ok": True}) as (api, web):
        await web.call("chat.update", channel="C1", ts="1.1", text="x" * 5000)

    assert 4000 == len(api.calls[0][1]["text"])


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("short", "short"),
        ("abcdefgh&amp;x", "abcdefgh…"),
        ("abc <https://a.example|b>", "abc …"),
        ("abcdefghijklm", "abcdefghi…"),
    ],
)
def test_a_text_is_never_cut_inside_an_escape_or_a_link(text, cut):
    assert cut == clip(text, 10)
