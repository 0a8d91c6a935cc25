"""The rights that docs/redis.md gives our user: enough for all that we do, and nothing in them is idle."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.commands import doctor
from bot.conversion.ports import Outcome, StoreAway
from bot.conversion.records import Delivered
from bot.settings import parse
from bot.store.durability import durability
from bot.store.rights import rights as tried_rights
from bot.store.store import Store
from tests.store.topologies import Cluster

SECRET = "sw0rdf1sh"
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "redis.md").read_text()
RIGHTS = (
    next(line for line in PAGE.splitlines() if line.startswith("ACL SETUSER")).replace("PASSWORD", SECRET).split()[3:]
)
COMMANDS = [right for right in RIGHTS if right.startswith("+")]
CALLED = re.compile(r"redis\.p?call\('(\w+)'")
SENT = re.compile(r'(?:\bdo|_command|[\s(\[])\("([A-Z]+)"[,)]')


@pytest.fixture
async def rights(embedded):
    """Sets what our user may, and gives the address with it."""
    async with Redis.from_url(embedded.url) as admin:
        await admin.flushall()
        await admin.script_flush()

        async def give(*rights):
            await admin.execute_command("ACL", "SETUSER", "threadline", "reset", *rights)
            return f"{embedded.url}?username=threadline&password={SECRET}"

        yield give
        await admin.execute_command("ACL", "DELUSER", "threadline")


async def test_s17_the_documented_rights_are_enough(rights, op, link):
    async with Store.open(await rights(*RIGHTS)) as mine:
        await everything_once(mine, op, link)


def test_each_command_that_we_name_is_among_them():
    """In a script, or in what is sent by itself; only a server of our own is asked to rewrite its log."""
    store = ROOT / "bot" / "store"
    calls = [call for script in store.glob("scripts/*.lua") for call in CALLED.findall(script.read_text())]
    sends = [sent for module in store.glob("*.py") for sent in SENT.findall(module.read_text())]

    given = {right.upper() for right in re.findall(r"\+(\w+)", PAGE)}

    assert {"BGREWRITEAOF"} == {*calls, *sends} - given


async def test_the_doctor_needs_one_more(rights):
    for more, told in ((), "not told by the server"), (("+config|get",), "everysec"):
        async with Store.open(await rights(*RIGHTS, *more)) as mine:
            findings = await durability(mine.connection, mine.url)
        assert [] == [finding for finding in findings if not finding.ok]
        assert [f"appendfsync is {told}"] == [it.detail for it in findings if it.subject == "Redis fsync"]


@pytest.mark.parametrize(
    "command", [("SET", "other:key", "x"), ("FLUSHALL",), ("CONFIG", "SET", "save", ""), ("KEYS", "*")]
)
async def test_they_are_for_nothing_else(rights, command):
    async with Store.open(await rights(*RIGHTS)) as mine:
        with pytest.raises(StoreAway, match=r"docs/redis\.md has the rights"):
            await mine.connection.do(*command)


async def test_a_wrong_password_is_told(rights, embedded):
    await rights(*RIGHTS)
    with pytest.raises(StoreAway, match="user or password"):
        async with Store.open(f"{embedded.url}?username=threadline&password=wrong"):
            pass


@pytest.mark.parametrize("left_out", COMMANDS)
async def test_none_of_them_can_be_left_out(rights, op, link, left_out):
    url = await rights(*(right for right in RIGHTS if right != left_out))

    if left_out == "+subscribe":  # the bell is a convenience: nothing depends on it but speed
        async with Store.open(url) as mine:
            await everything_once(mine, op, link)
            assert not mine.lanes._bell._listening
        return
    with pytest.raises(StoreAway, match=r"docs/redis\.md has the rights"):
        async with Store.open(url) as mine:
            await everything_once(mine, op, link)


@pytest.mark.parametrize("left_out", [right for right in COMMANDS if right != "+subscribe"])
async def test_the_doctor_sees_which_of_them_is_missing(rights, left_out):
    """Those that the store needs to open at all are not named: it does not open then."""
    async with Store.open(await rights(*RIGHTS)):
        pass  # the server knows the scripts from now on
    url = await rights(*(right for right in RIGHTS if right != left_out))

    *_, seen = [finding for finding in await doctor.redis(settings_with(url)) if not finding.ok]

    name = left_out.removeprefix("+").upper()
    away = "Redis does not let our user do this" in seen.detail
    assert away or ("Redis rights", f"our user may not use {name}") == (seen.subject, seen.detail)
    assert "docs/redis.md has" in seen.remedy
    assert away == (name in {"EVALSHA", "INFO", "PING", "TIME", "HGET", "HLEN", "HMGET", "HSCAN", "HSET", "HSETNX"})


async def test_the_doctor_sees_that_wait_is_missing_where_replicas_are_to_confirm(rights):
    url = await rights(*RIGHTS)

    found = [await doctor.redis(settings_with(url, replicas=many)) for many in (0, 1)]

    lacking = [[line.detail for line in lines if not line.ok] for lines in found]
    assert [[], ["our user may not use WAIT"]] == lacking


async def test_what_the_doctor_tries_is_gone_after_it(rights, embedded):
    async with Redis.from_url(embedded.url) as admin, Store.open(await rights(*RIGHTS)) as mine:
        before = await admin.keys()
        await tried_rights(mine.connection)
        assert before == await admin.keys()


async def test_on_a_cluster_they_are_enough_with_two_more(tmp_path, op, link):
    async with Cluster(tmp_path) as servers:
        for node in servers.nodes:
            assert await node.ask("ACL", "SETUSER", "threadline", *RIGHTS, "+cluster|slots", "+command")
        url = servers.url.replace("://", f"://threadline:{SECRET}@")
        async with Store.open(url) as mine:
            await everything_once(mine, op, link)
            assert mine.lanes._bell._listening
            assert (await tried_rights(mine.connection)).ok

            await servers.nodes[0].ask("ACL", "SETUSER", "threadline", "-zadd", "-wait")
            missing = await tried_rights(mine.connection, replicas=1)
            assert (False, "our user may not use ZADD, WAIT") == (missing.ok, missing.detail)


def settings_with(url, **redis):
    desks = {"helpdesk": {"kind": "local", "path": "x"}}
    return parse({"desks": desks, "redis": redis}, {"REDIS_URL": url})


async def everything_once(store, op, link):
    """What a front, a worker, a person and the operator's door do."""
    second = timedelta(seconds=1)
    await store.lanes.add([op("a", 1), op("b", 2), op("c", 3)])
    await store.lanes.add([op("a", 1, payload='{"x":1}', replace=True), op("d", 4, makes_link=True)])
    (lease,) = await store.lanes.claim(5)
    for _ in range(20):
        if not store.lanes._bell._listening:
            await store.lanes.wake(timedelta(milliseconds=50))
    assert await store.lanes.peek(lease.lane, "a")
    await store.lanes.head(lease)
    await store.lanes.save(lease, "a", "p")
    await store.lanes.extend(lease)
    await store.lanes.done(lease, "a", Outcome(link=link(), delivered={"1.2": Delivered(message_id="1")}))
    await store.lanes.park(lease, "b", "p")
    await store.lanes.nudge(lease.lane)
    await store.lanes.hold(lease, "c", "p")
    assert 2 == len([parked async for parked in store.lanes.parked()])
    assert await store.lanes.find_parked(lease.lane, "b")
    await store.lanes.unpark(lease.lane, "c", None)
    await store.lanes.waiting(lease.lane)
    await store.lanes.backlog()
    (lease,) = await store.lanes.claim(5)
    await store.lanes.retry(lease, "d", "p", delay=second)
    await everything_else(store, link, second)


async def everything_else(store, link, second):
    assert [link()] == [found async for found in store.links.all()]
    assert [link()] == list(await store.links.find("#7"))
    await store.links.update(link().thread, lambda found: found.model_copy(update={"status": "open"}))
    await store.links.learn(link().thread, "1.3", Delivered(message_id="2"))
    assert await store.links.delivered(link().thread, "1.3")
    await store.links.remove(link())
    await store.breakers.failed("whmcs", None)
    await store.breakers.wait("whmcs")
    await store.breakers.succeeded("whmcs")
    async with store.shared.lock("x", ttl=second):
        await store.shared.put("x", "y", ttl=second)
    await store.shared.turn("x", per_second=10)
    await store.scratch.put("x", "y", second)
    assert "y" == await store.scratch.take("x")
    assert await store.scratch.once("x", second)
    assert [timedelta()] == await store.scratch.spend([("x", 1)], "once", window=second)
