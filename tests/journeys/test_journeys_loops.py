"""What could go round in a circle does not: two Threadlines, a bot that echoes, a desk that calls too often."""

import asyncio
import hashlib
import hmac
import json
import socket
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from bot.commands.demo import company
from bot.sandbox.demo import world
from bot.sandbox.slack.server import SlackServer
from bot.sandbox.slack.workspace import registered
from bot.settings import parse
from bot.slack.manifest import manifest_text, read
from bot.wiring import run
from tests.journeys.day import Plan, a_day

QUIET = 2.5
"""Seconds without a new message at either side; polls come every second."""
SECRET = "of the hook file"


def texts(day, case):
    """What stands in the thread and on the ticket, by text."""
    return [str(message.get("text", "")) for message in day.slack.replies(case.channel, case.ts)]


async def on_ticket(day, case):
    return [message.text for message in (await day.agents.ticket(case.ticket)).messages]


async def still(day, case):
    """Wait until nothing new came for a while; both sides then."""
    before: tuple[list[str], list[str]] = ([], [])
    for _ in range(30):
        now = (texts(day, case), await on_ticket(day, case))
        if now == before:
            return now
        before = now
        await asyncio.sleep(QUIET)
    raise AssertionError(f"it never ends: {len(before[0])} in the thread, {len(before[1])} on the ticket")


def holding(said, word):
    return sum(word in text for text in said)


async def eventually(look):
    for _ in range(300):
        if await look():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come about")


@asynccontextmanager
async def another_threadline(settings, environment):
    """A bot of its own, with a store of its own, until the block ends."""
    stop, ready = asyncio.Event(), asyncio.Event()
    bot = asyncio.create_task(run(parse(settings, environment, source="other"), stop=stop, ready=lambda _: ready.set()))
    await asyncio.wait({bot, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        await bot


@asynccontextmanager
async def a_case(tmp_path, kind="local", **more):
    """A day with one thread that has its ticket."""
    async with a_day(Plan(kind=kind), tmp_path) as day:
        for name, table in more.items():
            day.world.settings.setdefault(name, {}).update(table)
        day._settings = parse(day.world.settings, day.world.environment, source="loops")
        await day.start()
        await day._open(day.channels[0])
        assert [] == (await day._settled()).wrong
        yield day, day.cases[0]


async def test_two_threadlines_on_one_thread_and_one_ticket_do_not_answer_each_other(tmp_path):
    """Two workspaces have a thread each on one ticket: what is said anywhere is nowhere twice."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with a_case(tmp_path / "one") as (day, case), AsyncExitStack() as stack:
        around = await stack.enter_async_context(world("local", tmp_path / "two", workspace=company()))
        around.settings["desks"]["demo"] |= {"path": day.world.settings["desks"]["demo"]["path"]}
        await stack.enter_async_context(another_threadline(around.settings, around.environment))
        other, user = around.workspace, next(iter(day.people))
        root = await other.post(user, case.channel, "the same trouble here")
        number = (await day.agents.ticket(case.ticket)).number
        words = f"@threadline link {number}"
        await other.post(user, case.channel, words, thread_ts=root["ts"])
        there = lambda: [str(m.get("text", "")) for m in other.replies(case.channel, root["ts"])]  # noqa: E731

        async def linked():
            return any(f"Ticket {number}" in text for text in there())

        await eventually(linked)
        await other.post(user, case.channel, "from the second", thread_ts=root["ts"])
        await day.say(case)
        await day.agents.reply(case.ticket, "to both of you")

        async def heard():
            return holding(there(), "to both of you") and holding(texts(day, case), "to both of you")

        await eventually(heard)
        thread, ticket = await still(day, case)
        second = there()

        assert (1, 1) == (holding(ticket, "from the second"), holding(ticket, case.said[-1].text))
        assert (1, 1) == (holding(thread, "to both of you"), holding(second, "to both of you"))
        assert 1 >= holding(thread, "from the second")
        assert 1 >= holding(second, case.said[-1].text)


async def test_a_second_threadline_in_the_same_thread_is_not_linked_to_the_same_ticket(tmp_path):
    """Two apps in one workspace: the second knows the first by what stands beside its card, and says so to a person."""
    async with a_case(tmp_path) as (day, case), AsyncExitStack() as stack:
        other = day.slack.another_app("threadline-2", **registered(read(manifest_text())))
        server = SlackServer(other)
        await stack.enter_async_context(server.serve())
        settings = {**day.world.settings, "slack": {"mode": "socket", "api_url": server.api_url}}
        settings |= {"redis": {"data_dir": str(tmp_path / "other")}}
        await stack.enter_async_context(another_threadline(settings, day.world.environment))
        user, number = next(iter(day.people)), (await day.agents.ticket(case.ticket)).number
        words = f"@threadline-2 link {number}"
        await other.post(user, case.channel, words, thread_ts=case.ts)

        async def told():
            return other.ephemerals(user, case.channel)[1:]  # the first says that it is being linked

        await eventually(told)
        for _ in range(3):
            await day.say(case)
            await day.answer(case)
        await day.agents.reply(case.ticket, "polly wants a cracker")
        assert [] == (await day._settled()).wrong
        thread, ticket = await still(day, case)

        assert "another Threadline" in other.ephemerals(user, case.channel)[-1]["text"]
        assert {} == {method: times for method, times in server.calls.items() if method == "chat.postMessage"}
        assert 1 == holding(thread, "polly wants a cracker")
        assert len(ticket) == len(set(ticket))


async def test_a_bot_that_echoes_every_message_makes_no_loop(tmp_path):
    """It repeats what people, Threadline and the desk's agents say; its own words reach no ticket."""
    async with a_case(tmp_path) as (day, case):
        seen = {message["ts"] for message in day.slack.replies(case.channel, case.ts)}
        echoes = 0

        async def echo():
            nonlocal echoes
            while True:
                for message in day.slack.replies(case.channel, case.ts):
                    if message["ts"] not in seen and message.get("username") != "parrot" and echoes < 200:
                        echoes += 1
                        words = f"ECHO {message.get('text', '')}"
                        await day.slack.post_as_app(case.channel, "parrot", words, thread_ts=case.ts)
                    seen.add(message["ts"])
                await asyncio.sleep(0.05)

        parrot = asyncio.create_task(echo())
        await day.say(case)
        await day.answer(case)
        await day.agents.reply(case.ticket, "polly wants a cracker")

        async def heard():
            return holding(texts(day, case), "ECHO") >= 2

        await eventually(heard)
        thread, ticket = await still(day, case)
        parrot.cancel()
        wrong = (await day.compare()).wrong

        assert [] == wrong
        assert 0 == holding(ticket, "ECHO")
        assert [1] == [times for text, times in Counter(thread).items() if "polly" in text and "ECHO" not in text]
        assert echoes == holding(thread, "ECHO") <= 4


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_webhooks_that_come_three_times_and_out_of_order_bring_each_answer_once(tmp_path):
    """Old calls come after new ones, all of them three times and at once."""
    listen = f"127.0.0.1:{free_port()}"
    async with a_day(Plan(kind="whmcs"), tmp_path) as day, httpx.AsyncClient() as client:
        day.world.settings["desks"]["demo"] |= {"webhook_secret": SECRET}
        day._settings = parse(day.world.settings | {"hooks": {"listen": listen}}, day.world.environment, source="loops")
        await day.start()
        await day._open(day.channels[0])
        assert [] == (await day._settled()).wrong
        case = day.cases[0]

        async def call(ids):
            body = json.dumps({"tickets": ids}).encode()
            signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            headers = {"x-threadline-signature": signature}
            return (await client.post(f"http://{listen}/hooks/demo", content=body, headers=headers)).status_code

        for _ in range(4):
            await day.answer(case)
        calls = [[case.ticket], [case.ticket, "999"], ["998"], [case.ticket]] * 3
        statuses = set(await asyncio.gather(*(call(ids) for ids in reversed(calls))))
        await day.answer(case)
        statuses |= set(await asyncio.gather(*(call(ids) for ids in calls)))
        await still(day, case)
        wrong = (await day.compare()).wrong

        assert {200} == statuses
        assert [] == wrong


async def test_two_edits_within_a_second_both_count(tmp_path):
    """Slack's own stamp of an edit has whole seconds, so it cannot say which of two is the later one."""
    async with a_case(tmp_path) as (day, case):
        await day.say(case)
        assert [] == (await day._settled()).wrong
        now = day.slack.state.clock()
        day.slack.state.clock = lambda: now
        for _ in range(3):
            case.said[-1].version += 1
            user = next(user for user, name in day.people.items() if name == case.said[-1].author)
            await day.slack.edit(user, case.channel, case.said[-1].ts, f"{case.said[-1].text} as I meant it")

        assert [] == (await day._settled()).wrong
