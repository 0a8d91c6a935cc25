"""What a person waits for: /ticket until views.open has reached Slack, and the lists of a form."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from bench.load import form
from bench.measuring import Figure, Line, child, median, quantile
from bench.office import Office, Wire, office
from bot.slack.ids import Action, Block

CATEGORIES = 10_000
TYPED = ("", "cat", "Category 77", "gory 123", "nothing of that name")
SETTLE = 0.005
"""Seconds between two gestures, in which the form of the one before is filled."""


async def slash(*, seconds: float, rounds: int = 3) -> list[Line]:
    """`/ticket` through our door and through stock Bolt's, in turn."""
    async with office() as place, place.bot("front"):
        opened = place.note_calls("views.open")
        stock = {"secret": place.secret, "token": place.world.workspace.bot_token, "api": place.world.slack.api_url}
        async with child("bolt_command", **stock) as theirs:
            runs: dict[str, list[list[float]]] = {"ours": [], "stock": []}
            for _ in range(rounds):
                runs["ours"].append(await _commands(place, place.address, opened, seconds))
                runs["stock"].append(await _commands(place, theirs.said, opened, seconds))
            counts = await _counted(place, opened)
        return _slash_lines(runs, counts)


async def _commands(place: Office, address: str, opened: list[float], seconds: float) -> list[float]:
    """Seconds from sending the command to Slack having views.open, one command after the other."""
    wire, until, took = await Wire.to(address), time.perf_counter() + seconds, list[float]()
    try:
        while time.perf_counter() < until:
            request = _command(place)
            opened.clear()
            began = time.perf_counter()
            await wire.send(request)
            async with asyncio.timeout(5):
                while not opened:  # noqa: ASYNC110 - stock Bolt answers before it
                    await asyncio.sleep(0.001)
            took.append(opened[0] - began)
            await asyncio.sleep(SETTLE)
            place.world.workspace.views.stacks.clear()
    finally:
        wire.close()
    return took[len(took) // 10 :]  # the first ones connect and import


def _command(place: Office) -> bytes:
    workspace, tom = place.world.workspace, place.person("tom")
    fields = {
        "token": "x",
        "team_id": workspace.team_id,
        "team_domain": "kestrel",
        "channel_id": place.channel("it-help"),
        "channel_name": "it-help",
        "user_id": tom,
        "user_name": "tom",
        "command": "/ticket",
        "text": "printer is on fire",
        "api_app_id": workspace.state.app_id,
        "is_enterprise_install": "false",
        "response_url": workspace.response_urls.make(tom, place.channel("it-help"), kind="commands"),
        "trigger_id": workspace.views.trigger(tom),
    }
    return form(fields, secret=place.secret)


async def _counted(place: Office, opened: list[float]) -> tuple[int, int]:
    """Commands to Redis for one /ticket: until views.open, and until its form is filled."""
    async with place.store.counting() as seen:
        wire = await Wire.to(place.address)
        await asyncio.sleep(0.2)
        seen.clear()
        opened.clear()
        watching = asyncio.create_task(_at_open(opened, lambda: sum(seen.values())))
        await wire.send(_command(place))
        before = await watching
        await asyncio.sleep(0.3)
        wire.close()
        return before, sum(seen.values())


async def _at_open(opened: list[float], count: Callable[[], int]) -> int:
    while not opened:  # noqa: ASYNC110 - the list is filled by the pretend Slack
        await asyncio.sleep(0)
    await asyncio.sleep(0.002)  # what was sent before is on the monitor's line by then
    return count()


def _slash_lines(runs: dict[str, list[list[float]]], counts: tuple[int, int]) -> list[Line]:
    def p(who: str, share: float) -> float:
        return 1e3 * median([quantile(run, share) for run in runs[who]])

    made = sum(len(run) for run in runs["ours"])
    return [
        Figure(
            row="slash",
            what="/ticket until Slack has views.open, p50",
            value=p("ours", 0.5),
            unit="ms",
            ratio=p("ours", 0.5) / p("stock", 0.5),
            against="stock Bolt",
            goal="at most 1 round trip to Redis",
            more={"p99_ms": p("ours", 0.99), "pressed": made, "redis_before_open": counts[0], "redis_all": counts[1]},
        ),
        Figure(
            row="slash",
            what="stock Bolt doing nothing else, p50",
            value=p("stock", 0.5),
            unit="ms",
            more={"p99_ms": p("stock", 0.99)},
        ),
    ]


async def options(*, seconds: float, rounds: int = 3) -> list[Line]:
    """A list of ten thousand departments while somebody types."""
    names = [f"Category {number}" for number in range(CATEGORIES)]
    async with office(desk={"departments": names}) as place, place.bot("front"):
        cold = await _suggest(place, 0)
        runs = [await _suggest(place, seconds) for _ in range(rounds)]
        return [
            Figure(
                row="options",
                what=f"options from the cache, {CATEGORIES:,} categories, p50",
                value=1e3 * median([quantile(run, 0.5) for run in runs]),
                unit="ms",
                goal="p99 < 300 ms",
                more={
                    "p99_ms": 1e3 * median([quantile(run, 0.99) for run in runs]),
                    "first_ms": 1e3 * cold[0],
                    "asked": sum(map(len, runs)),
                },
            )
        ]


async def _suggest(place: Office, seconds: float) -> list[float]:
    wire, took, until = await Wire.to(place.address), list[float](), time.perf_counter() + seconds
    try:
        while not took or time.perf_counter() < until:
            typed = TYPED[len(took) % len(TYPED)]
            request = form({"payload": json.dumps(_suggestion(place, typed))}, secret=place.secret)
            began = time.perf_counter()
            answer = json.loads(await wire.send(request))
            took.append(time.perf_counter() - began)
            if bool(answer["options"]) != (typed != TYPED[-1]):
                raise RuntimeError(f"{len(answer['options'])} options for {typed!r}")
    finally:
        wire.close()
    return took


def _suggestion(place: Office, typed: str) -> dict[str, Any]:
    workspace, tom = place.world.workspace, place.person("tom")
    return {
        "type": "block_suggestion",
        "team": {"id": workspace.team_id, "domain": "kestrel"},
        "user": {"id": tom, "name": "tom", "team_id": workspace.team_id},
        "container": {"type": "view", "view_id": "V0BENCH"},
        "api_app_id": workspace.state.app_id,
        "action_id": str(Action.DEPARTMENT),
        "block_id": f"{Block.DEPARTMENT}:demo",
        "value": typed,
        "view": {"id": "V0BENCH", "type": "modal", "callback_id": "ticket", "state": {"values": {}}, "blocks": []},
    }
