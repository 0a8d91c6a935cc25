"""S19: `threadline forget` leaves nothing of a person or a ticket in Redis or its log; `threadline export` shows it."""

import asyncio
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from typer.testing import CliRunner

from bot.cli import app
from bot.conversion.mapped import Mapped
from bot.conversion.ops import poll_op
from bot.conversion.ports import NewOp
from bot.conversion.records import (
    AddMessage,
    Delivered,
    Link,
    OpenTicket,
    Operation,
    Progress,
    PullTicket,
    SlackEvent,
    Tell,
    ThreadKey,
    encode,
)
from bot.store.cipher import Cipher
from bot.store.server import attach_or_start, stop
from bot.store.store import Store

USER, OTHER, CANARY = "U0CANARY", "U0OTHER", "canary-in-the-mine"
THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
LANE = str(THREAD)
MINE = {"user": USER, "text": CANARY, "ts": "1700000001.000100"}
MENTION = {
    "user": OTHER,
    "text": f"<@{OTHER}> hi",
    "blocks": [{"type": "user", "user_id": USER}],
    "ts": "1700000002.0001",
}


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "d"
    server = asyncio.run(attach_or_start(directory))
    with Redis.from_url(server.url) as user:  # so that no command is the last to leave it
        user.ping()
        yield directory
    asyncio.run(stop(server))


@pytest.fixture
def threadline(tmp_path, monkeypatch, directory):
    config = tmp_path / "threadline.toml"
    config.write_text('[desks.helpdesk]\nkind = "local"\npath = "desk.sqlite"\n')
    monkeypatch.setenv("THREADLINE_DATA", str(directory))
    monkeypatch.setenv("THREADLINE_CONFIG", str(config))
    return lambda *words: CliRunner().invoke(app, words)


def stored(directory, work, *, key=b""):
    async def whole():
        async with Store.open(None, directory, cipher=Cipher([key] if key else ())) as store:
            return await work(store)

    return asyncio.run(whole())


def op(name, work, lane=LANE):
    return NewOp(lane=lane, id=name, order=1, payload=encode(Operation(work=work)))


async def a_thread_with_all(store):
    """A linked thread with a message of theirs, one that mentions them, and one that is parked."""
    about = Link(
        thread=THREAD,
        desk="helpdesk",
        ticket_id="7",
        number="#7",
        subject=CANARY,
        opened_by=USER,
        requester=USER,
        left_out=(f"{CANARY}.pdf: too large. It stays in Slack: https://t.example/files/{USER}/F1/{CANARY}.pdf",),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    await store.links.put(about)
    await store.links.learn(THREAD, "1.2", Delivered(message_id="1"))
    await store.mappings.put(Mapped(desk="helpdesk", user=USER, email=f"{CANARY}@example.com"))
    await store.mappings.put(Mapped(desk="a desk of once", user=USER, name=CANARY))
    await store.scratch.put("form:1", json.dumps({"offered": MINE}), timedelta(hours=1))
    await store.scratch.spend([(f"changes:T1:{USER}", 5)], "x", window=timedelta(hours=1))
    await store.lanes.add([op("parked", AddMessage(actor=USER, message=MINE))])
    (lease,) = await store.lanes.claim(1)
    await store.lanes.park(lease, "parked", (await store.lanes.head(lease)).payload)
    await store.lanes.add(
        [op("mine", AddMessage(actor=USER, message=MINE)), op("mention", AddMessage(actor=OTHER, message=MENTION))]
    )
    await store.lanes.add([op("event", SlackEvent(body={"event": {**MINE, "type": "message"}}), f"in/{LANE}")])
    await store.lanes.add(
        [op("pull", PullTicket(thread=THREAD, repeat=True), f"pull/{LANE}"), poll_op("T1", "helpdesk")]
    )


async def contents(store):
    found = []
    async for key in store.connection.client.scan_iter():
        kind = await store.connection.do("TYPE", key)
        read = {"hash": ("HGETALL",), "string": ("GET",), "set": ("SMEMBERS",), "zset": ("ZRANGE", 0, -1)}[kind]
        found.append((key, await store.connection.do(read[0], key, *read[1:])))
    return found


def in_the_log(directory, word):
    files = list((directory / "appendonlydir").iterdir())
    assert files
    return [path.name for path in files if word.encode() in path.read_bytes()]


def test_s19_a_person_is_exported_forgotten_and_gone_from_redis_and_its_log(threadline, directory):
    stored(directory, a_thread_with_all)

    told = json.loads(threadline("export", "user", USER).output)
    refused = threadline("forget", "user", USER)
    forgotten = threadline("forget", "user", USER, "--drop-waiting")

    assert {"event", "mine", "parked"} == {one["id"] for one in told["waiting"]}
    assert ["#7", CANARY, f"{CANARY}@example.com"] == [
        told["links"][0]["number"],
        told["mappings"][0]["name"],
        told["mappings"][1]["email"],
    ]
    assert ["form:1"] == list(told["forms"])
    assert (1, True) == (refused.exit_code, "3 messages or wishes wait" in refused.output + refused.stderr)
    assert f"{USER} is forgotten: 1 links without them, 3 waiting operations dropped" in forgotten.output
    held = str(stored(directory, contents))
    assert CANARY not in held
    assert f"changes:T1:{USER}" not in held
    assert not [
        key for key in json.loads(threadline("export", "user", USER).output).items() if key[1] and key[0] != "user"
    ]
    assert [] == in_the_log(directory, CANARY)
    link = stored(directory, lambda store: store.links.get(THREAD))
    assert ("#7", "", "", "") == (link.number, link.opened_by, link.requester, link.subject)
    assert ((), 1) == (link.left_out, link.left_out_before)
    assert 1 == stored(directory, lambda store: store.lanes.waiting(LANE))  # who was only mentioned loses nothing


def test_s19_a_ticket_is_forgotten_and_nothing_of_its_thread_is_left(threadline, directory):
    stored(directory, a_thread_with_all)
    told = Tell(user=OTHER, text=f"{CANARY} was not sent", parked=f"{LANE}|parked")
    stored(directory, lambda store: store.lanes.add([op("tell", told, f"ui/T1:{OTHER}:-")]))

    refused = threadline("forget", "ticket", "helpdesk", "#7")
    elsewhere = threadline("forget", "ticket", "helpdesk", "#8")
    forgotten = threadline("forget", "ticket", "helpdesk", "#7", "--drop-waiting")

    assert (1, True) == (refused.exit_code, "5 messages or wishes wait" in refused.output + refused.stderr)
    assert "No thread is linked to #8 at helpdesk." in elsewhere.output + elsewhere.stderr
    assert "#7 at helpdesk is forgotten: 1 links removed, 6 waiting operations dropped." in " ".join(
        forgotten.output.split()
    )
    kept = stored(directory, contents)
    assert CANARY not in str([value for key, value in kept if not key.startswith(("tk:people:", "tk:scratch:form:"))])
    left = {key.split(":")[2] for key, value in kept if LANE in key + str(value)}
    assert {"claim", "dd", "epoch", "partings"} >= left  # names of lanes and operations only


def test_s19_a_ticket_whose_opening_waits_for_a_person_is_forgotten_too(threadline, directory):
    """It began as a form, and has no thread yet."""

    async def half(store):
        work = OpenTicket(desk="helpdesk", actor=USER, channel="C1", subject=CANARY, description=CANARY)
        opening = Operation(work=work, progress=Progress(done={"open": json.dumps(["7", "#7", None])}))
        await store.lanes.add([NewOp(lane="T1:form:V1", id="create:T1:V1", order=1, payload=encode(opening))])
        (lease,) = await store.lanes.claim(1)
        await store.lanes.park(lease, "create:T1:V1", (await store.lanes.head(lease)).payload)

    stored(directory, half)

    refused = threadline("forget", "ticket", "helpdesk", "#7")
    elsewhere = threadline("forget", "ticket", "other", "#7", "--drop-waiting")
    forgotten = threadline("forget", "ticket", "helpdesk", "#7", "--drop-waiting")

    assert "1 messages or wishes wait" in refused.output + refused.stderr
    assert "No thread is linked to #7 at other." in elsewhere.output + elsewhere.stderr
    assert "#7 at helpdesk is forgotten: 0 links removed, 1 waiting operations dropped." in forgotten.output
    assert CANARY not in str(stored(directory, contents))


def test_s19_a_message_of_somebody_else_is_not_dropped_for_what_slack_puts_into_it(threadline, directory):
    """A reply that is shown in the channel, too, holds the message that it answers; a file stays its owner's."""
    where = {"type": "message", "user": OTHER, "ts": "1700000003.000100", "thread_ts": MINE["ts"]}
    shown = {**where, "subtype": "thread_broadcast", "root": MINE}
    shared = {**where, "files": [{"id": "F1", "user": USER}]}
    theirs = [
        op("shown", AddMessage(actor=OTHER, message=shown)),
        op("shared", AddMessage(actor=OTHER, message=shared)),
        op("event", SlackEvent(body={"event": shown}), f"in/{LANE}"),
    ]
    stored(directory, lambda store: store.lanes.add(theirs))

    threadline("forget", "user", USER, "--drop-waiting")

    assert [2, 1] == [stored(directory, lambda store, at=at: store.lanes.waiting(at)) for at in (LANE, f"in/{LANE}")]


def test_s19_everything_is_forgotten_after_the_app_was_uninstalled(threadline, directory):
    stored(directory, a_thread_with_all)

    refused = threadline("forget", "everything")
    kept = stored(directory, contents)
    forgotten = threadline("forget", "everything", "--drop-waiting")

    assert (1, True) == (refused.exit_code, "4 messages or wishes wait" in refused.output + refused.stderr)
    assert CANARY in str(kept)
    assert f"Everything is forgotten: {len(kept)} keys removed." in forgotten.output
    assert {"tk:meta", "tk:{00}:runs"} == {key for key, _ in stored(directory, contents)}  # as each start writes
    assert [] == in_the_log(directory, CANARY)
    assert 0 == threadline("forget", "everything").exit_code


def test_what_a_worker_has_in_hand_is_not_taken_from_it(threadline, directory):
    async def in_hand(store):
        await store.lanes.add([op("mine", AddMessage(actor=USER, message=MINE))])
        (lease,) = await store.lanes.claim(1)
        await store.lanes.head(lease)

    stored(directory, in_hand)
    refused = threadline("forget", "user", USER, "--drop-waiting")

    assert (1, True) == (refused.exit_code, "1 operations are being worked on" in refused.output + refused.stderr)
    assert stored(directory, lambda store: store.lanes.peek(LANE, "mine"))


def test_what_cannot_be_read_is_not_passed_over(threadline, directory):
    stored(directory, lambda store: store.lanes.add([NewOp(lane=LANE, id="new", order=1, payload='{"v":99}')]))
    refused = threadline("forget", "user", USER)

    assert (1, True) == (
        refused.exit_code,
        "1 records cannot be read here" in refused.output + refused.stderr,
    )
    assert 1 == json.loads(threadline("export", "user", USER).output)["unread"]


@pytest.mark.parametrize("key", [None, b64encode(b"the key of this machine, 32 byte").decode()])
def test_what_another_key_has_closed_is_not_said_to_be_forgotten(threadline, directory, monkeypatch, key):
    async def closed():
        async with Store.open(None, directory, cipher=Cipher([b"another key, of thirty-two bytes"])) as store:
            await a_thread_with_all(store)

    asyncio.run(closed())
    if key:
        monkeypatch.setenv("THREADLINE_KEY", key)
    before = stored(directory, contents)

    for words in (("user", USER), ("ticket", "helpdesk", "#7")):
        refused = threadline("forget", *words, "--drop-waiting")
        assert (1, True) == (refused.exit_code, "cannot be read here" in refused.output + refused.stderr)
    told = json.loads(threadline("export", "user", USER).output)
    assert ([], [], {}) == (told["links"], told["mappings"], told["forms"])
    assert told["unread"] >= 6  # link, mapping, form, and three operations
    assert before == stored(directory, contents)


def test_a_form_that_another_key_has_closed_is_not_said_to_be_forgotten(threadline, directory):
    """Though nothing else is there that cannot be read: its text stays for up to a day."""
    kept = json.dumps({"offered": MINE})
    form = stored(
        directory,
        lambda store: store.scratch.put("form:1", kept, timedelta(hours=1)),
        key=b"another key, of thirty-two bytes",
    )

    refused = threadline("forget", "user", USER)

    assert form is None
    assert (1, True) == (refused.exit_code, "1 records cannot be read here" in refused.output + refused.stderr)
    assert 1 == json.loads(threadline("export", "user", USER).output)["unread"]


@pytest.mark.parametrize("words", [("forget", "user", "grace"), ("export", "user", "grace")])
def test_somebody_who_cannot_be_in_slack_is_refused_with_words(threadline, words):
    result = threadline(*words)

    assert 1 == result.exit_code
    assert "is not the id of a person in Slack" in result.output + result.stderr
