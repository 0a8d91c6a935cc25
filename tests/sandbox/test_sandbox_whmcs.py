"""The WHMCS stand-in reads forms as PHP does, refuses what WHMCS does not document, and says what WHMCS says."""

import base64
import hashlib
import json
import re

import httpx
import pytest

from bot.sandbox.desks.whmcs import WhmcsStandIn
from bot.sandbox.desks.whmcs_php import read_form, truthy, unserialize

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def stand_in():
    return WhmcsStandIn()


@pytest.fixture
async def post(stand_in: WhmcsStandIn):
    """Posts an action with good credentials to the stand-in; gives the status and the answer."""
    async with stand_in.serve() as table, httpx.AsyncClient(base_url=table["url"], trust_env=False) as client:

        async def call(action: str, **form):
            known = {"identifier": stand_in.identifier, "secret": stand_in.secret, "responsetype": "json"}
            data = {name: value for name, value in {"action": action, **known, **form}.items() if value is not None}
            response = await client.post("/includes/api.php", data=data)
            try:
                return response.status_code, response.json()
            except ValueError:
                return response.status_code, response.text

        yield call


TICKET = {"deptid": "1", "subject": "S", "message": "M", "name": "Ada", "email": "ada@example.com"}


# What PHP makes of a form.


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b"a=1&b=x+y%20z", {"a": "1", "b": "x y z"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a[0]=x&a[k]=y&a[]=z", {"a": {"0": "x", "k": "y", "2": "z"}}),
        (b"a.b=1&c d=2&=3", {"a_b": "1", "c_d": "2"}),
        (b"a[b=1", {"a": "1"}),
        (b"a=%C3%BC", {"a": "ü"}),
    ],
)
def test_names_and_arrays_of_a_form_are_read_as_php_reads_them(body, values):
    assert values == read_form(FORM, body, post_max_size=1000).values


def test_a_form_that_is_too_large_is_empty_and_one_of_too_many_fields_is_cut():
    many = "&".join(f"f{number}=1" for number in range(1200)).encode()

    assert {} == read_form(FORM, b"a=1" * 100, post_max_size=299).values
    assert 1000 == len(read_form(FORM, many, post_max_size=100_000).values)


def test_multipart_without_a_boundary_is_an_empty_form():
    request = httpx.Request("POST", "http://x", files={"a": (None, "1"), "attachments[]": ("ü.txt", b"x\r\n\0")})
    kind, body = request.headers["content-type"], request.read()
    form = read_form(kind, body, post_max_size=10_000)

    assert ({"a": "1"}, [("attachments[]", "ü.txt", b"x\r\n\0")]) == (form.values, form.files)
    assert {} == read_form("multipart/form-data", body, post_max_size=10_000).values
    assert {} == read_form("application/json", b'{"a": 1}', post_max_size=10_000).values


def test_the_string_false_is_true():
    assert [False, False, True, True] == [truthy(value) for value in ("", "0", "false", "no")]


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b'a:1:{i:1;s:6:"Google";}', {"1": "Google"}),
        (b"a:0:{}", {}),
        ('a:1:{i:7;s:9:"d\u00f6m \u2713x";}'.encode(), {"7": "döm ✓x"}),
    ],
)
def test_serialised_arrays_are_read_by_their_bytes(data, values):
    assert values == unserialize(data)


@pytest.mark.parametrize(
    "data",
    [b'a:1:{i:1;s:7:"Google";}', b'a:2:{i:1;s:1:"a";}', b'a:1:{i:1;s:1:"a";}x', b"", b"s:1:a", b'{"1": "a"}'],
)
def test_serialised_arrays_that_php_would_not_read_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        unserialize(data)


# What WHMCS refuses, in its words.

OPENING = [
    ({"deptid": "9"}, "Department ID not found"),
    ({"subject": ""}, "Subject is required"),
    ({"message": ""}, "Message is required"),
    ({"name": None}, "Name and email address are required if not a client"),
    ({"email": "ada"}, "Email Address Invalid"),
    ({"name": None, "email": None, "clientid": "9"}, "Client ID Not Found"),
    ({"name": None, "clientid": "1", "userid": "9"}, "The system cannot find the provided user ID."),
    ({"name": None, "clientid": "1", "contactid": "9"}, "Contact ID Not Found"),
    ({"serviceid": "21"}, "Service ID Not Found"),
    ({"name": None, "clientid": "1", "domainid": "9"}, "Domain ID Not Found"),
    ({"created": "yesterday"}, "Invalid Date Format"),
    ({"created": "2999-01-01 00:00:00"}, "Ticket creation date cannot be in the future"),
]


@pytest.mark.parametrize(("change", "message"), OPENING)
async def test_an_opening_that_lacks_something_is_refused_in_the_documented_words(post, stand_in, change, message):
    status, answer = await post("OpenTicket", **{**TICKET, **change})

    assert (200, {"result": "error", "message": message}) == (status, answer)
    assert {} == stand_in.state.tickets


@pytest.mark.parametrize(
    ("action", "form", "message"),
    [
        ("AddTicketReply", {"ticketid": "9", "message": "M"}, "Ticket ID not found"),
        ("AddTicketReply", {"ticketid": "1", "message": "M"}, "Name and email address are required if not a client"),
        ("AddTicketReply", {"ticketid": "1", "clientid": "1", "message": ""}, "Message is required"),
        (
            "AddTicketReply",
            {"ticketid": "1", "clientid": "1", "message": "M", "status": "Lost"},
            "Invalid Ticket Status",
        ),
        (
            "AddTicketReply",
            {"ticketid": "1", "clientid": "1", "message": "M", "created": "2999-01-01 00:00:00"},
            "Reply creation date cannot be in the future",
        ),
        ("AddTicketNote", {"ticketnum": "ABC", "message": "M"}, "Ticket ID not found"),
        ("UpdateTicket", {"ticketid": "9"}, "Ticket ID Not Found"),
        ("UpdateTicket", {"ticketid": "1", "deptid": "9"}, "Department ID Not Found"),
        (
            "UpdateTicket",
            {"ticketid": "1", "priority": "Loud"},
            "Invalid Ticket Priority. Valid priorities are: Low,Medium,High",
        ),
        ("UpdateTicketReply", {"replyid": "9", "message": "M"}, "Reply ID Not Found"),
        ("DeleteTicketReply", {"ticketid": "1", "replyid": "9"}, "Reply ID Not Found"),
        ("DeleteTicketNote", {"noteid": "9"}, "Note ID Not Found"),
        ("GetTicket", {"ticketid": "9"}, "Ticket ID Not Found"),
        ("GetTicketAttachment", {"relatedid": "1", "type": "mail", "index": "0"}, None),
        ("GetTicketAttachment", {"relatedid": "1", "type": "ticket", "index": "0"}, "No Attachments Found"),
        ("GetClientsDetails", {}, "Either clientid Or email Is Required"),
        ("GetClientsDetails", {"email": "x@example.com"}, "Client Not Found"),
    ],
)
async def test_a_call_that_names_what_is_not_there_is_refused_in_the_documented_words(post, action, form, message):
    await post("OpenTicket", **TICKET)
    status, answer = await post(action, **form)

    assert (200, "error") == (status, answer["result"])
    assert (message or "Invalid Type. Must be one of ticket, reply, note") == answer["message"]


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"colour": "red"}, "no parameter colour"),
        ({"noemail": "false"}, "PHP takes for True"),
        ({"deptid": "one"}, "deptid is no number"),
        ({"subject[0]": "S"}, "subject is an array"),
        ({"customfields": base64.b64encode(b'a:1:{i:11;s:9:"PC";}').decode()}, "cannot be unserialised"),
        ({"customfields": base64.b64encode(b'a:1:{i:99;s:2:"PC";}').decode()}, "no custom field 99"),
        ({"attachments": base64.b64encode(json.dumps([{"filename": "a", "data": ""}]).encode()).decode()}, "read"),
        ({"clientid": "1"}, "more than one identity"),
        ({"userid": "3"}, "userid without clientid"),
        ({"priority": "Loud"}, "no priority Loud"),
    ],
)
async def test_what_is_not_documented_is_written_down(post, stand_in, form, word):
    await post("OpenTicket", **{**TICKET, **form})

    assert any(word in wrong for wrong in stand_in.violations), stand_in.violations


async def test_an_action_that_is_not_documented_is_written_down(post, stand_in):
    assert 200 == (await post("DropAllTables"))[0]
    assert ["no action DropAllTables"] == stand_in.violations


# Who may call.


async def test_wrong_credentials_unknown_addresses_and_missing_rights_are_403(post, stand_in):
    answers = [await post("GetTickets", secret="wrong")]
    stand_in.denied = {"GetTickets"}
    answers.append(await post("GetTickets"))
    stand_in.unknown_ip = "192.0.2.7"
    answers += [await post("GetSupportStatuses"), await post("GetSupportStatuses", accesskey=stand_in.accesskey)]

    assert [403, 403, 403, 200] == [status for status, _ in answers]
    assert [
        "Authentication Failed",
        'Invalid Permissions: API action "gettickets" is not allowed',
        "Invalid IP 192.0.2.7",
    ] == [answer["message"] for _, answer in answers[:3]]


async def test_logins_of_old_versions_work(post, stand_in):
    digest = hashlib.md5(stand_in.password.encode()).hexdigest()
    login = {"identifier": None, "secret": None, "username": stand_in.username}

    assert 200 == (await post("GetSupportStatuses", **login, password=digest))[0]
    assert 403 == (await post("GetSupportStatuses", **login, password=stand_in.password))[0]


async def test_an_emptied_form_looks_like_no_action_at_all(post, stand_in):
    stand_in.post_max_size = 1000

    status, answer = await post("OpenTicket", **{**TICKET, "message": "M" * 1000})
    assert (400, "result=error;message=Empty action request;") == (status, answer)
    assert {} == stand_in.state.tickets


async def test_a_site_may_ask_for_a_password_of_its_own(post, stand_in):
    stand_in.basic = ("gate", "keeper")

    assert 401 == (await post("GetSupportStatuses"))[0]


async def test_answers_come_in_the_form_that_was_asked_for(post):
    assert (200, "result=error;message=Client Not Found;") == await post(
        "GetClientsDetails", email="x@example.com", responsetype=None
    )
    _, xml = await post("GetClientsDetails", email="x@example.com", responsetype="xml")
    assert "<whmcsapi><result>error</result><message>Client Not Found</message></whmcsapi>" in xml


# What answers look like.


async def test_texts_are_kept_with_entities_and_numbers_are_strings(post):
    _, opened = await post("OpenTicket", **{**TICKET, "subject": "A & 'B'", "message": 'x\n<b>"'})
    _, ticket = await post("GetTicket", ticketid="1")

    assert ("1", "1", "A &amp; &#039;B&#039;") == (opened["id"], ticket["deptid"], ticket["subject"])
    (first,) = ticket["replies"]["reply"]
    assert ("0", "x\r\n&lt;b&gt;&quot;", [[]]) == (first["replyid"], first["message"], first["attachments"])
    assert [] == ticket["notes"]


async def test_ticket_numbers_follow_the_mask():
    stand_in = WhmcsStandIn(mask="%A%a-%n%n %y%m%d/%i")

    stand_in.state.next_ticket()
    assert re.fullmatch(r"[A-Z][a-z]-\d\d \d{6}/1", stand_in.state.next_tid())


async def test_only_tickets_of_the_admins_departments_are_listed_unless_asked(post):
    await post("OpenTicket", **{**TICKET, "deptid": "3"})

    assert [] == (await post("GetTickets"))[1]["tickets"]
    assert 1 == len((await post("GetTickets", ignore_dept_assignments="1"))[1]["tickets"]["ticket"])


async def test_lists_come_in_pages(post):
    for number in range(5):
        await post("OpenTicket", **{**TICKET, "subject": f"number {number}"})
    _, page = await post("GetTickets", limitstart="3", limitnum="3")

    assert ("5", 3, 2) == (page["totalresults"], page["startnumber"], page["numreturned"])
    assert ["number 1", "number 0"] == [row["subject"] for row in page["tickets"]["ticket"]]


async def test_replies_set_the_status_by_who_wrote_them(post):
    await post("OpenTicket", **TICKET)
    seen = []
    for identity in ({"clientid": "1"}, {"adminusername": "georgina"}, {"clientid": "1", "status": "On Hold"}):
        await post("AddTicketReply", ticketid="1", message="M", **identity)
        seen.append((await post("GetTicket", ticketid="1"))[1]["status"])

    assert ["Customer-Reply", "Answered", "On Hold"] == seen


async def test_replies_can_be_asked_for_from_the_last(post):
    await post("OpenTicket", **TICKET)
    await post("AddTicketReply", ticketid="1", message="M", clientid="1")
    _, ticket = await post("GetTicket", ticketid="1", repliessort="DESC")

    assert ["1", "0"] == [reply["replyid"] for reply in ticket["replies"]["reply"]]
