"""S16, S19: the journey at each desk, logged at level debug: no secret and no text in the log or left in Redis."""

import asyncio
import io
import logging
import sys
import time
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis
from rich.console import Console

from bot.commands.demo import running
from bot.commands.journey import Journey
from bot.commands.logs import start_logging
from bot.sandbox.demo import KINDS
from bot.settings import parse
from bot.store.server import attach_or_start
from tests.security.test_security_canaries import _value

PATIENCE = 20.0
SHORT = 12
"""Characters below which a text is found by chance."""
TYPED = ("It is out now, but smells.", "the spooler ran", "Guide attached")


@pytest.fixture
def debugging(monkeypatch):
    """Logs as the product writes them at level debug; gives what was written to standard error until then."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    loggers = [
        logging.getLogger(),
        *map(logging.getLogger, ("threadline", "bot", "adapters", "httpx", "zeep", "slack_sdk")),
    ]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    start_logging("debug", "json")
    yield written.getvalue
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def secrets_of(found):
    """Every secret in the settings, however deep."""
    if isinstance(found, SecretStr):
        return {found.get_secret_value()} - {""}
    if isinstance(found, BaseModel):
        found = dict(found)
    if isinstance(found, dict):
        return set().union(*map(secrets_of, found.values()))
    return set().union(*map(secrets_of, found)) if isinstance(found, list | tuple) else set()


def said_in(workspace):
    """What people wrote and agents answered, long enough to be told from other words."""
    texts = {m.get("text", "") for channel in workspace.channels for m in workspace.history(channel) if "user" in m}
    return {text.splitlines()[0] for text in texts if len(text) > SHORT and "Ticket" not in text} | set(TYPED)


async def left_in(client, words):
    values = [(key, str(await _value(client, key))) async for key in client.scan_iter()]
    return sorted({(key, word) for key, value in values for word in words if word in value})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(90)
async def test_s16_no_secret_and_no_text_of_a_journey_is_in_the_log_or_left_in_redis(kind, debugging):
    async with running(kind, port=None) as started:
        world = started.world
        await Journey(world, Console(file=io.StringIO())).walk()
        secrets = secrets_of(parse(world.settings, world.environment))
        texts = said_in(world.workspace)
        server = await attach_or_start(Path(world.settings["redis"]["data_dir"]))
        async with Redis.from_url(server.url, decode_responses=True) as client:
            give_up = time.monotonic() + PATIENCE
            while await left_in(client, texts) and time.monotonic() < give_up:  # noqa: ASYNC110 -- the bot does not tell us
                await asyncio.sleep(0.1)
            assert [] == await left_in(client, texts | secrets)
    logged = debugging()

    assert "add_message" in logged
    assert [] == sorted(word for word in secrets | texts if word in logged)
    assert len(secrets) >= len(world.environment)
    assert len(texts) > len(TYPED)
