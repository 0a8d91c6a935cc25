"""S5: neither a desk's address nor a response_url leads Threadline where it should not go."""

from ipaddress import ip_address

import pytest

from adapters import http
from adapters.errors import Misconfigured
from adapters.http import HttpDesk, is_forbidden
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.serving import serving
from bot.slack.app import leads_to_slack
from bot.slack.limits import API_URL

WHMCS = {"kind": "whmcs", "identifier": "i", "secret": "canary"}


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
    ],
)
def test_addresses_where_no_desk_can_be_are_known(address):
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "fd12::9", "93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_desk_may_be_in_a_private_network(address):
    assert not is_forbidden(address)


async def ask(monkeypatch, seen, *, allowed):
    """Ask a server at a forbidden address, to which a desk's name leads; what it saw goes to *seen*."""

    async def app(scope, receive, send):
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"result": "error", "message": "no"}'})

    monkeypatch.setattr(http, "_METADATA", frozenset({ip_address("127.0.0.1")}))
    async with serving(app) as address:
        table = {**WHMCS, "url": address.replace("127.0.0.1", "localhost"), "allow_link_local": allowed}
        async with make("billing", settings_for("billing", table), InProcess()) as desk:
            assert isinstance(desk, HttpDesk)
            await desk.exchange("POST", desk.settings.url, changes=True, data={"secret": "canary"})


async def test_s5_a_name_that_leads_to_a_forbidden_address_is_left_before_anything_is_sent(monkeypatch):
    seen: list[bytes] = []
    with pytest.raises(Misconfigured, match=r"leads to 127\.0\.0\.1, where no helpdesk can be"):
        await ask(monkeypatch, seen, allowed=False)

    assert [] == seen


async def test_the_operator_may_allow_it(monkeypatch):
    seen: list[bytes] = []
    await ask(monkeypatch, seen, allowed=True)

    assert [b"secret=canary"] == seen


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.evil.test/x",
        "https://hooks.slack.com@evil.test/x",
        "https://evil.test/hooks.slack.com",
        "https://user:pw@hooks.slack.com/x",
        "https://hooks.slack.com:8443/x",
        "https://169.254.169.254/x",
        "https://hooks.slack.com\\@evil.test/x",
        "https://[::1",
        "https://hooks.slack.com:port/",
        "file:///etc/passwd",
        "//hooks.slack.com/x",
        "",
        17,
    ],
)
def test_a_response_url_that_is_not_slacks_is_left_out(address):
    assert not leads_to_slack(address, API_URL)


def test_slacks_own_and_the_gateways_are_used():
    assert leads_to_slack("https://hooks.slack.com/commands/T1/1/x", API_URL)
    assert leads_to_slack("http://127.0.0.1:4001/actions/T1/1/x", "http://127.0.0.1:4001/api/")
    assert not leads_to_slack("http://127.0.0.1:4002/actions/T1/1/x", "http://127.0.0.1:4001/api/")
