"""S16, S17, S19: secrets and texts that are canaries go through a whole journey with failures, and none is found again.

Looked at are standard error and output at log level debug, metrics, pages for strangers, `threadline parked`, and all
that Redis holds: texts only while they wait, as docs/redis.md says, and secrets never.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import deque
from contextlib import asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis

from bot.commands.demo import company
from bot.sandbox.demo import STAND_INS, stand_in
from bot.sandbox.desks.keliweb import KeliwebStandIn
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.sandbox.desks.superoffice_soap import SuperOfficeSoapStandIn
from bot.sandbox.desks.whmcs import WhmcsStandIn
from bot.sandbox.faults import Fault
from bot.sandbox.slack.server import SlackServer
from bot.store.server import attach_or_start, stop
from tests.doors.test_doors_operator import free_port
from tests.security.fuzz import ROOT
from tests.security.fuzz_app import chosen

BOT, APP, SIGNING = "xoxb-canary-bot-8c1d", "xapp-1-canary-app-77ab", "canarysigning5e1f"
DESK, HOOK, PASSWORD = "canarydesksecret91", "canaryhooksecret44", "canaryredispassword23"
SECRETS = (BOT, APP, SIGNING, DESK, HOOK, PASSWORD)
HOOKED = ("whmcs", "superoffice_rest")
COMMANDED = "whmcs"
"""The desk with which each command is tried; what most of them print is the same whatever the desk is."""
FIRST, WAITS, REFUSED, LATER = (f"canarytext{name} burns" for name in ("first", "waits", "refused", "later"))
PATIENCE = 30.0
TEXTS = (FIRST, WAITS, REFUSED, LATER)


@pytest.fixture(autouse=True)
async def no_server_is_left(tmp_path):
    """The embedded server outlives a process that was killed, as it should; it ends with the test."""
    yield
    for place in tmp_path.rglob("s.sock"):
        await stop(await attach_or_start(place.parent))


class Journey:
    """The bot as a process of its own, between a pretend Slack, a desk and a Redis with a password."""

    def __init__(self, folder, kind):
        self.folder, self.kind, self.issued = folder, kind, set()
        self.workspace = company()
        self.workspace.bot_token, self.workspace.app_token, self.workspace.signing_secret = BOT, APP, SIGNING
        self.slack, self.desk = SlackServer(self.workspace), stand_in(kind)
        self.lock(DESK)
        self.operator, self.hooks = free_port(), free_port()
        self.seen = ""

    def lock(self, secret):
        """Have the desk let in nobody but who has *secret*."""
        match self.desk:
            case KeliwebStandIn(tokens=tokens):
                self.issued |= {*tokens.access, *tokens.refresh}
                tokens.client_secret = tokens.password = secret
                tokens.access.clear()
            case WhmcsStandIn():
                self.desk.secret = secret
            case SuperOfficeRestStandIn():
                self.desk.password = secret
            case SuperOfficeSoapStandIn():
                self.desk.site.users["2"].password = secret

    @asynccontextmanager
    async def begun(self):
        async with self.slack.serve(), self.desk.serve() as table, self._redis() as self.redis:
            (self.folder / "threadline.toml").write_text(self._settings(table))
            process = await self._process("run")
            reading = asyncio.create_task(process.stdout.read())
            try:
                await self.until(lambda: self.page("/readyz", 200), "the bot is not ready")
                yield self
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGTERM)
                self.seen += (await reading).decode()
                await process.wait()

    @asynccontextmanager
    async def _redis(self):
        server = await attach_or_start(self.folder / "redis")
        self.redis_url = f"{server.url}?password={PASSWORD}"
        async with Redis.from_url(server.url, decode_responses=True) as client:
            await client.config_set("requirepass", PASSWORD)
            try:
                yield client
            finally:
                await client.execute_command("AUTH", PASSWORD)
                await client.config_set("requirepass", "")
                await stop(server)

    def _settings(self, table):
        desk = {key: "env:DESK" if value == DESK else value for key, value in table.items() if key != "fields"}
        desk |= {"poll": 1.0, "default": True} | ({"webhook_secret": "env:HOOK"} if self.kind in HOOKED else {})
        lines = [f"{key} = {_toml(value)}" for key, value in desk.items()]
        return "\n".join(
            [
                f'[slack]\napi_url = "{self.slack.api_url}"\n[log]\nlevel = "debug"\nformat = "json"',
                f'[operator]\nlisten = "127.0.0.1:{self.operator}"\n[hooks]\nlisten = "127.0.0.1:{self.hooks}"',
                "[desks.billing]",
                *lines,
            ]
        )

    async def _process(self, *words):
        secrets = {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP, "SLACK_SIGNING_SECRET": SIGNING}
        more = {"DESK": DESK, "HOOK": HOOK, "REDIS_URL": self.redis_url, "PYTHONPATH": str(ROOT), "HOME": "/nowhere"}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *words),
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]} | secrets | more,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def command(self, *words):
        """What another command prints; it is looked through as well."""
        said, _ = await (await self._process(*words)).communicate()
        self.seen += said.decode()
        return said.decode()

    async def page(self, path, status=0, *, port=0, **request):
        """A page of a door, looked through as well; False while it has another status."""
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port or self.operator}") as client:
                answer = await client.request("POST" if request else "GET", path, **request)
        except httpx.TransportError:
            return False
        self.seen += answer.text
        return not status or answer.status_code == status

    async def until(self, seen, words):
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            if found := await seen():
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(words)

    async def at_the_desk(self, text):
        """Whether a text is on a ticket."""
        tickets = [await self.desk.ticket(ticket.id) for ticket in await self.desk.tickets()]
        return any(text in message.text for ticket in tickets for message in ticket.messages)

    async def arrives(self, text, user, channel):
        """Wait until a text is on a ticket; who is asked whether it is there says so, truly."""
        told = set()

        async def there():
            for asked in self.workspace.ephemerals(user, channel):
                if asked["ts"] not in told and any(block.get("block_id") == "question" for block in asked["blocks"]):
                    told.add(asked["ts"])
                    where = {"channel": channel, "ts": asked["ts"], "block_id": "question"}
                    answer = "there" if await self.at_the_desk(text) else "again"
                    await self.workspace.press(user, **where, action_id=answer)
            return await self.at_the_desk(text)

        await self.until(there, f"{text} did not come to the desk")

    async def keys_with(self, texts):
        """The keys that hold one of *texts*."""
        keys = [key async for key in self.redis.scan_iter()]
        values = {key: str(await _value(self.redis, key)) for key in keys}
        return sorted(key for key, value in values.items() if any(text in value for text in texts))

    async def stored(self):
        """Everything that Redis holds, as one text."""
        await self.redis.execute_command("AUTH", PASSWORD)
        return str([(key, await _value(self.redis, key)) async for key in self.redis.scan_iter()])


def _toml(value):
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"


async def _value(client, key):
    """The value of a key; nothing where it went while we looked."""
    match await client.type(key):
        case "string":
            return await client.get(key)
        case "hash":
            return await client.hgetall(key)
        case "set":
            return await client.smembers(key)
        case "zset":
            return await client.zrange(key, 0, -1)
        case kind:
            assert "none" == kind
            return ""


async def _walk(journey):
    """A thread becomes a ticket, and replies meet a desk that is away, that errs, and that has lost the ticket."""
    slack = journey.workspace
    user = next(person.id for person in slack.people.values() if person.name == "tom")
    channel = next(channel.id for channel in slack.channels.values() if channel.name == "it-help")
    root = await slack.post(user, channel, FIRST)
    await slack.message_shortcut(user, channel, root["ts"], "create_ticket")

    async def filled():
        views = slack.views_of(user)
        return bool(views) and bool(views[-1].get("submit")) and "Asking" not in json.dumps(views[-1])

    await journey.until(filled, "the form was not filled")
    values = await chosen(slack, user)
    view = slack.views_of(user)[-1]
    subject = next(block for block in view["blocks"] if block.get("block_id", "").startswith("subject"))
    values[subject["block_id"]] = {subject["element"]["action_id"]: {"value": "Printer"}}
    answer = await slack.submit(user, view["id"], values)
    assert "errors" not in str(answer.body), answer.body
    await journey.arrives(FIRST, user, channel)

    journey.desk.faults.always = Fault.REFUSE
    await slack.post(user, channel, WAITS, thread_ts=root["ts"])

    async def waits():
        return WAITS in await journey.stored()

    await journey.until(waits, "the text does not wait in Redis, as the documents say it does")
    await journey.page("/metrics")
    journey.desk.faults.always = None
    faults = (Fault.HTML, Fault.CUT_AFTER)
    journey.desk.faults.plan = deque(faults)
    await journey.arrives(WAITS, user, channel)

    await slack.post(user, channel, LATER, thread_ts=root["ts"])
    await journey.arrives(LATER, user, channel)

    for ticket in await journey.desk.tickets():
        await journey.desk.delete(ticket.id)
    await slack.post(user, channel, REFUSED, thread_ts=root["ts"])

    async def parked():
        listed = json.loads(await journey.command("parked", "list", "--json"))
        return [one for one in listed if one["kind"] == "add_message"]

    found = await journey.until(parked, "a reply to a ticket that is gone is not parked")
    assert REFUSED in await journey.stored()
    if journey.kind == COMMANDED:
        for words in ("show", "retry"):
            await journey.command("parked", words, found[0]["lane"], found[0]["operation"])
        found = await journey.until(parked, "a reply that was tried again in vain is not parked again")
    await journey.command("parked", "drop", found[0]["lane"], found[0]["operation"])
    journey.lock("another")


async def _look_around(journey):
    """Pages for everybody, and commands."""
    for path in ("/healthz", "/readyz", "/metrics", "/else"):
        await journey.page(path)
    for path in ("/hooks/billing", "/hooks/none", "/"):
        await journey.page(path, port=journey.hooks, content=b"{}")
    commands = (("desk", "check", "billing"), ("links", "list"), ("doctor",))
    for words in commands if journey.kind == COMMANDED else commands[:1]:
        await journey.command(*words)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", STAND_INS)
async def test_s16_no_secret_and_no_text_is_found_where_it_does_not_belong(tmp_path, kind):
    async with Journey(tmp_path, kind).begun() as journey:
        await _walk(journey)
        await _look_around(journey)

        async def gone():
            return not await journey.keys_with(TEXTS)

        with contextlib.suppress(AssertionError):
            await journey.until(gone, "said below, with the keys")
        assert [] == await journey.keys_with(TEXTS)
        sessions = await journey.keys_with(journey.issued)
        stored = await journey.stored()

    assert [] == [key for key in sessions if not key.startswith("tk:value:")]
    assert [] == [name for name in SECRETS if name in stored]
    assert [] == [name for name in (*SECRETS, *journey.issued) if name in journey.seen]
    assert [] == [text for text in TEXTS if text.split()[0] in journey.seen]
    assert "listens for helpdesks" in journey.seen
    assert 'work="add_message",outcome="done"' in journey.seen
    assert "Traceback" not in journey.seen
