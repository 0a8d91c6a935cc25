"""WHMCS's refusals and every wrong answer, row by row: each becomes one of our errors, with words and no secret."""

import base64
import hashlib
import re
import time
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

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
from adapters.model import Attachment, TicketRef
from adapters.shared import InProcess
from adapters.whmcs import WhmcsDesk
from adapters.whmcs.refusals import REFUSALS
from adapters.whmcs.wire import parsed
from adapters.whmcs_family.php import serialized
from bot.sandbox.desks.whmcs_php import unserialize
from tests.adapters.drafts import Pair

ACCESS = {"identifier": "ID-4411", "secret": "SECRET-9922"}
TABLE = {"kind": "whmcs", "url": "https://whmcs.example/billing/", **ACCESS}


@asynccontextmanager
async def answering(status=200, text="", headers=None, table=None):
    """A desk whose server answers everything so, and the forms that it got."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(text.encode()))

    desk = WhmcsDesk("acme", WhmcsDesk.Settings.model_validate(table or TABLE), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        yield desk, seen


async def error_of(desk: WhmcsDesk, *, changes: bool = True, params=None):
    with pytest.raises(Exception) as caught:
        await desk.call("OpenTicket" if changes else "GetTicket", params or {}, changes=changes)
    return caught.value


SAID = {
    "Invalid IP 117.217.28.213": (NotAuthorised, "", "117.217.28.213"),
    "Invalid IP 2405:201:c00f::1": (NotAuthorised, "", "2405:201:c00f::1"),
    'Invalid Permissions: API action "openticket" is not allowed': (NotAuthorised, "", "openticket"),
    "Invalid Permissions: API action OpenTicket is not allowed": (NotAuthorised, "", "OpenTicket"),
    "Authentication Failed": (NotAuthorised, "", "identifier and secret"),
    "Invalid or missing credentials": (NotAuthorised, "", "identifier and secret"),
    "Invalid password provided": (NotAuthorised, "", "password"),
    "Administrator Account Disabled": (NotAuthorised, "", "disabled"),
    "Access Denied": (NotAuthorised, "", "denies"),
    "Empty action request": (Misconfigured, "", "proxies"),
    "Command Not Found": (Misconfigured, "", "does not know OpenTicket"),
    "Ticket ID not found": (NotFound, "", "ticket"),
    "Ticket ID Not Found": (NotFound, "", "ticket"),
    "Ticket ID Required": (NotFound, "", "ticket"),
    "Reply ID Required": (NotFound, "", "reply"),
    "Reply ID Not Found": (NotFound, "", "reply"),
    "Note ID Not Found": (NotFound, "", "note"),
    "Related ID Not Found": (NotFound, "files", "file"),
    "Related ID Required": (NotFound, "files", "file"),
    "No Attachments Found": (NotFound, "files", "no files"),
    "Attachments Deleted": (NotFound, "files", "deleted"),
    "Invalid Attachment Index": (NotFound, "files", "file"),
    "Attachment Index Required": (NotFound, "files", "file"),
    "Client ID Not Found": (Rejected, "requester", "client"),
    "Client Not Found": (Rejected, "requester", "client"),
    "The system cannot find the provided user ID.": (Rejected, "requester", "user"),
    "Contact ID Not Found": (Rejected, "requester", "contact"),
    "Name and email address are required if not a client": (Rejected, "requester", "guest_email"),
    "Email Address Invalid": (Rejected, "requester", "address"),
    "Department ID not found": (Rejected, "department", "department"),
    "Department ID Not Found": (Rejected, "department", "department"),
    "Subject is required": (Rejected, "subject", "subject"),
    "Message is required": (Rejected, "body", "text"),
    "Message is Required": (Rejected, "body", "text"),
    "Service ID Not Found": (Rejected, "serviceid", "service"),
    "Domain ID Not Found": (Rejected, "domainid", "domain"),
    "Invalid Ticket Status": (Rejected, "status", "status"),
    "Invalid Ticket Status. Valid statuses are: Open,Closed": (Rejected, "status", "Open,Closed"),
    "Invalid Ticket Priority. Valid priorities are: Low,Medium,High": (Rejected, "priority", "Low,Medium,High"),
    "Invalid Date Format": (Misconfigured, "", "send_times"),
    "Ticket creation date cannot be in the future": (Misconfigured, "", "timezone"),
    "Reply creation date cannot be in the future": (Misconfigured, "", "timezone"),
    "Unable to generate ticket number": (Unavailable, "", "ticket mask"),
    "No tickets on Sundays (from a TicketOpenValidation hook)": (Rejected, "", "No tickets on Sundays"),
}


@pytest.mark.parametrize(("message", "meant"), SAID.items())
async def test_a_refusal_is_named_by_what_to_do_and_says_it(message, meant):
    kind, field, word = meant
    async with answering(text=f'{{"result":"error","message":{httpx.Response(200, json=message).text}}}') as (desk, _):
        error = await error_of(desk)

    assert kind is type(error)
    assert field == getattr(error, "field", "")
    assert word in str(error)
    assert error.remedy


async def test_what_a_server_refuses_for_its_size_is_told_with_that_size():
    async with answering(413) as (desk, seen):
        error = await error_of(desk)

    assert f"takes {len(seen[0].content):,} bytes" in error.cause


def test_every_row_of_the_table_is_proved_by_a_message_of_whmcs():

    proved = {
        next((row.pattern for row in REFUSALS if re.search(row.pattern, said, re.IGNORECASE)), "") for said in SAID
    }
    assert {row.pattern for row in REFUSALS} <= proved


CHANGED, READ = True, False


@pytest.mark.parametrize(
    ("status", "text", "changes", "kind", "word"),
    [
        (200, "<!doctype html><title>Maintenance", CHANGED, OutcomeUnknown, "no answer of its API"),
        (200, "<!doctype html><title>Maintenance", READ, UnexpectedReply, "no answer of its API"),
        (200, "", CHANGED, OutcomeUnknown, "looked up"),
        (200, "", READ, UnexpectedReply, "browser"),
        (200, '{"result":"succ', CHANGED, OutcomeUnknown, "looked up"),
        (200, '{"result":"succ', READ, UnexpectedReply, "browser"),
        (200, "[]", CHANGED, OutcomeUnknown, "looked up"),
        (200, "null", READ, UnexpectedReply, "browser"),
        (200, "{}", READ, UnexpectedReply, "browser"),
        (200, '{"message":"hello"}', READ, UnexpectedReply, "browser"),
        (200, "[" * 100_000, CHANGED, OutcomeUnknown, "looked up"),
        (500, '{"result":"success","id":1}', CHANGED, OutcomeUnknown, "may have done"),
        (500, '{"result":"error","message":"x"}', CHANGED, OutcomeUnknown, "may have done"),
        (500, "", READ, Unavailable, "tried again"),
        (502, "<h1>Bad Gateway</h1>", CHANGED, OutcomeUnknown, "may have done"),
        (503, "<h1>Maintenance</h1>", CHANGED, OutcomeUnknown, "may have done"),
        (503, "<h1>Maintenance</h1>", READ, Unavailable, "tried again"),
        (504, "", CHANGED, OutcomeUnknown, "may have done"),
        (200, '{"error":"upstream busy"}', READ, UnexpectedReply, "browser"),
        (429, "slow down", CHANGED, Unavailable, "slow down"),
        (429, '{"result":"error","message":"Too many requests"}', CHANGED, Unavailable, "slow down"),
        (200, '{"result":"error","message":"Can&#039;t do &quot;that&quot;"}', CHANGED, Rejected, 'Can\'t do "that"'),
        (403, "<h1>Forbidden</h1>", CHANGED, NotAuthorised, "firewall"),
        (406, "<h1>Not Acceptable!</h1>", CHANGED, NotAuthorised, "firewall"),
        (403, '{"result":"error","message":"Nope"}', CHANGED, NotAuthorised, "Nope"),
        (403, '{"result":"error","message":"No\\r\\nway"}', CHANGED, NotAuthorised, "No way"),
        (403, "result=error;message=Invalid IP 103.170.226.94;", CHANGED, NotAuthorised, "103.170.226.94"),
        (403, "<whmcsapi><result>error</result><message>Invalid IP 1.2.3.4</message>", READ, NotAuthorised, "1.2.3.4"),
        (401, "", CHANGED, NotAuthorised, "http_user"),
        (404, "<h1>Not Found</h1>", CHANGED, Misconfigured, "root of WHMCS"),
        (405, "", CHANGED, Misconfigured, "root of WHMCS"),
        (301, "", CHANGED, Misconfigured, "sends us on"),
        (302, "", READ, Misconfigured, "sends us on"),
        (308, "", CHANGED, Misconfigured, "sends us on"),
        (413, "", CHANGED, Rejected, "post_max_size"),
        (418, "", READ, UnexpectedReply, "browser"),
        (400, '{"result":"error","message":"Empty action request"}', CHANGED, Misconfigured, "proxies"),
    ],
)
async def test_a_wrong_answer_is_named_by_what_may_have_happened(status, text, changes, kind, word):
    async with answering(status, text, {"Location": "https://elsewhere.example/"}) as (desk, seen):
        error = await error_of(desk, changes=changes)

    asked = [request for request in seen if b"action=GetSupportDepartments" not in request.content]
    assert (kind, 1) == (type(error), len(asked))
    assert word in str(error)


def test_a_page_of_nothing_but_results_is_looked_through_at_once():
    """While it is looked through, the whole process does nothing else."""
    begun = time.process_time()

    assert {} == parsed(b"<whmcsapi>" + b"<result>" * 40_000)

    assert time.process_time() - begun < 1


async def test_success_without_the_number_of_the_ticket_is_looked_up():
    async with answering(text='{"result":"success"}') as (desk, _):
        draft = await Pair(desk, None, department="1").draft()  # type: ignore[arg-type] # no agents are asked
        with pytest.raises(OutcomeUnknown):
            await desk.open_ticket(draft)


async def test_a_message_without_a_number_that_is_one_is_for_the_operator():
    text = '{"result":"success","ticketid":"7","replies":{"reply":[{"replyid":"abc","message":"x"}]}}'
    async with answering(text=text) as (desk, _):
        with pytest.raises(UnexpectedReply, match="no number"):
            await desk.messages(TicketRef(id="7", number="7"))


async def test_a_file_that_is_not_in_base64_will_never_be_one():
    async with answering(text='{"result":"success","data":"%%%"}') as (desk, _):
        with pytest.raises(Rejected, match="base64"):
            await desk.attachment(TicketRef(id="7", number="7"), Attachment(id="reply:1:0", name="a.txt"), limit=9)


async def test_tickets_whose_number_is_none_are_found_all_the_same():
    listed = '[{"id":"x","subject":"some"},{"id":"9","subject":"some more"}]'
    text = f'{{"result":"success","totalresults":"2","tickets":{{"ticket":{listed}}}}}'
    async with answering(text=text) as (desk, _):
        found = await desk.search("some")

    assert ["9", "x"] == [ticket.ref.id for ticket in found]


ROW = '{"id":"9","subject":"other"}'


@pytest.mark.parametrize(
    "answer",
    [
        '"tickets":[]',
        '"totalresults":"x","tickets":[]',
        '"totalresults":null,"tickets":[]',
        '"totalresults":"1","tickets":[]',
        f'"tickets":{{"ticket":[{ROW}]}}',
    ],
)
async def test_that_there_is_no_ticket_is_believed_only_where_all_were_told(answer):
    async with answering(text=f'{{"result":"success",{answer}}}') as (desk, _):
        draft = await Pair(desk, None, department="1").draft()  # type: ignore[arg-type] # no agents are asked
        with pytest.raises(UnexpectedReply):
            await desk.find_ticket("TL-ABCDEFGH2345", draft)


async def test_a_client_that_is_told_as_anything_else_than_a_client_is_nobody():
    async with answering(text='{"result":"success","client":"ada"}') as (desk, _):
        assert await desk.find_requester("ada@example.com") is None


async def test_an_emptied_form_is_told_from_wrong_credentials_by_its_size():
    said = '{"result":"error","message":"Authentication Failed"}'
    async with answering(403, said) as (desk, _):
        large = await error_of(desk, params={"message": "x" * 1_000_001})
        small = await error_of(desk, params={"message": "x"})

    assert (Rejected, "files", NotAuthorised) == (type(large), large.field, type(small))


async def test_what_php_would_empty_is_not_sent():
    async with answering(table={**TABLE, "post_max_size": 200_000}) as (desk, seen):
        error = await error_of(desk, params={"message": "x" * 200_000})

    assert (Rejected, []) == (type(error), seen)


async def test_a_message_of_whmcs_that_repeats_a_secret_is_shown_without_it():
    async with answering(text='{"result":"error","message":"bad secret SECRET-9922"}') as (desk, _):
        error = await error_of(desk)

    assert "***" in str(error)
    assert "SECRET-9922" not in str(error) + repr(error) + error.code


@pytest.mark.parametrize(
    ("access", "sent"),
    [
        (ACCESS, ACCESS),
        ({**ACCESS, "accesskey": "key!"}, {**ACCESS, "accesskey": "key!"}),
        (
            {"username": "admin", "password": "pässword"},
            {"username": "admin", "password": hashlib.md5("pässword".encode()).hexdigest()},
        ),
    ],
)
async def test_each_way_to_log_in_is_sent_as_documented(access, sent):
    table = {"kind": "whmcs", "url": "https://whmcs.example/billing/", **access}
    async with answering(text='{"result":"success"}', table=table) as (desk, seen):
        await desk.call("GetSupportStatuses", {}, changes=False)

    form = {name: value for name, (value,) in parse_qs(seen[0].content.decode()).items()}
    assert "https://whmcs.example/billing/includes/api.php" == str(seen[0].url)
    assert {"action": "GetSupportStatuses", "responsetype": "json", **sent} == form
    assert "authorization" not in seen[0].headers


async def test_a_sites_own_password_and_extra_parameters_are_sent():
    extra = {"extra": {"AddTicketReply": {"useMarkdown": "1"}}, "http_user": "gate", "http_password": "p:w"}
    async with answering(text='{"result":"success"}', table={**TABLE, **extra}) as (desk, seen):
        await desk.call("AddTicketReply", {"ticketid": "1"}, changes=True)

    assert "Basic Z2F0ZTpwOnc=" == seen[0].headers["authorization"]
    assert b"useMarkdown=1" in seen[0].content


@pytest.mark.parametrize("access", [{}, {"identifier": "a"}, {**ACCESS, "username": "a", "password": "b"}])
def test_exactly_one_whole_pair_of_credentials_is_needed(access):
    with pytest.raises(ValueError, match="identifier and secret"):
        WhmcsDesk.Settings.model_validate({"kind": "whmcs", "url": "https://whmcs.example", **access})


def test_a_time_zone_must_exist():
    with pytest.raises(ValueError, match="time zone"):
        WhmcsDesk.Settings.model_validate({**TABLE, "timezone": "Rome/Europe"})


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"1": "Google"}, "YToxOntpOjE7czo2OiJHb29nbGUiO30="),  # as PHP 8.2 writes it
        ({}, "YTowOnt9"),
    ],
)
def test_custom_fields_are_serialised_as_php_does(values, sent):
    assert sent == serialized(values)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=40), max_size=5))
def test_whatever_is_serialised_is_read_again_byte_for_byte(values):
    assert values == unserialize(base64.b64decode(serialized(values)))


@given(st.binary(max_size=200))
def test_no_answer_is_too_wild_to_be_parsed(content):
    assert isinstance(parsed(content), dict | None)
