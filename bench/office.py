"""The world around a measured bot: a pretend Slack and a desk in this process, the bot on its own core."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measuring import Child, Keeper, child, keeper
from bot.commands.demo import company
from bot.sandbox.demo import World, world
from bot.sandbox.slack.calls import Call

SECRET_NAME = "SLACK_SIGNING_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A pretend company whose Slack sends to ``address``."""

    world: World
    store: Keeper
    address: str
    settings: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """What a bot finds in its environment."""
        return self.world.environment | {"REDIS_URL": self.store.url}

    @property
    def secret(self) -> str:
        """With which Slack signs."""
        return self.world.workspace.signing_secret

    @asynccontextmanager
    async def bot(self, role: str = "all", **plan: Any) -> AsyncIterator[Child]:
        """The bot, until the block ends."""
        async with child("bot", settings=self.settings, environment=self.environment, as_role=role, **plan) as process:
            yield process

    def person(self, name: str) -> str:
        """A person's Slack id."""
        return next(person.id for person in self.world.workspace.people.values() if person.name == name)

    def channel(self, name: str) -> str:
        """A channel's Slack id."""
        return next(channel.id for channel in self.world.workspace.channels.values() if channel.name == name)

    def note_calls(self, method: str) -> list[float]:
        """A list to which the time of each call of a Web API method is added, as soon as it is there."""
        times: list[float] = []
        found = self.world.slack.api.methods[method]

        async def noted(call: Call) -> dict[str, Any]:
            times.append(time.perf_counter())
            return await found.run(call)

        self.world.slack.api.methods[method] = replace(found, run=noted)
        return times


@asynccontextmanager
async def office(kind: str = "local", *, desk: dict[str, Any] | None = None) -> AsyncIterator[Office]:
    """An office whose desk is of *kind*, with *desk* in its table of settings."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="threadline-bench-")))
        store = await stack.enter_async_context(keeper(folder / "redis"))
        listen = f"127.0.0.1:{free_port()}"
        around = await stack.enter_async_context(
            world(kind, folder, workspace=company(), delivery="http", listen=listen)
        )
        settings = json.loads(json.dumps(around.settings))
        settings["slack"]["receipts"] = "silent"  # Slack lets an app add 50 reactions a minute
        settings["desks"]["demo"] |= desk or {}
        yield Office(world=around, store=store, address=f"http://{listen}", settings=settings)


def free_port() -> int:
    """A port of this machine that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Wire:
    """One connection that stays open, for requests that are made one by one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, address: str) -> "Wire":
        """A connection to ``http://host:port``."""
        host, _, port = address.removeprefix("http://").rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def send(self, request: bytes) -> bytes:
        """The body of the answer. Raises RuntimeError where it is not 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        body = await self._reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
        if head[9:12] != b"200":
            raise RuntimeError(f"answered {head[9:12].decode()}")
        return body

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
