"""A thread of 120 messages with three files through each desk: all of it arrives, with as few calls as can be."""

import hashlib
from contextlib import AsyncExitStack

import pytest

from adapters import registry
from adapters.contract import Capability
from adapters.model import ChoiceList
from adapters.shared import InProcess
from bot.conversion.ports import SlackFile
from bot.conversion.records import OpenTicket
from bot.sandbox.demo import STAND_INS, stand_in
from bot.sandbox.serving import serving
from tests.conversion.conftest import House
from tests.conversion.slack_fakes import ADA, BEN, said, with_files
from tests.conversion.test_conversion_worker import THREAD
from tests.store.conftest import embedded, store

__all__ = ["embedded", "store"]

FILES = {f"F{n}": f"file {n} ".encode() * 500 for n in range(3)}

CALLS = {
    # whether the requester is a client, a contact or a user; the ticket with everything in it; the ticket for the card
    "whmcs": 5,
    # log in; the requester; the ticket; three files; the message; the ticket for the card
    "superoffice_soap": 9,
    # the requester; the default entity; the ticket; three files in two steps; the message; the ticket for the card
    "superoffice_rest": 12,
    # a token; the ticket with what one text holds, and a reply with the rest; the ticket for the card
    "keliweb": 4,
}
"""Requests of one conversion at the most; each look-up is made once."""


class Counting:
    """Counts the requests of an application."""

    def __init__(self, app):
        self.app, self.requests = app, []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            self.requests.append(f"{scope['method']} {scope['path']}")
        await self.app(scope, receive, send)


@pytest.fixture(params=STAND_INS)
async def converted(request, store):
    other = stand_in(request.param)
    counting = Counting(other.faults)
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(counting))
        table = other.settings(address) | {"visibility": "public"}
        settings = registry.settings_for("desk", table)
        desk = await stack.enter_async_context(registry.make("desk", settings, InProcess()))
        house = House(store, desk, other)
        house.threads.files = dict(FILES)
        house.threads.messages = [
            said(f"17000{n:05}.000100", f"message number {n:03}", BEN if n % 3 else ADA) for n in range(120)
        ]
        for n, file_id in enumerate(FILES):
            at = n * 40
            file = SlackFile(id=file_id, name=f"{file_id}.txt", size=len(FILES[file_id]))
            house.threads.messages[at] = with_files(house.threads.messages[at], file)
        yield request.param, house, counting


async def test_a_thread_of_120_messages_arrives_whole_with_as_few_calls_as_can_be(converted):
    kind, house, counting = converted
    department = next(iter(await _departments(house.desk)), "1")
    counting.requests.clear()
    work = OpenTicket(
        desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Long story", department=department
    )

    await house.intake.open_ticket("T1", work, once="view")
    await house.until(lambda: house.voice.cards, seconds=60)

    (ticket,) = await house.tickets()
    text = "\n".join(message.text for message in ticket.messages)
    expected = [f"message number {n:03}" for n in range(120)]
    assert [1] * 120 == [text.count(words) for words in expected]
    assert expected == sorted(expected, key=text.index)
    sent = sorted(hashlib.sha256(content).hexdigest() for content in FILES.values())
    assert sent == sorted(file.sha256 for message in ticket.messages for file in message.files)
    calls = list(counting.requests)
    print(f"{kind}: {len(calls)} requests: {', '.join(calls)}")  # noqa: T201 - a figure to be looked at with -s
    assert len(calls) <= CALLS[kind]


async def _departments(desk):
    if not desk.has(Capability.DEPARTMENTS):
        return []
    return [choice.id for choice in await desk.choices(ChoiceList.DEPARTMENTS)]
