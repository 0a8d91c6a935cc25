"""Keliweb's refusals and every wrong answer, row by row: each becomes one of our errors, with words and no secret."""

import json
import re
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given, strategies as st

from adapters.errors import (
    Misconfigured,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
)
from adapters.keliweb import KeliwebDesk
from adapters.keliweb.refusals import BY_STATUS, FIELDS, OAUTH, REFUSALS
from adapters.keliweb.tokens import json_object, usable_for
from adapters.keliweb.wire import LOGIN as LOGIN_FORM
from adapters.shared import InProcess
from tests.adapters.drafts import Pair

TOKEN = "TOKEN-5511"
TABLE = {"kind": "keliweb", "url": "https://keliweb.example", "token": TOKEN, "departments": {"1": "Support"}}
GRANT = {"client_id": "ID-1", "client_secret": "SECRET-22", "username": "me@example.com", "password": "PASSWORD-3"}
BY_PASSWORD = {**TABLE, **GRANT, "token": ""}


@asynccontextmanager
async def answering(status=200, text="", headers=None, table=None):
    """A desk whose server answers everything so, and the requests that it got."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(text.encode()))

    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(table or TABLE), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        yield desk, seen


async def error_of(desk: KeliwebDesk, *, changes: bool = True, params=None):
    with pytest.raises(Exception) as caught:
        await desk.call("open-ticket" if changes else "get-ticket", params or {"deptid": "1"}, changes=changes)
    return caught.value


SAID = {
    "Unauthenticated.": (NotAuthorised, "", "token is not accepted"),
    "token expired": (NotAuthorised, "", "token is not accepted"),
    "token invalid": (NotAuthorised, "", "token is not accepted"),
    "token not provided": (NotAuthorised, "", "token is not accepted"),
    "This action is unauthorized.": (NotAuthorised, "", "does not let this account"),
    "Client ID Not Found": (Misconfigured, "", "client"),
    "Client Not Found": (Misconfigured, "", "client"),
    "Name and email address are required if not a client": (Rejected, "requester", "send_names"),
    "No query results for model [App\\Ticket] 9": (NotFound, "", "no such ticket"),
    "Ticket ID not found": (NotFound, "", "no such ticket"),
    "Ticket ID Not Found": (NotFound, "", "no such ticket"),
    "Contact ID Not Found": (Rejected, "requester", "contact"),
    "Email Address Invalid": (Rejected, "requester", "address"),
    "Department ID not found": (Rejected, "department", "Keliweb has no such department"),
    "Subject is required": (Rejected, "subject", "subject"),
    "Message is required": (Rejected, "body", "text"),
    "Service ID Not Found": (Rejected, "serviceid", "service"),
    "Domain ID Not Found": (Rejected, "domainid", "domain"),
    "Invalid Ticket Priority. Valid priorities are: Low,High": (Rejected, "priority", "Low,High"),
    "No tickets on Sundays": (Rejected, "", "No tickets on Sundays"),
}


@pytest.mark.parametrize(("message", "meant"), SAID.items())
@pytest.mark.parametrize("form", ["result", "error"])
async def test_a_refusal_is_named_by_what_to_do_and_says_it(message, meant, form):
    kind, field, word = meant
    said = {"result": "error", "message": message} if form == "result" else {"error": message}
    async with answering(text=json.dumps(said)) as (desk, _):
        error = await error_of(desk)

    assert (kind, field) == (type(error), getattr(error, "field", ""))
    assert word in str(error)
    assert error.remedy


async def test_what_a_server_refuses_for_its_size_is_told_with_that_size():
    async with answering(413) as (desk, _):
        error = await error_of(desk)

    assert "takes 201 bytes" in error.cause


def test_every_row_of_the_table_of_refusals_is_proved():
    proved = {
        next((row.pattern for row in REFUSALS if re.search(row.pattern, said, re.IGNORECASE)), "") for said in SAID
    }
    assert {row.pattern for row in REFUSALS} <= proved


@pytest.mark.parametrize(("parameter", "field"), [*FIELDS.items(), ("customfields", "")])
async def test_a_validation_error_names_the_part_of_the_draft(parameter, field):
    errors = {parameter: [f"The {parameter} field is not valid."]}
    text = json.dumps({"message": "The given data was invalid.", "errors": errors})
    async with answering(422, text) as (desk, _):
        error = await error_of(desk)

    assert (Rejected, field) == (type(error), error.field)
    assert f"The {parameter} field is not valid" in str(error)
    assert error.remedy


@pytest.mark.parametrize(
    ("text", "kind", "word"),
    [
        ('{"errors":{"ticketid":["The selected ticketid is invalid."]}}', NotFound, "no such ticket"),
        ('{"errors":{"ticketnum":"odd"}}', NotFound, "no such ticket"),
        ('{"message":"The given data was invalid."}', Rejected, "The given data was invalid"),
        ('{"message":"No","errors":[]}', Rejected, "No"),
        ('{"errors":{"deptid":null}}', Rejected, "refused"),
        ("", Rejected, "refused"),
    ],
)
async def test_a_validation_error_of_any_shape_is_a_refusal(text, kind, word):
    async with answering(422, text) as (desk, _):
        error = await error_of(desk)

    assert kind is type(error)
    assert word in str(error)


CHANGED, READ = True, False
PAGE, LOGIN = "<!doctype html><title>Maintenance", '<html><form><input name="p" type="password"></form></html>'


@pytest.mark.parametrize(
    ("status", "text", "changes", "kind", "word"),
    [
        (200, PAGE, CHANGED, OutcomeUnknown, "no answer of its API"),
        (200, PAGE, READ, NotAuthorised, "web page"),
        (200, LOGIN, CHANGED, NotAuthorised, "token is not accepted"),
        (200, LOGIN, READ, NotAuthorised, "token is not accepted"),
        (200, "", CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (200, "", READ, UnexpectedReply, "browser"),
        (200, '{"result":"succ', CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (200, '{"result":"succ', READ, UnexpectedReply, "browser"),
        (200, "[]", CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (200, "{}", READ, UnexpectedReply, "browser"),
        (200, "{}", CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (200, '{"id":"1"}', CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (200, "[" * 100_000, CHANGED, OutcomeUnknown, "Look at Keliweb"),
        (500, '{"result":"error","message":"x"}', CHANGED, OutcomeUnknown, "may have done"),
        (500, '{"message":"Server Error"}', READ, Unavailable, "tried again"),
        (502, PAGE, CHANGED, OutcomeUnknown, "may have done"),
        (503, LOGIN, CHANGED, OutcomeUnknown, "may have done"),
        (503, "", READ, Unavailable, "tried again"),
        (504, "", CHANGED, OutcomeUnknown, "may have done"),
        (429, '{"message":"Too Many Attempts."}', CHANGED, Unavailable, "slow down"),
        (429, '{"result":"error","message":"Slow"}', READ, Unavailable, "slow down"),
        (401, '{"message":"Unauthenticated."}', CHANGED, NotAuthorised, "token is not accepted"),
        (401, '{"result":"error","message":"x"}', READ, NotAuthorised, "token is not accepted"),
        (302, PAGE, CHANGED, NotAuthorised, "token is not accepted"),
        (303, "", READ, NotAuthorised, "token is not accepted"),
        (301, "", CHANGED, Misconfigured, "sends us on"),
        (307, "", CHANGED, Misconfigured, "sends us on"),
        (308, "", READ, Misconfigured, "sends us on"),
        (403, '{"message":"This action is unauthorized."}', CHANGED, NotAuthorised, "does not let this account"),
        (403, '{"result":"error","message":"No tickets for you"}', CHANGED, NotAuthorised, "No tickets for you"),
        (403, "<h1>Forbidden</h1>", CHANGED, NotAuthorised, "does not let this account"),
        (404, '{"message":""}', CHANGED, Misconfigured, "api_path"),
        (404, '{"result":"error","message":"Ticket ID not found"}', READ, NotFound, "no such ticket"),
        (404, '{"message":"No query results for model [Ticket]."}', READ, NotFound, "no such ticket"),
        (405, "", CHANGED, Misconfigured, "api_path"),
        (410, PAGE, READ, Misconfigured, "api_path"),
        (413, "", CHANGED, Rejected, "post_max_size"),
        (419, PAGE, CHANGED, Misconfigured, "web pages"),
        (418, "", READ, UnexpectedReply, "browser"),
    ],
)
async def test_a_wrong_answer_is_named_by_what_may_have_happened(status, text, changes, kind, word):
    async with answering(status, text, {"Location": "https://keliweb.example/login", "Retry-After": "7"}) as (
        desk,
        seen,
    ):
        error = await error_of(desk, changes=changes)

    assert (kind, 1) == (type(error), len(seen))
    assert word in str(error)
    assert timedelta(seconds=7) == getattr(error, "retry_after", timedelta(seconds=7))


async def test_a_way_to_another_host_may_be_a_wrong_address_as_well_as_a_page_to_log_in():
    async with answering(302, PAGE, {"Location": "https://elsewhere.example/"}) as (desk, _):
        error = await error_of(desk)

    assert (Misconfigured, True) == (type(error), "log in" in error.remedy)


async def test_a_message_is_shown_without_the_entities_that_php_keeps_it_with():
    async with answering(text='{"result":"error","message":"Can&#039;t do that"}') as (desk, _):
        assert "Can't do that" in str(await error_of(desk))


async def test_an_answer_may_begin_with_the_mark_of_its_byte_order():
    async with answering(text='\ufeff{"result":"success","id":"7"}') as (desk, _):
        assert "7" == (await desk.call("open-ticket", {"deptid": "1"}, changes=True))["id"]


def test_a_page_of_nothing_but_inputs_is_looked_through_at_once():
    """While it is looked through, the whole process does nothing else."""
    begun = time.process_time()

    assert not LOGIN_FORM.search(b"<input" * 40_000)

    assert time.process_time() - begun < 1


def test_every_status_of_the_table_has_words_and_a_remedy():
    assert set(range(300, 309)) - {306} <= BY_STATUS.keys()
    assert all(cause and remedy for _, cause, remedy in (*BY_STATUS.values(), *OAUTH.values()))


@pytest.mark.parametrize(
    ("text", "word"), [('{"result":"success"}', "not which"), ('{"result":"success","tid":"516757"}', "number 516757")]
)
async def test_success_without_the_id_of_the_ticket_is_for_a_person_to_look_at(text, word):
    async with answering(text=text) as (desk, _):
        draft = await Pair(desk, None, department="1").draft()  # type: ignore[arg-type] # no agents are asked
        with pytest.raises(OutcomeUnknown, match=word):
            await desk.open_ticket(draft)


async def test_an_answer_without_a_ticket_is_no_ticket():
    async with answering(text='{"result":"success"}') as (desk, _):
        with pytest.raises(UnexpectedReply):
            await desk.find_by_number("1")


async def test_what_php_would_empty_is_not_sent():
    async with answering(table={**TABLE, "post_max_size": 200_000}) as (desk, seen):
        error = await error_of(desk, params={"message": "x" * 200_000})

    assert (Rejected, []) == (type(error), seen)


async def test_a_refusal_that_repeats_a_secret_or_a_text_is_shown_without_it():
    said = json.dumps({"result": "error", "message": f"bad {TOKEN}: The printer burns is not allowed"})
    async with answering(text=said) as (desk, _):
        error = await error_of(desk, params={"message": "The printer burns"})

    assert "Keliweb refused: bad ***: ... is not allowed." in str(error)
    assert not [word for word in (TOKEN, "burns") for text in (repr(error), error.code) if word in text]


# --- what is sent


async def test_fields_are_sent_as_a_browsers_formdata_sends_them():
    params = {"subject": 'Grüße "日本"', "message": "one\ntwo\r\nthree\rfour", "markdown": "true"}
    async with answering(text='{"result":"success"}') as (desk, seen):
        await desk.call("open-ticket", params, changes=True)

    (request,) = seen
    kind, _, boundary = request.headers["content-type"].partition("; boundary=")
    values = ('Grüße "日本"', "one\r\ntwo\r\nthree\r\nfour", "true")
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in zip(params, values, strict=True)
    ]
    assert ("POST", "multipart/form-data") == (request.method, kind)
    assert "".join([*parts, f"--{boundary}--\r\n"]).encode() == request.content
    assert ("application/json", "XMLHttpRequest", f"Bearer {TOKEN}") == tuple(
        request.headers[name] for name in ("accept", "x-requested-with", "authorization")
    )


# --- tokens


@pytest.mark.parametrize(
    ("status", "text", "kind", "word"),
    [
        (401, '{"error":"invalid_client","message":"Client authentication failed"}', NotAuthorised, "client_id"),
        (401, '{"error":"invalid_credentials"}', NotAuthorised, "username and password"),
        (400, '{"error":"invalid_grant","error_description":"x"}', NotAuthorised, "username and password"),
        (401, '{"error":"access_denied"}', NotAuthorised, "denies"),
        (400, '{"error":"unauthorized_client"}', NotAuthorised, "password grant"),
        (400, '{"error":"unsupported_grant_type"}', Misconfigured, "token_path"),
        (400, '{"error":"invalid_request"}', Misconfigured, "token_path"),
        (400, '{"error":"invalid_scope"}', Misconfigured, "scope"),
        (400, '{"error":"server_error"}', Unavailable, "tried again"),
        (400, '{"error":"temporarily_unavailable"}', Unavailable, "tried again"),
        (200, '{"error":"invalid_client"}', NotAuthorised, "client_id"),
        (401, "", NotAuthorised, "client_id"),
        (403, "<h1>Forbidden</h1>", NotAuthorised, "firewall"),
        (404, "<h1>Not Found</h1>", Misconfigured, "token_path"),
        (302, "", Misconfigured, "token_path"),
        (422, '{"message":"invalid"}', Misconfigured, "token_path"),
        (429, "", Unavailable, "slow down"),
        (500, '{"message":"Server Error"}', Unavailable, "tried again"),
        (503, PAGE, Unavailable, "tried again"),
        (200, PAGE, UnexpectedReply, "no token"),
        (200, "{}", UnexpectedReply, "no token"),
        (200, '{"token_type":"mac","access_token":"x"}', UnexpectedReply, "no token"),
        (200, '{"token_type":"Bearer","access_token":[]}', UnexpectedReply, "no token"),
        (200, '{"token_type":"Bearer","access_token":"a\\nb"}', UnexpectedReply, "no token"),
    ],
)
async def test_a_refusal_of_the_token_endpoint_is_named_and_nothing_was_changed(status, text, kind, word):
    async with answering(status, text, {"Retry-After": "7"}, BY_PASSWORD) as (desk, seen):
        error = await error_of(desk)

    assert (kind, "/oauth/token", 1) == (type(error), seen[0].url.path, len(seen))
    assert word in str(error)
    assert error.remedy
    assert not [secret for secret in GRANT.values() if secret in str(error) + repr(error)]
    assert timedelta(seconds=7) == getattr(error, "retry_after", timedelta(seconds=7)) or status == 400


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, '{"message":"Unauthenticated."}'),
        (401, ""),
        (302, PAGE),
        (303, ""),
        (200, LOGIN),
        (200, '{"error":"token expired"}'),
        (400, '{"error":"token invalid"}'),
        (403, '{"message":"Unauthenticated."}'),
    ],
)
async def test_a_token_that_is_refused_in_any_way_is_replaced_once_and_the_call_made_again(status, text):
    used, given_out = [], iter(["T1", "T2", "T3"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            pair = {"token_type": "bearer", "access_token": next(given_out), "refresh_token": "R"}
            return httpx.Response(200, stream=httpx.ByteStream(json.dumps(pair).encode()))
        used.append(request.headers["authorization"])
        good = used[-1] == "Bearer T2"
        content = b'{"result":"success","id":"1"}' if good else text.encode()
        return httpx.Response(200 if good else status, stream=httpx.ByteStream(content))

    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(BY_PASSWORD), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        first = await desk.call("open-ticket", {"deptid": "1"}, changes=True)
        second = await desk.call("open-ticket", {"deptid": "1"}, changes=True)

    assert ["Bearer T1", "Bearer T2", "Bearer T2"] == used
    assert ("1", "1") == (first["id"], second["id"])


@pytest.mark.parametrize(("status", "text"), [(401, ""), (302, PAGE), (200, LOGIN), (200, '{"error":"token expired"}')])
async def test_a_fresh_token_that_is_refused_too_is_for_the_operator(status, text):
    calls = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if calls[-1] == "/oauth/token":
            pair = {"token_type": "Bearer", "access_token": f"T{len(calls)}"}
            return httpx.Response(200, stream=httpx.ByteStream(json.dumps(pair).encode()))
        return httpx.Response(status, stream=httpx.ByteStream(text.encode()))

    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(BY_PASSWORD), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        error = await error_of(desk)

    assert (NotAuthorised, ["/oauth/token", "/api/v2/keliweb/open-ticket"] * 2) == (type(error), calls)
    assert "token is not accepted" in str(error)


def test_every_documented_error_of_the_token_endpoint_has_a_row_above():
    marks = test_a_refusal_of_the_token_endpoint_is_named_and_nothing_was_changed.pytestmark
    proved = {json_object(row[1].encode()).get("error") for row in marks[0].args[1]}

    assert OAUTH.keys() <= proved


@pytest.mark.parametrize(
    ("told", "used"),
    [(3600, 3540), ("60", 54), (None, 3540), ("soon", 3540), (-1, 3540), ("inf", 3540), ("nan", 3540), (0, 3540)],
)
def test_a_token_is_used_for_as_long_as_is_told_but_the_last_minute(told, used):
    assert used == usable_for(told)


@pytest.mark.parametrize("refresh", ["\ud800", "a b", "ü", None])
async def test_a_refresh_token_that_is_none_is_not_kept_and_the_password_is_used_again(refresh):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(parse_qsl(request.content.decode()))["grant_type"])
        pair = {"token_type": "bearer", "access_token": "T1", "refresh_token": refresh, "expires_in": 60}
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(pair).encode()))

    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(BY_PASSWORD), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        tokens = [await desk.token(), await desk.token(refused="T1")]

    assert (["T1", "T1"], ["password", "password"]) == (tokens, asked)


@given(st.binary(max_size=200))
def test_no_answer_is_too_wild_to_be_read(content):
    assert isinstance(json_object(content), dict)
