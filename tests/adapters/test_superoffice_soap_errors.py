"""Whatever SuperOffice or the way to it answers becomes one of our errors, with words that say what to do."""

from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from adapters import errors
from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
)
from adapters.http import Reply
from adapters.model import MessageRef, TicketRef, Visibility
from adapters.shared import InProcess
from adapters.superoffice_soap import SuperOfficeSoapDesk, wsdl
from adapters.superoffice_soap.errors import CODES, of_fault
from adapters.superoffice_soap.port import Fault, NotSoap, Port
from tests.adapters.drafts import Pair
from tests.adapters.superoffice_soap_served import Fixed, drafts, envelope, served, settings_of

MANUAL = """
1 IncorrectLoginCustomer NotAuthorised
2 IncorrectLoginUser NotAuthorised
3 UnknownCustomer Rejected requester
4 InsufficientRights NotAuthorised
6 OperationIllegal NotAuthorised
7 CustomError Rejected
8 InvalidCategory Rejected department
9 InvalidPriority Rejected priority
10 InvalidSLevel Rejected
11 InvalidDomain Rejected
12 InvalidExtraField Rejected
13 UnknownTicket NotFound
14 UserNameExists Rejected requester
15 EmptyPassword NotAuthorised
16 UnknownAttachment NotFound files
17 InvalidField Rejected
18 UnknownMessage NotFound
19 NoLicense NotAuthorised
20 InvalidFaqCategory Rejected
21 InvalidFaqEntry Rejected
22 FaqScoreOutOfRange Rejected
23 UnknownLanguage Rejected
24 AttachmentInUse Rejected files
25 InvalidFaqGroup Rejected
26 NotificationViolation Rejected
27 FileNotFound NotFound files
28 IllegalCriterias Rejected
29 InvalidOwner Rejected owner
30 UnknownCompany NotFound requester
31 UnknownCustomerId Rejected requester
32 UnknownTicketStatus Rejected status
33 UnknownExtraTable NotFound
34 UnknownUserId Rejected owner
35 UserNotFound Rejected owner
"""
"""The manual's appendix of error codes but 0 and 5, with what each must become and the field that it is about."""

ROWS = [(*row.split(), "")[:4] for row in MANUAL.strip().splitlines()]


@pytest.mark.parametrize(("code", "name", "kind", "field"), ROWS, ids=[row[1] for row in ROWS])
async def test_each_code_is_the_error_that_says_what_to_do_and_nothing_was_done(code, name, kind, field):
    async with served() as (desk, stand_in):
        stand_in.calls.fail["newTicket"] = int(code)
        with pytest.raises(AdapterError) as caught:
            await drafts(desk, stand_in).open()

        assert (getattr(errors, kind), field) == (type(caught.value), getattr(caught.value, "field", ""))
        assert f"{code} SoapError{name}" == caught.value.code
        assert str(caught.value).startswith("acme: SuperOffice Service: ")
        assert () == await stand_in.tickets()


def test_the_table_has_every_code_of_the_manual():
    assert {*(row[0] for row in ROWS), "5"} == set(CODES)


async def test_a_code_that_the_manual_does_not_have_is_a_refusal():
    async with served() as (desk, stand_in):
        stand_in.calls.fail["newTicket"] = 99
        with pytest.raises(Rejected, match="manual does not have") as caught:
            await drafts(desk, stand_in).open()

        assert "99" == caught.value.code


@pytest.mark.parametrize(
    ("attempt", "field"),
    [
        ({"department": "999"}, "department"),
        ({"department": ""}, "department"),
        ({"priority": "999"}, "priority"),
        ({"owner": "999"}, "owner"),
        ({"fields": {"x_99": "a"}}, "x_99"),
        ({"fields": {"x_10": "mine"}}, "x_10"),
        ({"fields": {"ticket.x_10": "mine"}}, "ticket.x_10"),
        ({"fields": {"x_25": "three"}}, "x_25"),
        ({"fields": {"x_26": "tomorrow"}}, "x_26"),
        ({"fields": {"x_28": "perhaps"}}, "x_28"),
        ({"options": {"customers": "999"}}, "requester"),
    ],
)
async def test_a_wrong_value_is_rejected_beside_its_field_and_nothing_is_opened(attempt, field):
    async with served(department=None) as (desk, stand_in):
        pair = Pair(desk, stand_in)
        with pytest.raises(Rejected) as caught:
            await desk.open_ticket(await pair.draft(**{"department": "4", **attempt}))

        assert (field, ()) == (caught.value.field, await stand_in.tickets())


async def test_an_address_that_is_not_allowed_names_the_list_to_change():
    async with served() as (desk, stand_in):
        stand_in.allowed = False
        with pytest.raises(NotAuthorised, match="IP address") as caught:
            await desk.search("x")

        assert "System > Soap" in caught.value.remedy


async def test_a_missing_licence_is_named():
    async with served() as (desk, stand_in):
        stand_in.calls.licensed = False
        [finding] = await desk.check()

        assert (False, True) == (finding.ok, "licence" in finding.detail)


async def test_another_namespace_points_at_the_wsdl():
    async with served(namespace="urn:elsewhere") as (desk, _):
        with pytest.raises(Misconfigured, match="namespace of our WSDL") as caught:
            await desk.search("x")

        assert "wsdl" in caught.value.remedy


FAULT = "<e:Fault><faultcode>{}</faultcode><faultstring>{}</faultstring></e:Fault>"
HTML = b"<!doctype html><title>Sign in</title>"
BOMB = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + envelope("&b;")
CASES: list[tuple[str, Any, type[AdapterError], type[AdapterError]]] = [
    ("HTML", Fixed(HTML, media_type="text/html"), UnexpectedReply, OutcomeUnknown),
    ("HTML that says it is XML", Fixed(HTML), UnexpectedReply, OutcomeUnknown),
    ("nothing", Fixed(b""), UnexpectedReply, OutcomeUnknown),
    ("500 and nothing", Fixed(b"", status=500), UnexpectedReply, OutcomeUnknown),
    ("202", Fixed(b"", status=202), UnexpectedReply, OutcomeUnknown),
    ("truncated", Fixed(envelope("<n:x><errorCode>0")[:150]), UnexpectedReply, OutcomeUnknown),
    ("other XML", Fixed(b"<a/>"), UnexpectedReply, OutcomeUnknown),
    ("empty body", Fixed(envelope("")), UnexpectedReply, OutcomeUnknown),
    ("no code", Fixed(envelope("<n:xResponse/>")), UnexpectedReply, OutcomeUnknown),
    ("empty code", Fixed(envelope("<n:xResponse><errorCode/></n:xResponse>")), UnexpectedReply, OutcomeUnknown),
    ("DTD", Fixed(BOMB), UnexpectedReply, OutcomeUnknown),
    ("multipart", Fixed(b"--x", media_type="multipart/related; boundary=x"), UnexpectedReply, OutcomeUnknown),
    ("JSON", Fixed(b"{}", media_type="application/json"), UnexpectedReply, OutcomeUnknown),
    ("too large", Fixed(envelope("x" * 300_000)), UnexpectedReply, OutcomeUnknown),
    ("too many elements", Fixed(envelope("<a>" * 20_000)), UnexpectedReply, OutcomeUnknown),
    ("server fault", Fixed(envelope(FAULT.format("e:Server", "x")), status=500), UnexpectedReply, OutcomeUnknown),
    ("client fault", Fixed(envelope(FAULT.format("e:Client", "Validation constraint violation"))), Rejected, Rejected),
    (
        "IP",
        Fixed(envelope(FAULT.format("e:Server", "access from IP denied")), status=500),
        NotAuthorised,
        OutcomeUnknown,
    ),
    ("IP, client", Fixed(envelope(FAULT.format("e:Client", "access from IP denied"))), NotAuthorised, NotAuthorised),
    ("fault without a code", Fixed(envelope(FAULT.format("", "x")), status=500), UnexpectedReply, OutcomeUnknown),
    ("fault of its own", Fixed(envelope(FAULT.format("n:Internal", "x")), status=500), UnexpectedReply, OutcomeUnknown),
    ("401", Fixed(HTML, status=401), NotAuthorised, NotAuthorised),
    ("403", Fixed(HTML, status=403), NotAuthorised, NotAuthorised),
    ("404", Fixed(HTML, status=404), Misconfigured, Misconfigured),
    ("302", Fixed(b"", status=302), Misconfigured, Misconfigured),
    ("413", Fixed(HTML, status=413, media_type="text/html"), Rejected, Rejected),
    ("429", Fixed(b"", status=429), Unavailable, Unavailable),
    ("502", Fixed(HTML, status=502, media_type="text/html"), Unavailable, OutcomeUnknown),
    ("503 as XML", Fixed(b"<a/>", status=503), Unavailable, OutcomeUnknown),
]


@pytest.mark.parametrize(
    ("answer", "reading", "changing"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_each_wrong_shape_is_named_by_what_may_have_happened(answer, reading, changing):
    shared = InProcess()
    async with served(shared=shared, max_reply=200_000) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        draft = await pair.draft()
        await desk.search("x")  # a session is there
        other = SuperOfficeSoapDesk("acme", desk.settings, shared)
        other.transport = answer
        async with other:
            for attempt, expected in ((other.search("x"), reading), (other.open_ticket(draft), changing)):
                with pytest.raises(AdapterError) as caught:
                    await attempt

                assert expected is type(caught.value), caught.value
                assert caught.value.remedy
                assert "Sign in" not in f"{caught.value!r}"


@pytest.mark.parametrize(
    "words",
    [
        "Message stored, mail failed: 554 5.7.1 <a@x.no>: Relay access denied",
        "write: Operation not permitted",
        "notification script: feature not implemented",
        "Client socket: Database connection was lost",
    ],
)
async def test_a_fault_of_the_server_may_come_after_its_work_so_the_change_is_looked_up_whatever_it_says(words):
    async with served() as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open()
        stand_in.calls.breaks["addMessage3"] = words
        draft = pair.message(visibility=Visibility.INTERNAL)
        with pytest.raises(OutcomeUnknown, match="may have done"):
            await desk.add_message(ticket, draft)

        *_, message = (await stand_in.ticket(ticket.id)).messages
        assert MessageRef(id=message.id) == await desk.find_message(ticket, draft.marker)


@pytest.mark.parametrize("code", ["e:Client", "e:Client.Authentication", "Sender", "e:MustUnderstand"])
def test_a_fault_of_the_client_says_that_nothing_was_done(code):
    assert Rejected is type(of_fault("acme", Fault(code, "Validation constraint violation"), changes=True))


PORT = Port.load(wsdl.read(None, "urn:ticket"))
PIECES = st.lists(
    st.sampled_from(
        ["<n:r>", "</n:r>", "<errorCode>", "</errorCode>", "0", "<ticketId>", "</ticketId>", "<item>", "</item>",
         "<searchResult>", "</searchResult>", "<field/>", "<e:Fault>", "</e:Fault>", "&amp;", "&x;", "\0", "<![CDATA["]
    )
)  # fmt: skip


@hypothesis_settings(max_examples=300)
@given(st.one_of(st.binary(), PIECES.map(lambda pieces: envelope("".join(pieces)))), st.sampled_from([200, 500, 202]))
def test_no_answer_at_all_ends_in_anything_but_a_value_a_fault_or_a_reason(content: bytes, status: int):
    for operation in ("newTicket", "findTickets", "setTicket", "getAttachment"):
        try:
            answer = PORT.decode(operation, Reply(status, {}, content))
        except (Fault, NotSoap):
            continue
        assert isinstance(answer, dict)


async def test_an_answer_without_the_new_tickets_number_leaves_the_outcome_unknown():
    shared = InProcess()
    async with served(shared=shared) as (desk, stand_in):
        draft = await drafts(desk, stand_in).draft()
        await desk.search("x")
        other = SuperOfficeSoapDesk("acme", desk.settings, shared)
        other.transport = Fixed(envelope("<n:r><errorCode>0</errorCode></n:r>"))
        async with other:
            with pytest.raises(OutcomeUnknown, match="no number"):
                await other.open_ticket(draft)


async def test_a_number_that_is_no_number_is_not_found_without_asking():
    async with served() as (desk, stand_in):
        with pytest.raises(errors.NotFound):
            await desk.get_ticket(TicketRef(id="' OR 1", number="x"))

        assert [] == stand_in.calls.made


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"time_zone": "Mars/Olympus"}, "time zone"),
        ({"ticket_url": "https://desk.example.com/"}, "{id}"),
        ({"marker_field": "ticket.title"}, "marker_field"),
        ({"owner": "alex"}, "owner"),
        ({"agents": {"alex": "Alex"}}, "agents"),
        ({"wsdl": "a.wsdl", "namespace": "urn:b"}, "namespace"),
        ({"namespace": 'urn:"<'}, "namespace"),
        ({"connections": 50}, "connections"),
        ({"password": ""}, "password"),
    ],
)
def test_settings_that_cannot_work_are_named(wrong, word):
    table = {"kind": "superoffice_soap", "url": "https://x.no/soap", "username": "me", "password": "p"}
    with pytest.raises(ValueError, match=word):
        settings_of({**table, **wrong})
