"""SuperOffice's refusals and every wrong answer, row by row: each becomes one of our errors, with words for people."""

import json
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from hypothesis import given, strategies as st

from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
)
from adapters.model import TicketRef
from adapters.shared import InProcess
from adapters.superoffice_rest import SuperOfficeRestDesk
from adapters.superoffice_rest.refusals import BY_STATUS, REFUSALS
from adapters.superoffice_rest.settings import SuperOfficeRestSettings

TABLE = {
    "kind": "superoffice_rest",
    "url": "https://crm.example/SuperOffice",
    "auth": "basic",
    "username": "threadline",
    "password": "PASSWORD-9922",
    "calls_per_second": 1000,
}


@asynccontextmanager
async def answering(status=200, content=b"", headers=None, **table):
    """A desk whose server answers everything so, and the requests that it got."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

    settings = SuperOfficeRestSettings.model_validate({**TABLE, **table})
    desk = SuperOfficeRestDesk("support", settings, InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        yield desk, seen


def said(kind: str, words: str) -> bytes:
    body = {"Error": True, "ErrorType": kind, "ErrorMessage": words, "ErrorSource": "SuperOffice.Services"}
    return json.dumps(body).encode()


async def error_of(desk: SuperOfficeRestDesk, *, changes: bool) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        await desk.call("POST" if changes else "GET", "Ticket", body={} if changes else None, changes=changes)
    return caught.value


SAID = [
    (404, "SoNotFoundException", "Ticket id 99999 not found", NotFound, ""),
    (404, "SoNotFoundException", "TicketMessage id 99999 not found", NotFound, ""),
    (404, "SoNotFoundException", "Attachment id 99999 not found", NotFound, "files"),
    (404, "SoNotFoundException", "TicketCategory id 99999 not found", Rejected, "department"),
    (404, "SoNotFoundException", "TicketPriority id 99999 not found", Rejected, "priority"),
    (404, "SoNotFoundException", "Contact id 99999 not found", Rejected, "requester"),
    (404, "SoNotFoundException", "Person id 99999 not found", Rejected, "requester"),
    (404, "SoNotFoundException", "TicketStatus id 99999 not found", Rejected, "status"),
    (404, "SoNotFoundException", "Associate id 99999 not found", Rejected, "owner"),
    (404, "SoNotFoundException", "Flux id 99999 not found", NotFound, ""),
    (404, "Odd", "Nothing here", NotFound, ""),
    (500, "SoNotFoundException", "Ticket id 99999 not found", NotFound, ""),
    (403, "SoLicenseException", "Missing license", NotAuthorised, ""),
    (401, "SoAuthenticationException", "Unknown", NotAuthorised, ""),
    (403, "SoSecurityException", "No", NotAuthorised, ""),
    (400, "ArgumentException", "Title is too long", Rejected, "subject"),
    (400, "ArgumentException", "category must be set", Rejected, "department"),
    (400, "ArgumentException", "priority must be set", Rejected, "priority"),
    (400, "ArgumentException", "status cannot be that", Rejected, "status"),
    (400, "ArgumentException", "attachment is empty", Rejected, "files"),
    (400, "ArgumentException", "person is retired", Rejected, "requester"),
    (400, "ArgumentException", "owner is retired", Rejected, "owner"),
    (400, "ArgumentException", "flux capacitor", Rejected, ""),
]


@pytest.mark.parametrize("row", SAID)
@pytest.mark.parametrize("changes", [True, False])
async def test_what_superoffice_says_is_named_by_what_to_do_next(row, changes):
    status, kind, words, meant, field = row
    async with answering(status, said(kind, words)) as (desk, _):
        error = await error_of(desk, changes=changes)

    assert (meant, field) == (type(error), getattr(error, "field", ""))
    assert str(error).startswith("support: ")
    assert "SuperOffice" in str(error)
    assert words in error.code


def test_each_row_of_the_table_is_met_by_an_example():
    import re

    met = set()
    for _, kind, words, _, _ in SAID:
        fitting = (row.pattern for row in REFUSALS if re.search(row.pattern, f"{kind}: {words}", re.IGNORECASE))
        met.add(next(fitting, ""))

    assert {row.pattern for row in REFUSALS} <= met


@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize("status", BY_STATUS)
async def test_a_status_without_words_means_what_the_table_says_and_that_nothing_was_done(status, changes):
    async with answering(status, b"<h1>no</h1>") as (desk, seen):
        error = await error_of(desk, changes=changes)

    assert BY_STATUS[status][0] is type(error)
    assert error.remedy
    assert 1 == len(seen)


@pytest.mark.parametrize(
    ("status", "content", "changed", "read"),
    [
        (200, b"<!doctype html><title>Login</title>", OutcomeUnknown, UnexpectedReply),
        (200, b"", OutcomeUnknown, UnexpectedReply),
        (200, b'{"TicketId": 1', OutcomeUnknown, UnexpectedReply),
        (500, b"boom", OutcomeUnknown, Unavailable),
        (502, b"Bad Gateway", OutcomeUnknown, Unavailable),
        (500, said("NullReferenceException", "category was null after the save"), OutcomeUnknown, Unavailable),
        (500, said("SqlException", "Timeout expired while reading table status"), OutcomeUnknown, Unavailable),
        (500, said("IOException", "Could not store attachment: the disk is busy"), OutcomeUnknown, Unavailable),
        (500, said("System.IO.FileNotFoundException", "No template for ticket 17"), OutcomeUnknown, Unavailable),
        (503, said("ServiceUnavailable", "Please contact your system administrator."), OutcomeUnknown, Unavailable),
        (418, b"", OutcomeUnknown, UnexpectedReply),
    ],
)
async def test_an_answer_that_says_nothing_certain_is_looked_up_if_it_may_have_changed_something(
    status, content, changed, read
):
    async with answering(status, content) as (desk, _):
        assert changed is type(await error_of(desk, changes=True))
        error = await error_of(desk, changes=False)

    assert read is type(error)


@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (429, "TooManyRequests", "API call quota for associate 5 exceeded"),
        (429, "Throttled", "More than 10 calls per second are not allowed"),
        (421, "WrongSubdomain", "No such contact in this tenant"),
        (409, "Conflict", "Test failed: another person changed it"),
        (412, "PreconditionFailed", "The status was changed"),
        (403, "SoException", "You have no right to category 2"),
        (401, "SoException", "The owner of this token is retired"),
    ],
)
async def test_words_beside_a_status_that_says_it_all_do_not_change_what_it_means(status, kind, words, changes):
    async with answering(status, said(kind, words), {"Retry-After": "7"}) as (desk, _):
        error = await error_of(desk, changes=changes)

    assert (BY_STATUS[status][0], BY_STATUS[status][1]) == (type(error), error.cause)
    if isinstance(error, Unavailable):
        assert timedelta(seconds=7) == error.retry_after


@pytest.mark.parametrize("answer", [b"[]", b"null", b"3", b'"x"', b'{"TicketId": null}', b'{"TicketId": 0}'])
async def test_a_new_ticket_without_a_number_may_be_there_all_the_same(answer):
    async with answering(200, answer) as (desk, _):
        desk._kept["Ticket/default"] = ({}, float("inf"))
        from tests.adapters.drafts import Pair

        pair = Pair(desk, None, department="1")  # type: ignore[arg-type] # nobody looks at the agents' side
        with pytest.raises(OutcomeUnknown):
            await desk.open_ticket(await pair.draft())


@pytest.mark.parametrize("answer", [b"null", b"{}", b'"x"'])
async def test_an_answer_that_is_no_list_of_messages_does_not_mean_that_there_are_none(monkeypatch, answer):
    async with answering(200, answer) as (desk, _):

        async def headers(_ticket):
            return [{"TicketMessageId": 1}]

        monkeypatch.setattr(desk, "headers", headers)
        with pytest.raises(UnexpectedReply):
            await desk.messages(TicketRef(id="1", number="1"))


async def test_a_message_without_a_number_that_is_one_is_no_answer(monkeypatch):
    async with answering(200, b'[{"EjMessageId": "x"}]') as (desk, _):
        ticket = TicketRef(id="1", number="1")

        async def headers(_ticket):
            return [{"TicketMessageId": 7}]

        monkeypatch.setattr(desk, "headers", headers)
        with pytest.raises(UnexpectedReply):
            await desk.messages(ticket)


@pytest.mark.parametrize(
    ("path", "shape", "wrong", "right"),
    [("Ticket/default", dict, b"null", b"{}"), ("MDOList/ejcategory", list, b'{"Id": 1}', b"[]")],
)
async def test_what_is_not_of_the_form_that_is_documented_is_not_kept(path, shape, wrong, right):
    answers = [wrong, right]

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(answers.pop(0)))

    desk = SuperOfficeRestDesk("support", SuperOfficeRestSettings.model_validate(TABLE), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        with pytest.raises(UnexpectedReply):
            await desk.kept(path, shape)
        assert shape() == await desk.kept(path, shape) == await desk.kept(path, shape)


@pytest.mark.parametrize("answer", [b"[]", b"null", b"{}", b'{"value": null}', b'{"value": 3}'])
async def test_an_archive_without_rows_is_no_answer(answer):
    async with answering(200, answer) as (desk, _):
        with pytest.raises(UnexpectedReply):
            await desk.changed_since("")


async def test_a_429_says_for_how_long():
    async with answering(429, headers={"Retry-After": "7"}) as (desk, _):
        error = await error_of(desk, changes=True)

    assert isinstance(error, Unavailable)
    assert timedelta(seconds=7) == error.retry_after


async def test_a_missing_agents_call_names_the_setting_that_does_without_it():
    async with answering(404, b"<h1>404</h1>") as (desk, _):
        error = await error_of(desk, changes=True)

    assert isinstance(error, Misconfigured)
    assert "agents_calls = false" in str(error)


async def test_a_secret_that_superoffice_repeats_is_in_no_error():
    async with answering(400, said("Odd", f"you said {TABLE['password']}")) as (desk, _):
        error = await error_of(desk, changes=True)

    assert "PASSWORD-9922" not in f"{error}{error!r}{error.code}"
    assert "***" in error.code


@given(status=st.integers(200, 599), content=st.binary(max_size=60), changes=st.booleans())
async def test_whatever_comes_back_is_an_answer_or_one_of_our_errors(status, content, changes):
    async with answering(status, content) as (desk, _):
        try:
            await desk.call("GET", "Ticket", changes=changes)
        except AdapterError as error:
            assert str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": ""}, "url"),
        ({"tenant": "Cust1"}, "one of them"),
        ({"url": "ftp://crm.example"}, "https"),
        ({"url": "http://crm.example"}, "https"),
        ({"password": ""}, "password"),
        ({"auth": "soticket"}, "ticket"),
        ({"auth": "bearer"}, "access_token"),
        ({"auth": "bearer", "refresh_token": "r"}, "client_id"),
        ({"auth": "system_user", "app_token": "a", "system_user_token": "s"}, "tenant"),
        ({"login_url": "http://login.example"}, "login_url"),
        ({"marker_field": "SuperOffice:1"}, "marker_field"),
        ({"tenant": "../x"}, "tenant"),
        ({"owner": "me"}, "owner"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_cannot_work_are_named(change, words):
    from pydantic import ValidationError

    table = {name: value for name, value in {**TABLE, **change}.items() if value != "" or name == "password"}
    with pytest.raises(ValidationError) as caught:
        SuperOfficeRestDesk.Settings.model_validate(table)

    assert words in str(caught.value)
    assert "PASSWORD-9922" not in str(caught.value)
