"""A web firewall in front of WHMCS that takes our calls, but for those in which something looks like an attack."""

import json
from contextlib import asynccontextmanager

import httpx
import pytest

from adapters.errors import NotAuthorised, Rejected
from adapters.shared import InProcess
from adapters.whmcs import WhmcsDesk
from tests.adapters.test_whmcs_wire import TABLE


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("adapters.whmcs.wire.PAUSE", 0.0)


OPENED = {"result": "success", "id": "1", "tid": "516757", "c": "x"}


@asynccontextmanager
async def behind(status, refuses):
    """A desk whose server answers *status* with a page to the calls that *refuses* names by place and action."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(dict(httpx.QueryParams(request.content.decode()))["action"])
        said = (status, "<h1>Forbidden</h1>") if refuses(len(seen), seen[-1]) else (200, json.dumps(OPENED))
        return httpx.Response(said[0], stream=httpx.ByteStream(said[1].encode()))

    desk = WhmcsDesk("acme", WhmcsDesk.Settings.model_validate(TABLE), InProcess())
    desk.transport = httpx.MockTransport(answer)
    async with desk:
        yield desk, seen


@pytest.mark.parametrize("status", [403, 406])
async def test_what_a_firewall_refuses_for_its_text_is_for_whoever_wrote_it(status):
    async with behind(status, lambda _, action: action == "OpenTicket") as (desk, seen):
        with pytest.raises(Rejected, match="Write it otherwise") as caught:
            await desk.call("OpenTicket", {"message": "../../etc/passwd"}, changes=True)

    assert ("body", f"HTTP {status}") == (caught.value.field, caught.value.code)
    assert ["OpenTicket", "GetSupportDepartments", "OpenTicket"] == seen


async def test_a_firewall_that_refused_once_gets_the_call_again_at_once():
    async with behind(403, lambda number, _: number == 1) as (desk, seen):
        assert OPENED == await desk.call("OpenTicket", {"message": "hello"}, changes=True)

    assert ["OpenTicket", "GetSupportDepartments", "OpenTicket"] == seen


async def test_a_firewall_that_refuses_everything_is_for_the_operator():
    async with behind(403, lambda *_: True) as (desk, seen):
        with pytest.raises(NotAuthorised, match="let this machine call"):
            await desk.call("OpenTicket", {"message": "hello"}, changes=True)

    assert ["OpenTicket", "GetSupportDepartments"] == seen


async def test_a_look_that_a_firewall_refuses_is_for_the_operator():
    async with behind(403, lambda _, action: action == "GetTicket") as (desk, seen):
        with pytest.raises(NotAuthorised):
            await desk.call("GetTicket", {"ticketid": "1"}, changes=False)

    assert ["GetTicket"] == seen
