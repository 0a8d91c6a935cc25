"""Where the rooms meet: settings in, a running Threadline out."""

import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from starlette.types import ASGIApp

from adapters import registry
from adapters.contract import Capability, TicketAdapter
from bot import words
from bot.conversion.catalogue import Catalogue
from bot.conversion.intake import Intake
from bot.conversion.ops import poll_op
from bot.conversion.ports import NoSuchDesk, StoreAway
from bot.conversion.rooms import Rooms
from bot.conversion.tasks import ended
from bot.conversion.worker import Worker
from bot.doors import metrics
from bot.doors.hooks import PATH as HOOKS_PATH, Hooks, beside
from bot.doors.metrics import Figures
from bot.doors.operator import Readiness, operator_app
from bot.serving import serving
from bot.settings import Settings, SettingsError
from bot.slack import policy
from bot.slack.allowance import Allowance, Kind, Most
from bot.slack.app import SlackApp, build_app
from bot.slack.batch import StoreFirst
from bot.slack.files import Files
from bot.slack.front import Front
from bot.slack.limits import EVENTS_PATH
from bot.slack.people import People
from bot.slack.socket import SocketMode
from bot.slack.threads import SlackThreads
from bot.slack.views.card import card
from bot.slack.views.notices import notice
from bot.slack.voice import Receipts, SlackVoice
from bot.slack.web import Web
from bot.store.cipher import Cipher
from bot.store.store import Store

log = logging.getLogger("threadline")

SWEEP = timedelta(minutes=15)
"""How often each linked thread is compared with what came of it."""
Role = Literal["all", "front", "worker"]


@dataclass(frozen=True, slots=True)
class DeskBook:
    """The desks of the settings, entered."""

    desks: dict[str, TicketAdapter[Any]]

    def get(self, name: str) -> TicketAdapter[Any]:
        """A desk by its name in the settings. Raises NoSuchDesk."""
        if name not in self.desks:
            raise NoSuchDesk(name)
        return self.desks[name]

    def names(self) -> tuple[str, ...]:
        """All names, in the order of the settings."""
        return tuple(self.desks)

    def for_channel(self, channel: str) -> str:
        """The desk that names *channel*, else the default one, else the first."""
        for name, desk in self.desks.items():
            if channel in desk.settings.channels:
                return name
        return next((name for name, desk in self.desks.items() if desk.settings.default), next(iter(self.desks)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Threadline:
    """Everything assembled, nothing running yet."""

    settings: Settings
    store: Store
    web: Web
    app: SlackApp
    rooms: Rooms
    door: StoreFirst
    worker: Worker
    catalogue: Catalogue
    desks: DeskBook
    intake: Intake
    team: str
    hooks: Hooks
    figures: Figures

    async def watch_desks(self) -> None:
        """Have each desk that can tell what changed asked for it, for as long as anybody runs."""
        asked = [name for name, desk in self.desks.desks.items() if desk.has(Capability.CHANGED_SINCE)]
        await self.store.lanes.add([poll_op(self.team, name) for name in asked])


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings."""
    data_dir = Path(settings.data_dir) if settings.data_dir else None
    lease = timedelta(seconds=settings.work.lease)
    cipher, replicas = Cipher(settings.text_keys), settings.redis.replicas
    async with Store.open(settings.redis_url, data_dir, lease=lease, replicas=replicas, cipher=cipher) as store:
        yield store


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Threadline]:
    """Threadline with these settings, connected to its store and to Slack's Web API.

    Raises:
        SettingsError: a secret is missing.
        SlackRefused, SlackTrouble: Slack does not know the token, or does not answer.
        StoreAway, NoServer: there is no store.
        Misconfigured: a desk's settings cannot work.
    """
    if missing := settings.missing_secrets():
        raise SettingsError(missing)
    env = settings.environment
    words.settle(settings.slack.language)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(settings))
        web = await stack.enter_async_context(
            Web(env.slack_bot_token.get_secret_value(), api_url=settings.slack.api_url)
        )
        identity = await web.identity()
        desks = DeskBook(
            {
                name: await stack.enter_async_context(registry.make(name, desk, store.shared))
                for name, desk in settings.desks.items()
            }
        )
        threads = SlackThreads(
            web,
            People(web, guest_emails=settings.slack.guest_emails),
            Files(web, most=settings.limits.file_megabytes * 1024**2),
        )
        intake = Intake(store.lanes, store.links, store.shared)
        catalogue = Catalogue(desks)
        stack.push_async_callback(catalogue.aclose)
        app = build_app(
            web=web,
            identity=identity,
            intake=intake,
            links=store.links,
            lanes=store.lanes,
            desks=desks,
            threads=threads,
            catalogue=catalogue,
            scratch=store.scratch,
            reactions=settings.slack.reactions,
            rights=rights_of(settings) or policy.DEFAULT,
            requesters=settings.requesters,
            allowance=Allowance(store.scratch, limits_of(settings)),
            secret=env.slack_signing_secret.get_secret_value() or env.slack_bot_token.get_secret_value(),
        )
        voice = SlackVoice(web, card_view=card, failure_view=notice, receipts=_receipts(settings))
        rooms = Rooms(
            lanes=store.lanes,
            links=store.links,
            breakers=store.breakers,
            desks=desks,
            threads=threads,
            voice=voice,
            events=app,
            mappings=store.mappings,
            thread_messages=settings.limits.thread_messages,
        )
        worker = Worker(
            rooms,
            at_once=settings.work.at_once,
            heartbeat=settings.work.lease / 3,
            written=partial(_written, store),
        )
        door = StoreFirst(store.lanes.add_gathered, app.interaction, held_back=intake.sweep)
        hooks = Hooks(desks, store.links, store.lanes)
        counters: dict[metrics.Metric, Counter[Any]] = {
            metrics.EVENTS: door.taken,
            metrics.SLACK: web.outcomes,
            metrics.WORK: rooms.noted,
            metrics.HOOKS: hooks.answers,
            metrics.LOGGED: stack.enter_context(metrics.LoggedLines()).counts,
        }
        yield Threadline(
            settings=settings,
            store=store,
            web=web,
            app=app,
            rooms=rooms,
            door=door,
            worker=worker,
            catalogue=catalogue,
            desks=desks,
            intake=intake,
            team=identity.team_id,
            hooks=hooks,
            figures=_figures(rooms, store, counters),
        )


def _figures(rooms: Rooms, store: Store, counters: Mapping[metrics.Metric, Counter[Any]]) -> Figures:
    """What the metrics are made of."""

    async def away() -> dict[str, float]:
        return {name: float(await store.breakers.fails(name)) for name in rooms.desks.names()}

    return Figures(
        counters=counters,
        backlog=store.lanes.backlog,
        away=away,
        store=partial(_written, store),
        trouble=(StoreAway, TimeoutError),
    )


async def _written(store: Store) -> None:
    """Have the store take a write: one that has no memory left, or became a replica, answers and takes none.

    It refuses that also where the key is still there, so it writes once in a minute at most. Raises StoreAway.
    """
    await store.scratch.once("ready", timedelta(minutes=1))


def rights_of(settings: Settings) -> tuple[policy.Right, ...]:
    """The rights of the settings, for the Slack room."""
    return tuple(
        policy.Right(
            who=frozenset(row.who),
            may=frozenset(map(policy.Gesture, row.may)),
            desks=frozenset(row.desks),
            channels=frozenset(row.channels),
            tickets=policy.REACHES[row.tickets],
        )
        for row in settings.rights
    )


def limits_of(settings: Settings) -> dict[Kind, Most]:
    """The limits of the settings, for the Slack room."""
    limits = settings.limits.model_dump()
    return {
        kind: Most(**{who: limits[f"{kind}_per_{who}"] for who in ("person", "channel", "workspace")}) for kind in Kind
    }


def _receipts(settings: Settings) -> Receipts:
    slack = settings.slack
    if slack.receipts == "silent":
        return Receipts(waiting="", delivered="", failed="")
    return Receipts(
        words=slack.receipts == "text", waiting=slack.waiting, delivered=slack.delivered, failed=slack.failed
    )


async def run(
    settings: Settings, *, role: Role = "all", stop: asyncio.Event, ready: Callable[[str], None] = lambda _: None
) -> None:
    """Run until *stop* is set, then finish what is in hand; *ready* is told in words when Slack may send.

    Raises: what `assembled` raises.
    """
    async with assembled(settings) as threadline, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        state = Readiness(partial(_written, threadline.store), trouble=StoreAway, front=role != "worker")
        figures = replace(threadline.figures, slack=state.connected if role != "worker" else None)
        if directory := threadline.store.directory:
            log.info("keeps everything in a server of its own", extra={"directory": str(directory)})
        await _operator_door(stack, threadline.settings, operator_app(state.troubles, figures))
        await threadline.watch_desks()
        collect_seldom()
        if role != "front":
            group.create_task(_ends_all(_work(threadline, stop), stop))
            group.create_task(_ends_all(_sweep(threadline, stop), stop))
        if role != "worker":
            group.create_task(_ends_all(_listen(threadline, stop, ready, state), stop))
            group.create_task(threadline.catalogue.warm())
        else:
            ready("works on what the fronts have stored")


def collect_seldom() -> None:
    """Spare the collector of garbage what it looks through again and again."""
    gc.freeze()  # what is there by now stays
    gc.set_threshold(20_000, 50, 100)  # one message alone makes more than the usual 700; few of them are in rings


async def _operator_door(stack: AsyncExitStack, settings: Settings, app: ASGIApp) -> None:
    """Health and metrics. Another process on this machine may have the address; that is no reason not to work."""
    if listen := settings.operator.listen:
        try:
            await _serve(stack, app, listen)
        except OSError as error:
            where = {"listen": listen, "error": type(error).__name__}
            log.warning("no health and metrics: the address in [operator] listen cannot be had", extra=where)


async def _serve(stack: AsyncExitStack, app: ASGIApp, listen: str) -> str:
    """Serve *app* at an address of the settings as long as *stack* is open. Raises OSError, which names the address."""
    host, _, port = listen.rpartition(":")
    served = serving(app, host=host.strip("[]"), port=int(port), drain=int(DRAIN))
    try:
        return await stack.enter_async_context(served)
    except OSError as error:
        raise OSError(error.errno, error.strerror, listen) from error


async def _ends_all(part: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Run a part without which the others make no sense: however it ends, all are told to stop.

    Cancelling is not enough: a client library in the middle of a connection attempt may swallow it.
    """
    try:
        await part
    finally:
        stop.set()


async def _sweep(threadline: Threadline, stop: asyncio.Event) -> None:
    """Look every now and then for what Slack never delivered; one process does it for all."""
    while not stop.is_set():
        await _unless(stop, _swept(threadline))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SWEEP.total_seconds() / 10)


async def _swept(threadline: Threadline) -> None:
    with contextlib.suppress(StoreAway):
        if await threadline.store.scratch.once("sweep", SWEEP):
            await threadline.intake.sweep()


async def _work(threadline: Threadline, stop: asyncio.Event) -> None:
    worker = asyncio.create_task(threadline.worker.run())
    try:
        await _either(worker, stop)
    finally:  # also where something else broke: what is in hand is finished, and the store is closed after that
        threadline.worker.stop()
        await worker


async def _either(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait until *task* has ended or *stop* is set."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do *work* unless *stop* is set before its end: a store that hangs would hold up the stop for minutes."""
    task = asyncio.create_task(work)
    await _either(task, stop)
    await (task if task.done() else ended(task))


async def _listen(threadline: Threadline, stop: asyncio.Event, ready: Callable[[str], None], state: Readiness) -> None:
    listen = _socket if threadline.settings.slack.mode == "socket" else _http
    async with AsyncExitStack() as stack:
        if address := threadline.settings.hooks.listen:
            await _serve(stack, threadline.hooks, address)
            log.info("listens for helpdesks", extra={"listen": address, "path": HOOKS_PATH})
        await listen(threadline, stop, ready, state)
    await threadline.app.drain(DRAIN)


DRAIN = 5.0
"""Seconds that answers in hand are given when Threadline stops."""


async def _socket(threadline: Threadline, stop: asyncio.Event, ready: Callable[[str], None], state: Readiness) -> None:
    token = threadline.settings.environment.slack_app_token.get_secret_value()
    socket = SocketMode(token, threadline.web, threadline.door, connections=2, on_reconnect=threadline.intake.sweep)
    starting = asyncio.create_task(socket.start())
    await _either(starting, stop)
    if not starting.done():  # told to stop while Slack has us wait
        starting.cancel()
        await asyncio.wait({starting})
        return
    await starting
    state.slack = socket.is_connected
    ready("is connected to Slack by Socket Mode")
    running = asyncio.create_task(socket.run())
    try:
        await _unless(stop, _look_back(threadline))
        await _either(running, stop)
    finally:
        await socket.stop(DRAIN)
        await running


async def _http(threadline: Threadline, stop: asyncio.Event, ready: Callable[[str], None], state: Readiness) -> None:
    secret = threadline.settings.environment.slack_signing_secret.get_secret_value()
    front = Front(secret, threadline.door, once=threadline.store.scratch.once, counts=threadline.door.taken)
    async with AsyncExitStack() as stack:
        address = await _serve(stack, beside(front, threadline.hooks), threadline.settings.slack.listen)
        state.slack = _listening
        ready(f"listens for Slack at {address}{EVENTS_PATH}")
        await _unless(stop, _look_back(threadline))
        await stop.wait()
    await front.drain(DRAIN)


async def _look_back(threadline: Threadline) -> None:
    """Have the threads read for what was written while nobody listened, however short that was."""
    with contextlib.suppress(StoreAway):  # then the next sweep finds it
        await threadline.intake.sweep()


async def _listening() -> bool:
    return True
