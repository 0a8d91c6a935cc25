"""Addresses, trouble with the server, and what an operator is told about it."""

import asyncio
import logging
from typing import Any

import pytest
from redis.asyncio.sentinel import SentinelManagedSSLConnection

from bot.conversion.ports import StoreAway
from bot.store.connection import LONE_SCRIPTS, SCRIPTS, BadAddress, Connection, connect, source
from bot.store.durability import _access, durability
from bot.store.keys import META, SHARD_KEYS, WAKE
from bot.store.server import program
from bot.store.store import Store, WrongSchema

SECRET = "sw0rdf1sh"


@pytest.mark.parametrize(
    "url",
    [
        "http://user:sw0rdf1sh@host",
        "redis://user:sw0rdf1sh@host:port",
        "redis://user:sw0rdf1sh@host:6379/0?socket_timeout=sw0rdf1sh",
        "redis://user:sw0rdf1sh@host:6379/0?foo=sw0rdf1sh",
        "redis+cluster://user:sw0rdf1sh@host:6379?foo=sw0rdf1sh",
        "redis+sentinel://user:sw0rdf1sh@host:26379",
        "redis+sentinel://user:sw0rdf1sh@host:what/master",
        "redis+cluster://user:sw0rdf1sh@host:port",
        "sw0rdf1sh",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url):
    with pytest.raises(BadAddress, match=r"REDIS_URL is not an address.*rediss://") as caught:
        connect(url)

    chain = f"{caught.value!r} {caught.value.__cause__!r}"
    assert SECRET not in chain
    assert caught.value.__suppress_context__


async def test_an_address_behind_sentinel_names_hosts_master_and_database():
    client: Any = connect("rediss+sentinel://me:p%40ss@one:26380,two/main/3?ssl_ca_certs=/ca.pem")
    pool = client.connection_pool

    assert ("main", 3, "me", "p@ss") == (
        pool.service_name,
        pool.connection_kwargs["db"],
        pool.connection_kwargs["username"],
        pool.connection_kwargs["password"],
    )
    sentinels = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
    assert [("one", 26380), ("two", 26379)] == [(s["host"], s["port"]) for s in sentinels]
    assert {"/ca.pem"} == {s["ssl_ca_certs"] for s in (*sentinels, pool.connection_kwargs)}
    assert issubclass(pool.connection_class, SentinelManagedSSLConnection)
    await client.aclose()


@pytest.mark.parametrize("url", [f"redis://:{SECRET}@127.0.0.1:1/0", f"redis+cluster://:{SECRET}@127.0.0.1:1"])
async def test_a_server_that_does_not_answer_is_away_and_no_password_is_told(url, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreAway) as caught:
        async with Store.open(url, patience=3):
            pass

    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"


@pytest.mark.parametrize("cluster", ["", "+cluster"])
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://nowhere.invalid:6379", "The host of Redis has no address here"),
        ("rediss://127.0.0.1:1/?ssl_ca_certs=/nowhere.pem", "A file on the way to Redis is not there"),
        (f"rediss://127.0.0.1:1/?ssl_ca_certs={__file__}", "There is no TLS with Redis that can be trusted"),
        ("redis://127.0.0.1:1", "Redis does not answer"),
    ],
)
async def test_why_a_server_is_not_reached_is_told(url, expected, cluster):
    with pytest.raises(StoreAway, match=expected):
        async with Store.open(url.replace("://", f"{cluster}://"), patience=5):
            pass


async def test_a_refused_command_is_told_without_the_text_that_was_sent(store):
    await store.connection.do("SET", "tk:{00}:ops", "no hash")
    for work in (
        lambda: store.connection.do("HSET", "tk:{00}:ops", "field", SECRET),
        lambda: store.connection.do_many([("HSET", "tk:{00}:ops", "field", SECRET)] * 2),
    ):
        with pytest.raises(StoreAway) as caught:
            await work()
        assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_a_server_that_forgot_the_scripts_gets_them_again(store, op):
    await store.lanes.add([op("a")])
    await store.connection.client.script_flush()

    await store.lanes.add([op("b", lane=f"T1:C1:17{i:08d}.000100") for i in range(1, 21)])

    assert 21 == len(await store.lanes.claim(50))


async def test_the_repr_of_a_store_does_not_show_its_address(store):
    assert store.url not in repr(store)


@pytest.mark.parametrize("schema", ["2", "two"])
async def test_what_a_newer_threadline_wrote_is_not_touched(store, embedded, schema):
    await store.connection.do("HSET", META, "schema", schema)

    with pytest.raises(WrongSchema, match=rf"layout {schema}.*layout 1"):
        async with Store.open(embedded.url):
            pass


async def test_a_new_installation_on_one_server_has_one_shard_so_that_one_call_stores_all(embedded, store, op):
    await store.connection.do("FLUSHALL")

    async with Store.open(embedded.url) as fresh:
        await fresh.lanes.add([op(lane=f"T1:C1:17{i:08d}.000100") for i in range(30)])
    assert ["tk:{00}:ready"] == await store.connection.do("KEYS", "tk:*:ready")


async def test_an_installation_keeps_the_number_of_its_shards(store, embedded, op):
    await store.connection.do("HSET", META, "shards", 3)

    async with Store.open(embedded.url) as other:
        await other.lanes.add([op(lane=f"T1:C1:17{i:08d}.000100") for i in range(30)])
        assert 30 == len(await other.lanes.claim(50))
    assert {"tk:{00}:ready", "tk:{01}:ready", "tk:{02}:ready"} == set(await store.connection.do("KEYS", "tk:*:ready"))


def test_the_scripts_and_the_list_of_keys_agree():
    first = source("head").split("unpack(KEYS", 1)[0].rpartition("local ")[2]

    assert list(SHARD_KEYS) == first.removesuffix(" = ").split(", ")
    assert f"unpack(KEYS, 1, {len(SHARD_KEYS)})" in source("head")
    assert f"'{WAKE}'" in source("head")
    assert all(source(name) for name in (*SCRIPTS, *LONE_SCRIPTS))


async def test_the_embedded_server_gives_nothing_to_complain_of(store, embedded):
    findings = await durability(store.connection, embedded.url)

    assert [] == [finding for finding in findings if not finding.ok]
    assert {"Redis version", "Redis memory", "Redis persistence", "Redis fsync", "Redis replicas"} == {
        finding.subject for finding in findings
    }


async def test_a_server_that_may_throw_things_away_or_forget_them_is_complained_of(tmp_path):
    socket = tmp_path / "s"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--maxmemory-policy", "allkeys-lru"]
    process = await asyncio.create_subprocess_exec(
        program(), *options, "--appendfsync", "no", "--dir", str(tmp_path), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        connection = Connection(connect(f"unix://{socket}", retries=20))
        findings = {finding.subject: finding for finding in await durability(connection, "redis://elsewhere:6379/0")}
        await connection.aclose()
    finally:
        process.kill()
        await process.wait()

    bad = ["Redis fsync", "Redis memory", "Redis password", "Redis persistence"]
    assert bad == sorted(subject for subject, finding in findings.items() if not finding.ok)
    assert "allkeys-lru" in findings["Redis memory"].detail
    assert all(findings[subject].remedy for subject in bad)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///s", []),
        ("redis://localhost:6379", []),
        ("redis://[::1]:6379/0", []),
        ("redis://elsewhere", [False, True]),
        (f"rediss://:{SECRET}@elsewhere", [True, True]),
        (f"redis+sentinel://me:{SECRET}@one:1,two:2/main", [True, True]),
        ("redis+sentinel://one:1,localhost:2/main", [False, True]),
    ],
)
def test_a_server_on_another_machine_needs_a_password(url, expected):
    findings = _access(url)

    assert expected == [finding.ok for finding in findings]
    assert SECRET not in repr(findings)
