"""What is asked at the same moment goes to the server as one, and each who asked hears of their own."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bot.conversion.ports import StoreAway
from bot.store.connection import Connection
from bot.store.together import Together


class Server:
    """Answers each command with itself, once it is let."""

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []
        self.open = asyncio.Event()
        self.trouble: Exception | None = None

    async def send(self, commands: Any) -> list[Any]:
        self.sent.append(list(commands))
        await self.open.wait()
        if self.trouble:
            raise self.trouble
        return [" ".join(command) for command in commands]


async def test_what_is_asked_at_one_moment_goes_as_one():
    server = Server()
    together = Together(server.send)
    server.open.set()

    answers = await asyncio.gather(together.ask([("GET", "a"), ("GET", "b")]), together.ask([("GET", "c")]))

    assert (["GET a", "GET b"], ["GET c"]) == tuple(answers)
    assert [[("GET", "a"), ("GET", "b"), ("GET", "c")]] == server.sent


async def test_what_is_asked_later_does_not_wait_for_what_is_under_way():
    server = Server()
    together = Together(server.send)

    early = asyncio.create_task(together.ask([("GET", "a")]))
    while not server.sent:  # noqa: ASYNC110 - it is one turn of the loop
        await asyncio.sleep(0)
    late = asyncio.create_task(together.ask([("GET", "b")]))
    await asyncio.sleep(0.01)
    assert [[("GET", "a")], [("GET", "b")]] == server.sent
    server.open.set()

    assert (["GET a"], ["GET b"]) == (await early, await late)


async def test_trouble_reaches_all_who_asked_together():
    server = Server()
    server.trouble = RedisConnectionError("lost")
    server.open.set()
    together = Together(server.send)

    raised = await asyncio.gather(*(together.ask([("GET", name)]) for name in "abc"), return_exceptions=True)

    assert [server.trouble] * 3 == raised


async def test_who_waits_no_longer_does_not_take_the_answer_from_others():
    server = Server()
    together = Together(server.send)
    gone, other = (asyncio.create_task(together.ask([("GET", name)])) for name in "ab")
    while not server.sent:  # noqa: ASYNC110 - it is one turn of the loop
        await asyncio.sleep(0)

    gone.cancel()
    server.open.set()

    assert ["GET b"] == await other
    assert gone.cancelled()


async def test_a_command_that_cannot_be_written_is_the_trouble_of_its_asker_alone(store):
    connection: Connection = store.connection

    answers: Any = await asyncio.gather(
        connection.do("SET", "tk:once:a", "\ud800"),
        connection.do("SET", "tk:once:b", "1"),
        connection.do("GET", "tk:once:b"),
        return_exceptions=True,
    )

    assert (UnicodeEncodeError, [True, "1"]) == (type(answers[0]), list(answers[1:]))


async def test_a_refusal_is_the_trouble_of_its_asker_alone(store):
    connection: Connection = store.connection

    answers: Any = await asyncio.gather(
        connection.do("HGET", "not", "enough", "or", "too", "many"),
        connection.do("SET", "tk:once:b", "1"),
        return_exceptions=True,
    )

    assert (StoreAway, True) == (type(answers[0]), answers[1])


async def test_who_still_waits_at_the_end_hears_of_it():
    server = Server()
    together = Together(server.send)
    waiting = asyncio.create_task(together.ask([("GET", "a")]))
    while not server.sent:  # noqa: ASYNC110 - it is one turn of the loop
        await asyncio.sleep(0)

    await together.aclose()

    with pytest.raises(RedisConnectionError):
        await waiting
