"""The Keliweb stand-in takes only what a page of the documents would send, and says what Laravel says."""

import base64
import json

import httpx
import pytest

from bot.sandbox.desks.keliweb import KeliwebStandIn

HEADERS = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
TICKET = {"deptid": "1", "subject": "S", "message": "M"}


@pytest.fixture
async def stand_in():
    return KeliwebStandIn()


@pytest.fixture
async def client(stand_in: KeliwebStandIn):
    async with stand_in.serve() as table, httpx.AsyncClient(base_url=table["url"], trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {stand_in.tokens.by_hand()}"
        yield client


async def post(client: httpx.AsyncClient, method: str, headers=HEADERS, **form):
    """A multipart post as a page's script makes it; gives the status and the answer."""
    parts = {name: (None, value) for name, value in form.items()}
    response = await client.post(f"/api/v2/keliweb/{method}", files=parts, headers=headers)
    return response.status_code, response.json()


async def grant(client: httpx.AsyncClient, stand_in: KeliwebStandIn, **form):
    tokens = stand_in.tokens
    who = {"client_id": tokens.client_id, "client_secret": tokens.client_secret}
    response = await client.post("/oauth/token", data={**who, **form})
    return response.status_code, response.json()


# What is accepted.


async def test_a_ticket_is_opened_answered_and_read_in_the_name_of_the_account(client, stand_in):
    status, opened = await post(client, "open-ticket", **TICKET, markdown="true", attachments="[]", name="Grace")
    _, replied = await post(client, "add-ticket-reply", ticketid=opened["id"], message="More.")
    await stand_in.reply(opened["id"], "For us.", internal=True)
    _, read = await post(client, "get-ticket", ticketnum=opened["tid"], repliessort="DESC")

    assert (200, {"result", "id", "tid", "c"}, {"result": "success"}) == (status, opened.keys(), replied)
    assert (opened["tid"], False, False, False) == (read["ticketnum"], "tid" in read, "notes" in read, "flag" in read)
    assert ["More.", "M"] == [one["message"] for one in read["replies"]["reply"]]
    assert {"Ada Lovelace"} == {one["requestor_name"] for one in read["replies"]["reply"]}
    assert [] == stand_in.violations


async def test_files_are_taken_in_both_documented_forms(client, stand_in):
    listed = base64.b64encode(json.dumps([{"name": "a.txt", "data": base64.b64encode(b"a").decode()}]).encode())
    await post(client, "open-ticket", **TICKET, attachments=listed.decode())
    form = [*((name, (None, value)) for name, value in TICKET.items()), ("attachments[]", ("b.txt", b"b"))]
    await client.post("/api/v2/keliweb/open-ticket", files=form, headers=HEADERS)

    assert [[("a.txt", b"a")], [("b.txt", b"b")]] == [one.opening.files for one in stand_in.state.tickets.values()]
    assert [] == stand_in.violations


# What is refused, and how.


async def test_a_content_type_typed_by_hand_has_no_boundary_and_nothing_is_read(client, stand_in):
    parts = {name: (None, value) for name, value in TICKET.items()}
    body = httpx.Request("POST", "http://x", files=parts).read()
    headers = {**HEADERS, "Content-Type": "multipart/form-data"}
    response = await client.post("/api/v2/keliweb/open-ticket", content=body, headers=headers)

    assert (422, TICKET.keys()) == (response.status_code, response.json()["errors"].keys())
    assert ["no multipart form could be read of 'multipart/form-data'"] == stand_in.violations


async def test_a_form_that_is_not_multipart_is_a_violation(client, stand_in):
    await client.post("/api/v2/keliweb/open-ticket", data=TICKET, headers=HEADERS)

    assert ["no multipart form could be read of 'application/x-www-form-urlencoded'"] == stand_in.violations


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        ({**HEADERS, "Accept": "*/*"}, "no Accept: application/json"),
        ({"Accept": "application/json"}, "no X-Requested-With"),
    ],
)
async def test_a_missing_header_is_a_violation(client, stand_in, headers, missing):
    await post(client, "get-ticket", headers, ticketid="0")

    assert [missing] == stand_in.violations


@pytest.mark.parametrize(
    ("headers", "status", "where"),
    [
        (HEADERS, 401, None),
        ({"Accept": "application/json"}, 401, None),
        ({"X-Requested-With": "XMLHttpRequest"}, 401, None),
        ({"Accept": "*/*"}, 302, "/login"),
    ],
)
async def test_a_bad_token_is_unauthenticated_or_sent_to_the_login_page(client, headers, status, where):
    client.headers["Authorization"] = "Bearer wrong"
    response = await client.post("/api/v2/keliweb/get-ticket", files={"ticketid": (None, "1")}, headers=headers)

    assert (status, where) == (response.status_code, response.headers.get("location"))
    assert where or {"message": "Unauthenticated."} == response.json()


@pytest.mark.parametrize("header", ["", "Bearer", "bearer x", "Basic abc"])
async def test_what_is_no_bearer_token_is_unauthenticated(client, header):
    client.headers["Authorization"] = header

    assert 401 == (await post(client, "get-ticket", ticketid="1"))[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"deptid": ""}, "deptid"),
        ({"deptid": "one"}, "deptid"),
        ({"subject": " "}, "subject"),
        ({"message": ""}, "message"),
        ({"markdown": "false"}, "markdown"),
        ({"markdown": "1"}, "markdown"),
        ({"contactid": "Ada"}, "contactid"),
        ({"serviceid": "21", "domainid": "31"}, "domainid"),
    ],
)
async def test_what_the_documents_do_not_allow_of_a_value_is_a_validation_error(client, stand_in, change, field):
    status, answer = await post(client, "open-ticket", **{**TICKET, **change})

    assert (422, [field], {}) == (status, [*answer["errors"]], stand_in.state.tickets)


@pytest.mark.parametrize(
    ("method", "form", "message"),
    [
        ("open-ticket", {**TICKET, "deptid": "9"}, "Department ID not found"),
        ("open-ticket", {**TICKET, "contactid": "9"}, "Contact ID Not Found"),
        ("open-ticket", {**TICKET, "serviceid": "9"}, "Service ID Not Found"),
        ("open-ticket", {**TICKET, "domainid": "9"}, "Domain ID Not Found"),
        ("add-ticket-reply", {"ticketid": "9", "message": "M"}, "Ticket ID not found"),
        ("get-ticket", {"ticketid": "9"}, "Ticket ID Not Found"),
        ("get-ticket", {}, "Ticket ID Not Found"),
    ],
)
async def test_what_is_not_there_is_refused_in_whmcss_words(client, method, form, message):
    assert (200, {"result": "error", "message": message}) == await post(client, method, **form)


@pytest.mark.parametrize("name", ["noemail", "clientid", "priority", "created", "userid"])
async def test_a_parameter_that_is_not_in_the_list_is_a_violation(client, stand_in, name):
    _, answer = await post(client, "open-ticket", **TICKET, **{name: "1"})

    assert ("error", [f"open-ticket has no parameter {name}"]) == (answer["result"], stand_in.violations)


async def test_what_only_the_examples_send_may_be_allowed(client, stand_in):
    stand_in.as_in_examples = True
    _, opened = await post(client, "open-ticket", **TICKET, clientid="1", priority="High")
    await post(client, "add-ticket-reply", ticketid=opened["id"], message="**M**", useMarkdown="true")

    ticket = stand_in.state.tickets[1]
    assert ("High", True, []) == (ticket.priority, ticket.replies[0].markdown, stand_in.violations)


async def test_bare_line_feeds_and_wrong_encodings_are_violations(client, stand_in):
    await post(client, "open-ticket", **{**TICKET, "message": "a\nb"})
    await post(client, "open-ticket", **TICKET, customfields="a:0:{}", attachments="none")

    assert "message has bare line feeds" == stand_in.violations[0]
    assert 3 == len(stand_in.violations)


@pytest.mark.parametrize("path", ["/api/v2/keliweb/close-ticket", "/api/v2/keliweb/", "/api/open-ticket", "/"])
async def test_there_is_no_other_method(client, path):
    assert (404, 404) == (
        (await client.post(path, headers=HEADERS)).status_code,
        (await client.post(path, headers={"Accept": "*/*"})).status_code,
    )


async def test_a_method_is_only_posted_to_and_a_large_body_is_refused(client, stand_in):
    got = await client.get("/api/v2/keliweb/get-ticket", headers=HEADERS)
    stand_in.post_max_size = 100
    large = await client.post("/api/v2/keliweb/get-ticket", files={"ticketid": (None, "1" * 100)}, headers=HEADERS)

    assert (405, 413, ["GET instead of POST"]) == (got.status_code, large.status_code, stand_in.violations)


# Tokens.


async def test_a_refresh_takes_the_old_pair_away(client, stand_in):
    who = {"username": stand_in.tokens.username, "password": stand_in.tokens.password}
    _, old = await grant(client, stand_in, grant_type="password", **who)
    status, new = await grant(client, stand_in, grant_type="refresh_token", refresh_token=old["refresh_token"])
    again = await grant(client, stand_in, grant_type="refresh_token", refresh_token=old["refresh_token"])

    assert (200, "Bearer", 3600) == (status, new["token_type"], new["expires_in"])
    assert (401, "invalid_request", "Token has been revoked") == (again[0], again[1]["error"], again[1]["hint"])
    assert (False, True) == tuple(stand_in.tokens.accepts(f"Bearer {pair['access_token']}") for pair in (old, new))


@pytest.mark.parametrize(
    ("form", "newer", "said"),
    [
        ({"grant_type": "password", "username": "x", "password": "y"}, False, (401, "invalid_credentials")),
        ({"grant_type": "password", "username": "x", "password": "y"}, True, (400, "invalid_grant")),
        ({"grant_type": "password", "username": "x"}, False, (400, "invalid_request")),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, False, (401, "invalid_request")),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, True, (400, "invalid_grant")),
        ({"grant_type": "client_credentials"}, False, (400, "unsupported_grant_type")),
        ({"grant_type": "password", "client_secret": "x"}, False, (401, "invalid_client")),
    ],
)
async def test_a_grant_is_refused_in_the_words_of_either_version(client, stand_in, form, newer, said):
    stand_in.tokens.newer = newer
    status, answer = await grant(client, stand_in, **form)

    assert said == (status, answer["error"])


async def test_a_token_that_is_over_is_refused(client, stand_in):
    assert 200 == (await post(client, "get-ticket", ticketid="1"))[0]
    stand_in.tokens.end()

    assert 401 == (await post(client, "get-ticket", ticketid="1"))[0]
