"""A worker with a real store and a real desk, and a Slack room that is pretended."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from adapters import registry
from adapters.contract import Limits
from adapters.shared import InProcess
from bot.conversion.intake import Intake
from bot.conversion.rooms import Rooms
from bot.conversion.worker import Worker
from bot.sandbox.desks.local import LocalAgents
from tests.conversion.slack_fakes import FakeEvents, FakeThreads, FakeVoice
from tests.store.conftest import embedded, store

__all__ = ["embedded", "store"]


class OneDesk:
    def __init__(self, desk):
        self.desk = desk

    def get(self, name):
        return self.desk

    def names(self):
        return (self.desk.name,)

    def for_channel(self, channel):
        return self.desk.name


class House:
    """Everything a test of the worker needs; `settled` works until nothing is left to do."""

    def __init__(self, store, desk, agents):
        self.store, self.desk, self.agents = store, desk, agents
        self.threads, self.voice, self.events = FakeThreads(), FakeVoice(), FakeEvents()
        self.intake = Intake(store.lanes, store.links)
        self.rooms = Rooms(
            lanes=store.lanes,
            links=store.links,
            breakers=store.breakers,
            desks=OneDesk(desk),
            threads=self.threads,
            voice=self.voice,
            events=self.events,
        )

    @asynccontextmanager
    async def working(self, **options):
        worker = Worker(self.rooms, heartbeat=0.1, **options)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await task

    async def until(self, condition, *, seconds=20, **options):
        """Work until *condition* (may be async) is true."""
        async with asyncio.timeout(seconds), self.working(**options):
            while True:
                answer = condition()
                if await answer if asyncio.iscoroutine(answer) else answer:
                    return
                await asyncio.sleep(0.02)

    async def tickets(self):
        return [await self.agents.ticket(ticket.id) for ticket in reversed(await self.agents.tickets())]


@pytest.fixture
async def house(store, tmp_path):
    settings = registry.settings_for("desk", {"kind": "local", "path": str(tmp_path / "desk.sqlite")})
    async with registry.make("desk", settings, InProcess()) as desk:
        yield House(store, desk, LocalAgents(tmp_path / "desk.sqlite"))


@pytest.fixture
def quick_settle(monkeypatch, house):
    """A desk that answers, and whose late changes show, within a moment."""
    house.desk.settings = house.desk.settings.model_copy(update={"timeout": 0.05})
    limits = Limits(settle=timedelta(milliseconds=50))
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))
