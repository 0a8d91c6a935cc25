"""The SuperOffice stand-in takes what the manual allows and nothing else; asked here by hand, without the adapter."""

import base64
from typing import Any

import httpx
import pytest
from lxml import etree

from bot.sandbox.desks.superoffice_soap import PATH, SuperOfficeSoapStandIn
from bot.sandbox.faults import Fault

OPEN = (
    "<title>T</title><sLevel>2</sLevel><categoryId>4</categoryId><priorityId>-1</priorityId><owner>-1</owner>"
    "<customers/><extraFields/><sendNotification>false</sendNotification>"
)


class Client:
    """Somebody with a text editor for XML."""

    def __init__(self, stand_in: SuperOfficeSoapStandIn, address: str, wire: httpx.AsyncBaseTransport | None) -> None:
        self.stand_in = stand_in
        self.http = httpx.AsyncClient(base_url=address, transport=wire, trust_env=False)
        self.key = ""

    async def post(self, inner: str, **headers: str) -> httpx.Response:
        body = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="urn:ticket" xmlns:x="urn:other">'
            f"<e:Body>{inner}</e:Body></e:Envelope>"
        )
        return await self.http.post(PATH, content=body, headers={"Content-Type": "text/xml", **headers})

    async def call(self, operation: str, inner: str = "") -> etree._Element:
        reply = await self.post(f"<n:{operation}><sessionKey>{self.key}</sessionKey>{inner}</n:{operation}>")
        assert 200 == reply.status_code, reply.text
        return etree.fromstring(reply.content)[0][0]

    async def code(self, operation: str, inner: str = "") -> str:
        return str((await self.call(operation, inner)).findtext("errorCode"))

    async def log_in(self) -> None:
        answer = await self.post("<n:login><userName>threadline</userName><password>slack-to-desk</password></n:login>")
        self.key = str(etree.fromstring(answer.content)[0][0].findtext("sessionKey"))

    async def opened(self) -> str:
        return str((await self.call("newTicket", OPEN)).findtext("ticketId"))


@pytest.fixture
async def client():
    """A client that needs no socket."""
    stand_in = SuperOfficeSoapStandIn()
    client = Client(stand_in, "http://127.0.0.1:9", httpx.ASGITransport(app=stand_in.faults))
    async with client.http:
        await client.log_in()
        yield client


@pytest.fixture
async def over_loopback():
    """A client over a socket, which faults need."""
    stand_in = SuperOfficeSoapStandIn()
    async with stand_in.serve() as table:
        client = Client(stand_in, table["url"].partition(PATH)[0], None)
        async with client.http:
            await client.log_in()
            yield client


async def test_a_ticket_and_a_message_are_kept_and_seen_by_agents(client: Client):
    number = await client.opened()
    file = base64.b64encode(b"\0a").decode()
    data = f"<attachmentName>a</attachmentName><contentType>b/c</contentType><data>{file}</data>"
    attached = (await client.call("addAttachment", data)).findtext("attachmentId")
    message = (
        f"<messageBody>Hei &amp; hå</messageBody><htmlMessageBody/><replyTemplateId>-1</replyTemplateId>"
        f"<ticketId>{number}</ticketId><sLevel>1</sLevel><attachmentIds><any>{attached}</any></attachmentIds>"
        "<sendNotification>0</sendNotification><To><a>x@y.no</a><a>nonsense</a></To><Cc/><Bcc/>"
    )
    answer = await client.call("addMessage3", message)

    [seen] = (await client.stand_in.ticket(number)).messages
    assert (answer.findtext("messageID"), "Hei & hå", True) == (seen.id, seen.text, seen.internal)
    assert b"\0a" == await client.stand_in.file(seen.files[0].id)
    assert [["x@y.no"]] == [mail["To"] for mail in client.stand_in.calls.mails]
    assert [] == client.stand_in.violations


@pytest.mark.parametrize(
    ("inner", "violation"),
    [
        (f"{OPEN}<color>red</color>", "unknown, qualified or repeated parameter color"),
        (OPEN.replace("title>", "x:title>"), "parameter {urn:other}title"),
        (f"{OPEN}<title>again</title>", "parameter title"),
        (OPEN.replace("<customers/>", ""), "missing parameter customers"),
    ],
)
async def test_what_the_manual_does_not_have_is_written_down(client: Client, inner: str, violation: str):
    await client.call("newTicket", inner)

    assert any(violation in line for line in client.stand_in.violations)


async def test_a_missing_parameter_is_null_as_gsoap_has_it(client: Client):
    assert "8" == await client.code("newTicket", OPEN.replace("<categoryId>4</categoryId>", ""))
    assert "13" == await client.code("getTicket")


FAULTS = [
    ("<n:openTicket/>", "not implemented: method name or namespace not recognized"),
    ("<x:newTicket/>", "not implemented: method name or namespace not recognized"),
    ("<newTicket/>", "not implemented: method name or namespace not recognized"),
    ("", "Invalid SOAP message"),
    ("<n:newTicket><sendNotification>True</sendNotification></n:newTicket>", "Validation constraint violation"),
    ("<n:newTicket><sendNotification>yes</sendNotification></n:newTicket>", "Validation constraint violation"),
    ("<n:newTicket><title><b>T</b></title></n:newTicket>", "Validation constraint violation"),
    ("<n:addAttachment><data>***</data></n:addAttachment>", "Validation constraint violation"),
    ("<n:setTicket><ticketValues><i><name/></i></ticketValues></n:setTicket>", "Validation constraint violation"),
    ("<n:login>", "XML syntax error"),
]


@pytest.mark.parametrize(("inner", "words"), FAULTS)
async def test_what_gsoap_would_not_let_through_is_a_fault(client: Client, inner: str, words: str):
    reply = await client.post(inner)

    assert (500, True) == (reply.status_code, words in reply.text)


async def test_a_document_type_is_refused(client: Client):
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    reply = await client.http.post(PATH, content=bomb, headers={"Content-Type": "text/xml"})

    assert (500, True) == (reply.status_code, "DTD" in reply.text)


async def test_other_ways_in_are_closed(client: Client):
    form = await client.http.post(PATH, data={"a": "b"})
    elsewhere = await client.http.post("/scripts/other", content=b"")
    ticket_page = await client.http.get(PATH)

    assert (500, 404, 405) == (form.status_code, elsewhere.status_code, ticket_page.status_code)


REFUSALS = [
    ("newTicket", OPEN.replace("categoryId>4", "categoryId>99"), "8"),
    ("newTicket", OPEN.replace("priorityId>-1", "priorityId>99"), "9"),
    ("newTicket", OPEN.replace("sLevel>2", "sLevel>3"), "10"),
    ("newTicket", OPEN.replace("owner>-1", "owner>99"), "29"),
    ("newTicket", OPEN.replace("<customers/>", "<customers><i>99</i></customers>"), "31"),
    ("newTicket", OPEN.replace("<extraFields/>", "<extraFields><i><field>ticket.x_9</field></i></extraFields>"), "12"),
    ("getTicket", "<ticketId>99</ticketId><ticketFields/>", "13"),
    ("getExtraFields", "<domain>person</domain>", "11"),
    ("getMessage", "<messageId>99</messageId><messageField/>", "18"),
    ("getAttachment", "<attachmentId>99</attachmentId><attachmentKey/>", "16"),
    ("findUser", "<field>email</field><value>nobody@x.no</value>", "35"),
    ("setCustomer", "<customerId>99</customerId><customerValues/>", "31"),
]


@pytest.mark.parametrize(("operation", "inner", "code"), REFUSALS)
async def test_each_refusal_has_the_manuals_code_and_changes_nothing(client: Client, operation, inner, code):
    before = await client.stand_in.tickets()

    assert code == await client.code(operation, inner)
    assert before == await client.stand_in.tickets()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", "x", "0"),
        ("status", "closed", "32"),
        ("priority", "1", "17"),
        ("category", "9", "8"),
        ("x_9", "1", "17"),
    ],
)
async def test_a_ticket_is_set_only_as_the_manual_says(client: Client, field: str, value: str, code: str):
    number = await client.opened()
    values = (
        f"<i><field>ticket.slevel</field><value>1</value></i><i><field>ticket.{field}</field><value>{value}</value></i>"
    )
    answered = await client.code("setTicket", f"<ticketId>{number}</ticketId><ticketValues>{values}</ticketValues>")

    assert (code, "1" if code == "0" else "2") == (answered, client.stand_in.site.tickets[number].slevel)


async def test_every_code_can_be_produced(client: Client):
    codes = []
    for code in range(1, 36):
        client.stand_in.calls.fail["getPriorities"] = code
        codes.append(await client.code("getPriorities"))

    assert [str(code) for code in range(1, 36)] == codes


async def test_a_session_ends_by_logout_and_by_idleness(client: Client):
    now = [0.0]
    client.stand_in.calls.clock = lambda: now[0]
    await client.log_in()
    codes = [await client.code("getPriorities")]
    for now[0] in (1800.0, 3601.0):
        codes.append(await client.code("getPriorities"))
    await client.log_in()
    codes += [await client.code("logout"), await client.code("getPriorities")]

    assert ["0", "0", "5", "0", "5"] == codes


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [("threadline", "wrong", "2"), ("nobody", "x", "2"), ("threadline", "", "15"), ("berit", "secret", "4")],
)
async def test_logins_are_refused_as_the_manual_says(client: Client, name: str, password: str, code: str):
    reply = await client.post(f"<n:login><userName>{name}</userName><password>{password}</password></n:login>")

    assert code == etree.fromstring(reply.content)[0][0].findtext("errorCode")


async def test_addresses_and_licences_can_be_refused(client: Client):
    client.stand_in.calls.licensed = False
    unlicensed = await client.code("getPriorities")
    client.stand_in.allowed = False
    refused = await client.post("<n:getPriorities/>")

    assert ("19", 500, True) == (unlicensed, refused.status_code, "not allowed" in refused.text)


async def test_the_served_wsdl_is_of_gsoaps_kind(client: Client):
    served = await client.http.get(PATH, params={"action": "ticket"})
    root: Any = etree.fromstring(served.content)

    assert 21 == len(root.findall(".//{*}portType/{*}operation"))
    assert root.xpath("//*[local-name()='import']/@namespace") == ["http://schemas.xmlsoap.org/soap/encoding/"]
    assert {"encoded"} == set(root.xpath("//@use"))


async def test_faults_on_demand_are_those_of_every_stand_in(over_loopback: Client):
    over_loopback.stand_in.faults.plan.append(Fault.CUT_AFTER)
    with pytest.raises(httpx.HTTPError):
        await over_loopback.post(f"<n:newTicket><sessionKey>{over_loopback.key}</sessionKey>{OPEN}</n:newTicket>")

    assert 1 == len(await over_loopback.stand_in.tickets())


async def test_agents_reply_note_close_and_reopen(client: Client):
    number = await client.opened()
    await client.stand_in.reply(number, "Hello", files=(("a.txt", b"a"),))
    await client.stand_in.reply(number, "Hm", internal=True)
    await client.stand_in.set_closed(number, closed=True)
    closed = await client.stand_in.ticket(number)
    await client.stand_in.set_closed(number, closed=False)

    assert [("Hello", False, 1), ("Hm", True, 0)] == [
        (one.text, one.internal, len(one.files)) for one in closed.messages
    ]
    assert (True, "Closed", "Open") == (closed.closed, closed.status, (await client.stand_in.ticket(number)).status)
