"""`threadline doctor`: looks at everything that Threadline needs, and says what to do about what is not well."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import typer

from adapters import registry
from adapters.errors import AdapterError
from adapters.model import Finding
from adapters.shared import InProcess
from bot.commands.console import findings, print_json
from bot.commands.opening import settings_at, store_of
from bot.conversion.ports import SlackRefused, SlackTrouble, StoreAway
from bot.settings import Settings, SettingsError
from bot.slack.manifest import scopes
from bot.slack.web import Web
from bot.store.durability import durability
from bot.store.personal import unreadable
from bot.store.rights import rights
from bot.store.server import ROOM, room
from bot.store.store import Store


def doctor(config: Path | None, *, as_json: bool) -> None:
    """Print every finding; exit code 1 where one is not well."""
    settings = settings_at(config, as_json=as_json)

    async def work() -> list[Finding]:
        return [finding async for finding in examine(settings)]

    found = asyncio.run(work())
    if as_json:
        print_json({"ok": all(line.ok for line in found), "findings": found})
    well = all(line.ok for line in found) if as_json else findings(found)
    if not well:
        raise typer.Exit(1)


async def examine(settings: Settings, *, running: bool = False) -> AsyncIterator[Finding]:
    """Every finding, in the order in which a person would look.

    *running*: Threadline just connected, so that is not tried: Slack opens one connection a minute.
    """
    yield Finding(subject="Settings", ok=True, detail=f"read; desks: {', '.join(settings.desks)}")
    for finding in await redis(settings):
        yield finding
    for finding in await slack(settings, connects=not running):
        yield finding
    for name in settings.desks:
        for finding in await desk(settings, name):
            yield finding


async def redis(settings: Settings) -> list[Finding]:
    """Whether the store answers, and keeps what it is given."""
    try:
        async with store_of(settings) as store:
            return [
                *_answers(store),
                *await durability(store.connection, store.url),
                await rights(store.connection, replicas=settings.redis.replicas),
                await _texts(store, settings),
                *await _left_behind(store, settings),
            ]
    except (StoreAway, SettingsError) as error:
        return [_in_two("Redis", str(error))]


def _answers(store: Store) -> list[Finding]:
    """Which server answers: each directory has one of our own, and a user or THREADLINE_DATA leads to another."""
    if store.directory is None:
        return [Finding(subject="Redis", ok=True, detail="the server at REDIS_URL answers")]
    alone = " (started just now: no Threadline runs with it)" if store.server_started else ""
    free = room(store.directory)
    return [
        Finding(subject="Redis", ok=True, detail=f"Threadline's own server in {store.directory} answers{alone}"),
        Finding(
            subject="Redis disk",
            ok=free >= ROOM,
            detail=f"{free:.0f} MB are free on the disk of Threadline's own server",
            remedy="Make room on it: where it is full, the server ends, and nothing is taken from Slack.",
        ),
    ]


def _in_two(subject: str, words: str) -> Finding:
    """What is not well, from *words* that say in their first sentence what, and then what to do."""
    what, _, remedy = words.partition(". ")
    return Finding(subject=subject, ok=False, detail=f"{what.rstrip('.')}.", remedy=remedy)


async def _texts(store: Store, settings: Settings) -> Finding:
    """Whether all that is stored can be read with the keys that we have."""
    closed = await unreadable(store, settings.desks)
    return Finding(
        subject="Texts in Redis",
        ok=not closed,
        detail=f"{closed} records cannot be read with the keys that are here"
        if closed
        else "encrypted with THREADLINE_KEY"
        if settings.text_keys
        else "not encrypted (THREADLINE_KEY does that)",
        remedy="Give every process the key that they were written with, in THREADLINE_KEY after the new one; "
        "until then they are left as they are.",
    )


async def _left_behind(store: Store, settings: Settings) -> list[Finding]:
    """The desks that threads are linked to and the settings do not have (any more)."""
    threads = Counter([link.desk async for link in store.links.all()])
    return [
        Finding(
            subject=f"Desk {name}",
            ok=False,
            detail=f"the settings have no [desks.{name}], and {count} of its tickets are linked; what people write in "
            "those threads waits",
            remedy=f"Put [desks.{name}] back, under the name that it had, and start again. To let its threads go, use "
            "`threadline links list` and `threadline links remove`: what waits is then not sent, and who wrote it is "
            "told.",
        )
        for name, count in sorted(threads.items())
        if name not in settings.desks
    ]


async def slack(settings: Settings, *, connects: bool = True) -> list[Finding]:
    """Tokens, scopes, the way in, and whether the clocks agree."""
    missing = settings.missing_secrets()
    if missing:
        return [_in_two("Slack", sentence) for sentence in missing]
    env = settings.environment
    async with AsyncExitStack() as stack:
        token = env.slack_bot_token.get_secret_value()
        web = await stack.enter_async_context(Web(token, api_url=settings.slack.api_url))
        try:
            us = await web.identity()
        except (SlackRefused, SlackTrouble) as error:
            return [_slack_failure("Slack, bot token", error)]
        lines = [Finding(subject="Slack, bot token", ok=True, detail=f"is for the workspace {us.team or us.team_id}")]
        lines.append(_scopes(web.scopes))
        if settings.slack.mode == "socket" and connects:
            lines.append(await _socket(web, env.slack_app_token.get_secret_value()))
        lines.append(_clock(web))
        for name, table in settings.desks.items():
            lines += [await _agents(web, name, channel) for channel in table.agents_channel.channels]
        return lines


def _scopes(given: frozenset[str]) -> Finding:
    if not given:
        return Finding(subject="Slack, scopes", ok=True, detail="not told by Slack")
    lacking = sorted(scopes() - given)
    if not lacking:
        return Finding(subject="Slack, scopes", ok=True, detail="all that the manifest asks for")
    return Finding(
        subject="Slack, scopes",
        ok=False,
        detail=f"the token lacks {', '.join(lacking)}",
        remedy="Add them under OAuth & Permissions (`threadline manifest` has them all) and install the app again.",
    )


async def _socket(web: Web, token: str) -> Finding:
    try:
        await web.call("apps.connections.open", token=token)
    except (SlackRefused, SlackTrouble) as error:
        return _slack_failure("Slack, app token", error)
    return Finding(subject="Slack, app token", ok=True, detail="opens Socket Mode connections")


async def _agents(web: Web, desk: str, channel: str) -> Finding:
    """Whether we may post in an agents' channel, and only our own company reads it."""
    subject = f"Slack, agents' channel of {desk}"
    try:
        info = (await web.call("conversations.info", channel=channel)).get("channel") or {}
    except (SlackRefused, SlackTrouble) as error:
        return _slack_failure(subject, error)
    name = f"#{info.get('name') or channel}"
    if not info.get("is_member"):
        remedy = f"Write /invite @Threadline in {name}."
        return Finding(subject=subject, ok=False, detail=f"Threadline is not in {name}", remedy=remedy)
    shared = bool(info.get("is_ext_shared"))
    remedy = "Choose one that only your company reads: nothing is posted there."
    return Finding(subject=subject, ok=not shared, detail=f"{name}{' is shared' if shared else ''}", remedy=remedy)


def _clock(web: Web) -> Finding:
    """Signatures are good for five minutes, so a clock that is off makes Slack's requests look forged."""
    off = abs(web.skew.total_seconds())
    limit = 60.0
    return Finding(
        subject="Clock",
        ok=off <= limit,
        detail=f"this machine and Slack differ by {off:.0f} seconds",
        remedy="Set this machine's clock, best by NTP: Slack's requests are refused when it is off by five minutes.",
    )


def _slack_failure(subject: str, error: SlackRefused | SlackTrouble) -> Finding:
    if isinstance(error, SlackRefused):
        return Finding(subject=subject, ok=False, detail=f"Slack refuses it ({error.code})", remedy=error.words)
    if error.code == "ratelimited":
        remedy = "Try again in a minute; a Threadline that has just been started waits by itself."
        return Finding(subject=subject, ok=False, detail="Slack wants us to wait (ratelimited)", remedy=remedy)
    remedy = "Check that this machine reaches Slack (and api_url, if you set one), and try again."
    return Finding(subject=subject, ok=False, detail=f"Slack does not answer ({error.code})", remedy=remedy)


async def desk(settings: Settings, name: str) -> list[Finding]:
    """What the desk's own adapter finds."""
    try:
        async with registry.make(name, settings.desks[name], InProcess()) as adapter:
            found = await adapter.check()
    except AdapterError as error:
        return [Finding(subject=f"Desk {name}", ok=False, detail=error.cause, remedy=error.remedy)]
    return [
        Finding(subject=f"Desk {name}, {line.subject}", ok=line.ok, detail=line.detail, remedy=line.remedy)
        for line in found
    ]
