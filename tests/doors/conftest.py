"""A real store, a WHMCS desk that can be called back, and requests as a server gives them to a door."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from adapters import registry
from adapters.shared import InProcess
from bot.conversion.records import Link, ThreadKey
from bot.doors.hooks import Hooks
from bot.store.server import attach_or_start, stop
from bot.store.store import Store
from bot.wiring import DeskBook

SECRET = "a hook's secret"
THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
WHMCS = {"kind": "whmcs", "url": "https://billing.example.com", "identifier": "i", "secret": "s"}


@pytest.fixture(scope="session")
def doors_server(tmp_path_factory):
    server = asyncio.run(attach_or_start(tmp_path_factory.mktemp("doors") / "data", fsync="everysec"))
    yield server
    asyncio.run(stop(server))


@pytest.fixture
async def store(doors_server):
    async with Redis.from_url(doors_server.url) as client:
        await client.flushall()
    async with Store.open(doors_server.url) as opened:
        yield opened


@pytest.fixture
def desks():
    tables = {"billing": {**WHMCS, "webhook_secret": SECRET}, "silent": WHMCS}
    made = {name: registry.settings_for(name, table) for name, table in tables.items()}
    return DeskBook({name: registry.make(name, settings, InProcess()) for name, settings in made.items()})


@pytest.fixture
def hooks(desks, store):
    return Hooks(desks, store.links, store.lanes)


@pytest.fixture
async def link(store):
    made = Link(thread=THREAD, desk="billing", ticket_id="7", number="#7", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    await store.links.put(made)
    return made


def call(tickets=("7",), *, secret=SECRET, raw=None):
    """Body and headers as the hook file of WHMCS sends them."""
    body = json.dumps({"tickets": list(tickets)}).encode() if raw is None else raw
    return body, {"x-threadline-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
