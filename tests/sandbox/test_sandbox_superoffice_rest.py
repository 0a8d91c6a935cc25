"""The SuperOffice WebAPI stand-in refuses what SuperOffice does not document, and keeps what it is told."""

import base64
import json
from typing import Any

import httpx
import pytest

from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.sandbox.desks.superoffice_rest_odata import Column, NoSuchQuery, select
from bot.sandbox.desks.superoffice_rest_rules import CLOB, DATE, INT, TEXT

AUTH = "Basic " + base64.b64encode(b"threadline:sandbox-password").decode()
JSON = "application/json"
PATCH = "application/json-patch+json"


@pytest.fixture
async def site():
    """A stand-in and a client that is signed in."""
    stand_in = SuperOfficeRestStandIn()
    async with stand_in.serve() as table:
        headers = {"Authorization": AUTH, "SO-TimeZone": "UTC, includeTZOffset"}
        address = f"{table['url']}/api/v1/"
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as client:
            yield stand_in, client


async def made(client, **more):
    return (await client.post("Ticket", json={"Title": "A", **more})).json()


REFUSED: dict[str, Any] = {
    "an unknown path": ("GET", "Nothing", None, JSON, 404),
    "an unknown method": ("PUT", "Ticket/default", {}, JSON, 405),
    "an unknown parameter": ("GET", "Ticket/default?expand=x", None, JSON, 400),
    "an unknown property": ("POST", "Ticket", {"Title": "A", "Subject": "A"}, JSON, 400),
    "a number for an enum": ("POST", "Ticket", {"Title": "A", "Slevel": 2}, JSON, 400),
    "an unknown custom field": ("POST", "Ticket", {"Title": "A", "CustomFields": {"x_no": "1"}}, JSON, 400),
    "a wrong flag": ("POST", "Ticket?notify=1", {"Title": "A"}, JSON, 400),
    "a wrong content type": ("POST", "Ticket", {"Title": "A"}, "text/plain", 400),
    "a list for an object": ("POST", "Ticket", [], JSON, 400),
    "a patch in plain JSON": ("PATCH", "Ticket/1001", [], JSON, 400),
    "a patch that moves": ("PATCH", "Ticket/1001", [{"op": "move", "path": "/Title", "value": "B"}], PATCH, 400),
    "a patch of nothing known": ("PATCH", "Ticket/1001", [{"op": "add", "path": "/Nope", "value": "B"}], PATCH, 400),
    "a status that means another": (
        "PATCH",
        "Ticket/1001",
        [{"op": "replace", "path": "/Status", "value": {"TicketStatusId": 2}}],
        PATCH,
        400,
    ),
    "a key of a new message": ("POST", "TicketMessage", {"EjMessageId": 9, "Ticket": {"TicketId": 1001}}, JSON, 400),
    "an unknown option": ("POST", "Agents/Ticket/SaveTicketMessageEntityWithOptions", {"Files": []}, JSON, 400),
    "a filter with an escaped quote": ("GET", "Ticket?$select=ticketId&$filter=title is 'a''b'", None, JSON, 400),
    "an operator that fails": ("GET", "Ticket?$select=ticketId&$filter=ticketId ge 5", None, JSON, 400),
    "an unknown column": ("GET", "Ticket?$select=subject", None, JSON, 400),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_documented_is_refused_and_noted(site, request_):
    method, path, body, kind, status = request_
    stand_in, client = site
    await made(client)
    content = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": kind}
    reply = await client.request(method, path, content=content, headers=headers)

    assert status == reply.status_code
    assert 1 == len(stand_in.violations)
    assert "A" == stand_in.site.tickets[1001].entity["Title"]


async def test_a_ticket_keeps_its_defaults_and_tells_names(site):
    _, client = site
    ticket = await made(client, Category={"TicketCategoryId": 2}, Person={"PersonId": 11})

    assert ("Support/IT", "Medium", "Open") == (
        ticket["Category"]["Fullname"],
        ticket["Priority"]["Name"],
        ticket["Status"]["Name"],
    )
    assert ("Ada Lovelace", "0001-01-01T00:00:00") == (ticket["Person"]["FullName"], ticket["ClosedAt"])
    assert ticket["CreatedAt"].endswith("+0000")


async def test_times_are_in_the_sites_zone_and_do_not_say_so_unless_asked(site):
    _, client = site
    await made(client)
    plain = (await client.get("Ticket/1001", headers={"SO-TimeZone": ""})).json()["CreatedAt"]

    assert (19, False) == (len(plain), plain.endswith("Z"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": "Bearer 8A:x"}, 401),
        ({"Authorization": "SOTicket 7T:x"}, 401),
    ],
)
async def test_nobody_is_let_in_without_credentials(site, headers, status):
    _, client = site

    assert status == (await client.get("Ticket/default", headers=headers)).status_code


async def test_what_the_user_has_no_right_to_is_forbidden(site):
    stand_in, client = site
    stand_in.denied = ("MDOList/",)

    assert 403 == (await client.get("MDOList/associate")).status_code
    assert 200 == (await client.get("Ticket/default")).status_code


async def test_a_patch_stops_at_a_test_and_at_a_time(site):
    _, client = site
    await made(client)
    test = [{"op": "test", "path": "title", "value": "B"}, {"op": "replace", "path": "Title", "value": "C"}]
    old = {"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT", "Content-Type": PATCH}
    failed = await client.patch("Ticket/1001", json=test, headers={"Content-Type": PATCH})
    late = await client.patch("Ticket/1001", json=test[1:], headers=old)
    fits = await client.patch("Ticket/1001", json=test[1:], headers={"Content-Type": PATCH})

    assert (409, 412, 200, "C") == (failed.status_code, late.status_code, fits.status_code, fits.json()["Title"])


async def test_a_file_without_content_cannot_be_linked(site):
    _, client = site
    await made(client)
    about = {"Name": "a", "ContentType": "text/plain", "AttSize": 1, "InlineImage": False}
    number = (await client.post("Attachment", json=about)).json()["AttachmentId"]
    message = {"Ticket": {"TicketId": 1001}, "Body": "x"}
    made_ = (await client.post("TicketMessage", json=message)).json()["EjMessageId"]
    before = await client.post(f"TicketMessage/{made_}/Attachment", json=[number])
    await client.post(
        f"Attachment/{number}/Content", content=b"\0a", headers={"Content-Type": "application/octet-stream"}
    )
    after = await client.post(f"TicketMessage/{made_}/Attachment", json=[number])

    assert (404, 204, b"\0a") == (
        before.status_code,
        after.status_code,
        (await client.get(f"Attachment/{number}/Content")).content,
    )


async def test_an_older_superoffice_does_not_know_the_agents_calls(site):
    stand_in, client = site
    stand_in.calls.has_agents_calls = False
    reply = await client.post("Agents/Ticket/GetTicketMessageEntities", json={"TicketId": 1, "MessageIds": []})

    assert (404, "text/html") == (reply.status_code, reply.headers["content-type"].partition(";")[0])
    assert [] == stand_in.violations


ROWS = [(1, "Alpha", "2026-01-01T10:00:00"), (2, "beta", "2026-01-02T10:00:00"), (3, "Gamma's", "2026-01-03T10:00:00")]
COLUMNS = {
    "id": Column(INT, lambda row: row[0]),
    "name": Column(TEXT, lambda row: row[1]),
    "text": Column(CLOB, lambda row: row[1]),
    "at": Column(DATE, lambda row: row[2]),
}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", [1, 2, 3]),
        ("id eq 2", [2]),
        ("id = 2", [2]),
        ("id ne 2", [1, 3]),
        ("id lt 2", [1]),
        ("id gt 2", [3]),
        ("id in (1,3)", [1, 3]),
        ("id oneOf (3)", [3]),
        ("name is 'alpha'", [1]),
        ("name isNot 'Alpha'", [2, 3]),
        ("name contains 'a'", [1, 2, 3]),
        ("text begins 'B'", [2]),
        ("name contains 'et' and id gt 1", [2]),
        ("at after '2026-01-01'", [2, 3]),
        ("at before '2026-01-02'", [1]),
        ("at date '2026-01-02'", [2]),
        ("at afterTime '2026-01-02T10:00:00'", [3]),
        ("at beforeTime '2026-01-02T10:00:01'", [1, 2]),
    ],
)
def test_filters_mean_what_superoffices_examples_say(where, found):
    rows, _ = select(COLUMNS, ROWS, {"$select": "id", "$filter": where})

    assert found == [row["id"] for row in rows]


@pytest.mark.parametrize(
    "where",
    [
        "id le 2",
        "id ge 2",
        "id eq 'x'",
        "id eq two",
        "name eq x",
        "name like 'a'",
        "name contains '[a]'",
        "name is 'a",
        "name is 'a' or id eq 1",
        "name is 'a' and",
        "other is 'a'",
        "name",
        "id in (1",
        "at after 'soon'",
        "startswith(name,'a')",
    ],
)
@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "no rows"])
def test_filters_that_are_none_are_refused_even_where_there_is_nothing_to_filter(where, rows):
    with pytest.raises((NoSuchQuery, ValueError)):
        select(COLUMNS, rows, {"$select": "id", "$filter": where})


def test_rows_come_in_order_and_in_pages():
    query = {"$select": "id", "$orderBy": "at desc", "$top": "2"}
    first, more = select(COLUMNS, ROWS, query)
    rest, end = select(COLUMNS, ROWS, {**query, "$skip": "2"})

    assert ([3, 2], True, [1], False) == ([row["id"] for row in first], more, [row["id"] for row in rest], end)
    with pytest.raises(NoSuchQuery):
        select(COLUMNS, ROWS, {"$select": "id", "$orderBy": "text"})
