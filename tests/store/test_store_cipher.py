"""S17: with a key no text is readable in Redis or its files; without it, what is closed is left as it is."""

import asyncio
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from bot.conversion.mapped import Mapped
from bot.conversion.ports import NewOp, Outcome, StoreAway
from bot.conversion.records import Operation, Tell, decode, encode
from bot.conversion.stored import UnknownVersion
from bot.settings import SettingsError, parse
from bot.store import lanes
from bot.store.cipher import Cipher, is_closed
from bot.store.keys import META, shard_of
from bot.store.personal import rewrite_log, unreadable
from bot.store.store import Store
from tests.store.conftest import LEASE, T
from tests.store.test_store_rights import everything_else

KEY, OLD = bytes(range(32)), bytes(range(1, 33))
CANARY = "canary-in-the-mine"
TEXT = encode(Operation(work=Tell(user="U1", text=CANARY)))
SECOND = timedelta(seconds=1)


@pytest.fixture
async def closing(embedded):
    """A store that has a key."""
    async with Redis.from_url(embedded.url) as client:
        await client.flushall()
        await client.hset(META, "shards", 2)
    async with Store.open(embedded.url, lease=LEASE, cipher=Cipher([KEY])) as opened:
        yield opened


async def stored(store):
    """All keys and all that is in them."""
    found = []
    async for key in store.connection.client.scan_iter():
        kind = await store.connection.do("TYPE", key)
        read = {"hash": ("HGETALL",), "string": ("GET",), "set": ("SMEMBERS",), "zset": ("ZRANGE", 0, -1)}[kind]
        found.append((key, await store.connection.do(read[0], key, *read[1:])))
    return str(found)


def record_of(lane, op, key="ops"):
    return ("HGET", shard_of(lane, 2).key(key), f"{lane}|{op}")


@given(st.text(), st.text(), st.text(min_size=1))
def test_a_text_is_opened_with_its_key_at_its_place_and_nowhere_else(text, place, else_):
    both, old, new = Cipher([KEY, OLD]), Cipher([OLD]), Cipher([KEY])
    closed = both.close(text, place)

    assert not text or is_closed(text) or text not in closed.removeprefix("enc1:") or len(text) < 6
    if not is_closed(text):
        assert text == new.open(closed, place) == both.open(old.close(text, place), place)
        assert closed == old.open(closed, place) == new.open(closed, place + else_) == Cipher().open(closed, place)
    assert closed == both.close(closed, place)


@pytest.mark.parametrize("spoilt", ["enc1:", "enc1:!", "enc1:AAAA", "enc1:" + "A" * 400])
def test_what_was_spoilt_stays_closed_and_is_nobodys_record(spoilt):
    assert spoilt == Cipher([KEY]).open(spoilt, "x")
    with pytest.raises(UnknownVersion):
        decode(spoilt)


async def test_s17_with_a_key_no_text_is_readable_in_redis_nor_in_its_log(closing, embedded, op, link):
    lanes, about = closing.lanes, link(subject=CANARY, owner=CANARY)
    await lanes.add([op(name, place, TEXT) for place, name in enumerate("abcd")])
    await lanes.add([op("a", 0, TEXT, replace=True)])
    (lease,) = await lanes.claim(5)
    await lanes.save(lease, "a", TEXT)
    head = await lanes.done(lease, "a", Outcome(link=about))
    assert (TEXT, about) == (head.payload, (await lanes.head(lease)).link)
    await lanes.park(lease, "b", TEXT)
    await lanes.hold(lease, "c", TEXT)
    await lanes.unpark(T, "b", TEXT)
    await closing.mappings.put(Mapped(desk="whmcs", user="U1", email=CANARY))
    await closing.scratch.put("form:1", CANARY, 99 * SECOND)
    await closing.shared.put("session", CANARY, ttl=99 * SECOND)

    assert {"b", "c", "d"} == {one async for _, one, payload in lanes.everything() if payload == TEXT}
    assert TEXT == (await lanes.find_parked(T, "c")).payload == await lanes.peek(T, "d")
    assert about == await closing.links.get(about.thread) == (await closing.links.find("#7"))[0]
    assert CANARY == (await closing.mappings.get("whmcs", "U1")).email == await closing.shared.get("session")
    assert CANARY == await closing.scratch.get("form:1")
    assert CANARY not in await stored(closing)
    await rewrite_log(closing)
    log = list((Path(embedded.directory) / "appendonlydir").iterdir())
    assert log
    assert not [path for path in log if CANARY.encode() in path.read_bytes()]


async def test_whoever_has_no_key_leaves_what_is_closed_alone_and_the_doctor_counts_it(closing, embedded, op, link):
    await closing.lanes.add([op("a", 1, TEXT)])
    await closing.links.put(link(ticket="8"))
    await closing.shared.put("session", "secret", ttl=99 * SECOND)
    before = await closing.connection.do(*record_of(T, "a"))

    async with Store.open(embedded.url, lease=LEASE) as other:
        (lease,) = await other.lanes.claim(1)
        with pytest.raises(UnknownVersion):  # of the thread's link
            await other.lanes.head(lease)
        closed = await other.lanes.peek(T, "a") or ""
        await other.lanes.retry(lease, "a", closed, delay=timedelta())
        assert None is await other.shared.get("session")
        assert () == await other.links.find("#8")
        assert (2, 0) == (await unreadable(other, ["whmcs"]), await unreadable(closing, ["whmcs"]))

    assert before == await closing.connection.do(*record_of(T, "a"))


async def test_a_person_who_was_written_down_under_a_key_that_is_gone_is_counted_too(closing, embedded):
    """Nothing writes that again by itself, so the doctor's count is all that tells to keep the key."""
    await closing.mappings.put(Mapped(desk="whmcs", user="U1", email=CANARY))

    async with Store.open(embedded.url, lease=LEASE, cipher=Cipher([OLD])) as other:
        assert (1, 0) == (await unreadable(other, ["whmcs"]), await unreadable(closing, ["whmcs"]))


async def test_what_was_stored_before_there_was_a_key_is_read_and_closed_when_it_is_written_again(
    store, embedded, op, link, claim
):
    await store.lanes.add([op("a", 1, TEXT), op("b", 2, TEXT)])
    await store.links.put(link())

    async with Store.open(embedded.url, lease=LEASE, cipher=Cipher([KEY])) as later:
        lease = await claim()
        head = await later.lanes.head(lease)
        assert head
        await later.lanes.save(lease, "a", head.payload)
        assert (TEXT, link()) == (head.payload, head.link)
        assert {True, False} == {CANARY in str(await later.lanes._connection.do(*_at(name))) for name in "ab"}


def _at(name):
    return ("HGET", shard_of(T, 16).key("ops"), f"{T}|{name}")


async def test_what_is_given_back_as_it_was_is_stored_as_it_was_so_that_its_doubts_stay(closing, op):
    await closing.lanes.add([op("a", 1, TEXT)])
    before = await closing.connection.do(*record_of(T, "a"))
    for _ in range(2):
        (lease,) = await closing.lanes.claim(1)
        head = await closing.lanes.head(lease)
        await closing.lanes.retry(lease, "a", head.payload, delay=timedelta())
        assert before == await closing.connection.do(*record_of(T, "a"))

    (lease,) = await closing.lanes.claim(1)
    await closing.lanes.head(lease)
    await closing.lanes.retry(lease, "a", TEXT + " ", delay=timedelta())
    assert before != await closing.connection.do(*record_of(T, "a"))


async def test_with_a_key_everything_works_as_without(closing, link):
    await closing.links.put(link())
    await everything_else(closing, link, SECOND)
    assert [] == [found async for found in closing.links.all()]


@pytest.mark.parametrize("given", ["secretword", b64encode(b"short").decode(), f"{b64encode(KEY).decode()},x"])
def test_a_key_that_is_none_is_refused_without_being_repeated(given):
    with pytest.raises(SettingsError) as refused:
        parse({"desks": {"local": {"kind": "local", "path": "x"}}}, {"THREADLINE_KEY": given})

    assert "THREADLINE_KEY in the environment must be 32 bytes in base64" in str(refused.value)
    assert given not in str(refused.value)


@pytest.mark.parametrize("given", ["", " ", ","])
def test_a_variable_that_holds_no_key_does_not_mean_that_nothing_is_encrypted(given):
    with pytest.raises(SettingsError, match="THREADLINE_KEY in the environment must be 32 bytes in base64"):
        parse({"desks": {"local": {"kind": "local", "path": "x"}}}, {"THREADLINE_KEY": given})


def test_several_keys_are_taken_in_their_order():
    given = ", ".join(b64encode(key).decode() for key in (KEY, OLD))

    assert (KEY, OLD) == parse(
        {"desks": {"local": {"kind": "local", "path": "x"}}}, {"THREADLINE_KEY": given}
    ).text_keys


async def test_of_a_lane_that_stands_still_no_text_is_kept_in_memory(closing):
    """Another process may go on with it, so that this one would keep the text for ever."""
    await closing.lanes.add([NewOp(lane=T, id="a", order=1, payload=TEXT)])
    (lease,) = await closing.lanes.claim(1)
    head = await closing.lanes.head(lease)
    await closing.lanes.hold(lease, "a", head.payload)

    assert {} == closing.lanes._handed


async def test_of_a_lane_that_is_left_since_the_store_is_away_no_text_is_kept_in_memory(closing, monkeypatch):
    monkeypatch.setattr(lanes, "LEFT", 1)
    await closing.lanes.add([NewOp(lane=T, id="a", order=1, payload=TEXT)])
    (lease,) = await closing.lanes.claim(1)
    await closing.lanes.head(lease)
    for _ in range(3):  # as long as there are signs of life it is in hand
        await asyncio.sleep(LEASE.total_seconds() / 2)
        await closing.lanes.extend(lease)
    closing.lanes._look_at = 0.0
    await closing.lanes.claim(1)
    assert [T] == list(closing.lanes._handed)

    with monkeypatch.context() as broken:
        broken.setattr(closing.connection, "run", AsyncMock(side_effect=StoreAway))
        with pytest.raises(StoreAway):
            await closing.lanes.done(lease, "a", Outcome())
    await asyncio.sleep(1.1 * LEASE.total_seconds())
    closing.lanes._look_at = 0.0
    await closing.lanes.claim(1)

    assert {} == closing.lanes._handed
