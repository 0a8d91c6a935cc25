"""Signing in to SuperOffice: four ways, tokens renewed once for all processes, the tenant's address, and the pace."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters.errors import Misconfigured, NotAuthorised, Unavailable
from adapters.model import ChoiceList
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from adapters.superoffice_rest.access import verified
from adapters.superoffice_rest.settings import SuperOfficeRestSettings
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.sandbox.desks.superoffice_rest_login import jwks, pem_of, token_of
from bot.sandbox.faults import Fault
from tests.adapters.drafts import Pair


@asynccontextmanager
async def online(auth="system_user", *, shared=None, change=None, stand_in=None):
    """A stand-in, a desk online, and the table of its settings."""
    stand_in = stand_in or SuperOfficeRestStandIn()
    async with stand_in.serve() as on_site:
        table = {**stand_in.online(on_site["url"].removesuffix("/SuperOffice"), auth), **(change or {})}
        async with make("support", settings_for("support", table), shared or InProcess()) as desk:
            yield stand_in, desk, table


async def look(desk):
    return await desk.choices(ChoiceList.PRIORITIES)


@pytest.mark.parametrize("auth", ["system_user", "bearer"])
async def test_a_token_is_got_once_and_used_by_every_process(auth):
    shared = InProcess()
    async with online(auth, shared=shared) as (stand_in, desk, table):
        other = make("support", settings_for("support", table), shared)
        async with other:
            await asyncio.gather(*[look(one) for one in (desk, other) * 5])

    assert (1, []) == (stand_in.login.given, stand_in.violations)


@pytest.mark.parametrize("auth", ["system_user", "bearer"])
async def test_a_token_that_is_over_is_renewed_once_by_all_that_notice(auth):
    shared = InProcess()
    async with online(auth, shared=shared) as (stand_in, desk, table):
        await look(desk)
        stand_in.login.tickets.clear()
        stand_in.login.tokens.clear()
        async with make("support", settings_for("support", table), shared) as other:
            await asyncio.gather(*[look(one) for one in (desk, other) * 5])

    assert 2 == stand_in.login.given


async def test_a_fresh_token_that_is_refused_too_is_not_renewed_again_and_again():
    async with online("bearer") as (stand_in, desk, _):
        stand_in._is_known = lambda request, online: False
        with pytest.raises(NotAuthorised):
            await look(desk)

    assert 2 == stand_in.login.given


async def test_an_access_token_alone_works_until_it_is_over():
    change = {"access_token": "8A:given", "refresh_token": "", "client_id": "", "client_secret": ""}
    async with online("bearer", change=change) as (stand_in, desk, _):
        stand_in.login.tokens.add("8A:given")
        await look(desk)
        stand_in.login.tokens.clear()
        with pytest.raises(NotAuthorised):
            await look(desk)

    assert 0 == stand_in.login.given


async def test_an_access_token_is_used_until_it_is_refused_and_then_refreshed():
    async with online("bearer", change={"access_token": "8A:given"}) as (stand_in, desk, _):
        stand_in.login.tokens.add("8A:given")
        await look(desk)
        before = stand_in.login.given
        stand_in.login.tokens.clear()
        await look(desk)
        await look(desk)

    assert (0, 1) == (before, stand_in.login.given)


TOKENS = ("ticket", "app_token", "access_token", "refresh_token", "client_secret", "system_user_token")


@pytest.mark.parametrize("name", TOKENS)
def test_what_came_along_when_a_token_was_copied_is_left_out_and_what_no_header_can_hold_is_refused(name):
    stand_in = SuperOfficeRestStandIn()
    table = {**stand_in.settings("http://127.0.0.1:9"), name: " 7T:abc=\r\n"}

    assert "7T:abc=" == SuperOfficeRestSettings.model_validate(table).plain(name)
    for wrong in ("7T:abc…", "7T:a\nb", "7T:a\x00b"):
        with pytest.raises(Misconfigured, match=name):
            settings_for("support", {**table, name: wrong})


async def test_a_ticket_goes_with_the_token_of_the_app_online():
    stand_in = SuperOfficeRestStandIn()
    stand_in.login.tickets.add("7T:static")
    async with stand_in.serve() as table:
        address = table["url"].removesuffix("/SuperOffice")
        base = {**stand_in.online(address), "auth": "soticket", "ticket": "7T:static"}
        async with make("support", settings_for("support", base), InProcess()) as desk:
            assert 3 == len(await look(desk))
        async with make("support", settings_for("support", {**base, "app_token": ""}), InProcess()) as desk:
            with pytest.raises(NotAuthorised):
                await look(desk)


WRONG = {
    "signed by somebody else": {"signer": "stranger"},
    "out of date": {"claims": {"exp": 1000}},
    "for another customer": {"claims": {"http://schemes.superoffice.net/identity/ctx": "Cust99"}},
    "without a ticket": {"claims": {"http://schemes.superoffice.net/identity/ticket": ""}},
    "for another app": {"app_token": "other"},
    "for another system user": {"system_user_token": "Other-1"},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
async def test_a_system_user_whose_token_is_not_right_is_not_signed_in_and_nothing_is_sent(wrong):
    stand_in = SuperOfficeRestStandIn()
    async with online(stand_in=stand_in) as (_, desk, _table):
        for name, value in wrong.items():
            setattr(stand_in.login, name, value)
        with pytest.raises(NotAuthorised) as caught:
            await look(desk)

    assert "system user" in str(caught.value)
    assert [] == stand_in.calls.seen


def test_a_token_is_believed_only_with_the_right_key_and_algorithm():
    claims = {"a": 1}
    assert claims == verified(token_of(claims), jwks())

    good = token_of(claims)
    head, _, signature = good.split(".")
    forged = token_of({"a": 2}).split(".")[1]
    bad = [
        token_of(claims, alg="none"),
        token_of(claims, signer="x"),
        f"{head}.{forged}.{signature}",
        "a.b",
        "",
        "é.é.é",
    ]
    for token in bad:
        with pytest.raises(Exception) as caught:
            verified(token, jwks())
        assert type(caught.value).__name__ in {
            "ValueError",
            "InvalidSignature",
            "JSONDecodeError",
            "UnicodeEncodeError",
        }
    with pytest.raises(ValueError, match="no such key"):
        verified(good, {"keys": []})


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
async def test_a_key_that_cannot_be_read_is_found_at_the_start(key):
    with pytest.raises(Misconfigured) as caught:
        async with online(change={"private_key": key}):
            raise AssertionError("it started")

    assert "private key" in str(caught.value)
    assert key not in repr(caught.value)


async def test_a_key_may_be_in_a_file(tmp_path):
    path = tmp_path / "app.pem"
    path.write_text(pem_of("app"))
    async with online(change={"private_key": "", "private_key_file": str(path)}) as (_, desk, _table):
        assert 3 == len(await look(desk))


async def test_the_address_is_looked_up_once_while_it_is_valid():
    async with online() as (stand_in, desk, _):
        for _ in range(3):
            await look(desk)

    assert 1 == stand_in.login.looked_up


async def test_an_address_whose_time_is_over_is_looked_up_again():
    stand_in = SuperOfficeRestStandIn()
    stand_in.login.valid_for = timedelta(seconds=-5)
    async with online(stand_in=stand_in) as (_, desk, _table):
        await look(desk)
        await asyncio.sleep(1.1)
        await look(desk)

    assert 2 == stand_in.login.looked_up


async def test_a_customer_who_was_moved_is_followed_and_the_call_made_once():
    async with online() as (stand_in, desk, table):
        await look(desk)
        stand_in.place = "Cust12345-b"
        stand_in.login.api = f"{table['login_url']}/Cust12345-b/api"
        pair = Pair(desk, stand_in, department="1")
        await pair.open()

    assert (1, 2) == (len(stand_in.site.tickets), stand_in.login.looked_up)


async def test_a_customer_who_is_being_moved_is_tried_again_later():
    async with online() as (stand_in, desk, _):
        await look(desk)
        stand_in.place = "elsewhere"
        with pytest.raises(Unavailable) as caught:
            await look(desk)

    assert "neither at its old address" in str(caught.value)


@pytest.mark.parametrize("state", ["OfflineMaintenance", "Suspended", "MigrationPending", "Starting"])
async def test_a_customer_whose_superoffice_does_not_run_is_tried_again_later(state):
    stand_in = SuperOfficeRestStandIn()
    stand_in.login.state = state
    async with online(stand_in=stand_in) as (_, desk, _table):
        with pytest.raises(Unavailable) as caught:
            await look(desk)

    assert state in str(caught.value)


async def test_a_customer_in_online_maintenance_is_served():
    stand_in = SuperOfficeRestStandIn()
    stand_in.login.state = "OnlineMaintenance"
    async with online(stand_in=stand_in) as (_, desk, _table):
        assert 3 == len(await look(desk))


@pytest.mark.parametrize(
    "api",
    [
        "https://evil.example/Cust12345/api",
        "https://superoffice.com.evil.example/api",
        "https://evilsuperoffice.com/api",
        "http://online2.superoffice.com/Cust12345/api",
        "https://user@online2.superoffice.com/api",
        "http://127.0.0.1:9/api",
        "",
        "//evil.example",
        "https://[bad/api",
        "https://evil.example\uff0fx.superoffice.com/api",
    ],
)
async def test_credentials_never_go_to_a_host_that_is_none_of_superoffices(api):
    stand_in = SuperOfficeRestStandIn()
    stand_in.login.api = api or "/"
    async with online(stand_in=stand_in) as (_, desk, _table):
        with pytest.raises(NotAuthorised) as caught:
            await desk.base()

    assert "no credentials were sent" in str(caught.value)
    assert 0 == stand_in.login.given


async def test_superoffices_own_hosts_are_trusted():
    async with online() as (_, desk, _table):
        assert desk.settings.trusts("https://online2.superoffice.com/Cust12345/api/v1")
        assert not desk.settings.trusts("https://online2.superoffice.com.evil.example/")


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.RATE_LIMIT, Fault.REFUSE])
async def test_a_sign_in_service_that_is_down_changes_nothing_and_is_tried_again(fault):
    async with online() as (stand_in, desk, _):
        stand_in.faults.plan.append(fault)
        with pytest.raises(Unavailable):
            await look(desk)

        assert 3 == len(await look(desk))


@pytest.mark.parametrize(("auth", "way"), [("system_user", "Authenticate"), ("bearer", "tokens")])
async def test_who_waited_for_a_token_that_could_not_be_had_is_told_so_at_once(auth, way):
    async with online(auth, change={"timeout": 0.3}) as (stand_in, desk, _):
        stand_in.faults.always, stand_in.faults.only, stand_in.faults.stall = Fault.STALL, way, 0.6
        began = time.monotonic()
        raised = await asyncio.gather(*[look(desk) for _ in range(8)], return_exceptions=True)
        took = time.monotonic() - began

    assert ({Unavailable}, True) == ({type(error) for error in raised}, took < 4 * 0.3)


async def test_an_unknown_customer_is_named_by_the_check():
    async with online(change={"tenant": "Cust404"}) as (_, desk, _table):
        failing = [finding for finding in await desk.check() if not finding.ok]

    assert ["sign-in"] == [finding.subject for finding in failing] or "tenant" in failing[0].remedy


async def test_a_user_without_service_is_named_by_the_check():
    async with online() as (stand_in, desk, _):
        stand_in.calls.service_licence = False
        failing = [finding for finding in await desk.check() if not finding.ok]

    assert [("sign-in", True)] == [(finding.subject, "licence" in finding.remedy) for finding in failing]


async def test_a_missing_right_is_named_by_the_check_and_the_rest_is_still_looked_at():
    async with online() as (stand_in, desk, _):
        stand_in.denied = ("MDOList/ejcategory",)
        findings = await desk.check()

    assert ["departments"] == [finding.subject for finding in findings if not finding.ok]
    assert 10 == len(findings)


async def test_all_processes_keep_one_pace():
    class Turns(InProcess):
        taken: list[tuple[str, float]] = []  # noqa: RUF012 - one list is what is meant

        async def turn(self, key, *, per_second):
            self.taken.append((key, per_second))
            return timedelta()

    async with online(shared=Turns(), change={"calls_per_second": 10}) as (_, desk, _table):
        await asyncio.gather(look(desk), look(desk))

    assert [("superoffice_rest:pace:Cust12345", 10)] * 2 == Turns.taken
