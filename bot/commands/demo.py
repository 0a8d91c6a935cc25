"""`threadline demo`: the true bot between a pretend Slack and a desk, with a page; or its journey as a transcript."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.commands.console import err, fail, out
from bot.commands.journey import Journey, Wrong
from bot.commands.logs import start_logging
from bot.sandbox.demo import KINDS, World, world
from bot.sandbox.slack.workspace import Workspace, registered
from bot.settings import parse
from bot.slack.addresses import hosts
from bot.slack.manifest import manifest_text, read
from bot.wiring import run
from bot.words import ENGLISH, LANGUAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A running demo: the world around the bot, and the page's address (empty without a page)."""

    world: World
    url: str


def company() -> Workspace:
    """The demo company, with our app installed as manifest.yml says."""
    return Workspace.demo(**registered(read(manifest_text())))


@asynccontextmanager
async def running(
    kind: str,
    *,
    port: int | None = 0,
    workspace: Workspace | None = None,
    delivery: Literal["socket", "http"] = "socket",
    listen: str = "",
    language: str = ENGLISH,
) -> AsyncIterator[Demo]:
    """The whole demo, bot included, until the block ends; *port* None leaves the page out."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-demo-")))
        around = await stack.enter_async_context(
            world(kind, folder, workspace=workspace or company(), delivery=delivery, listen=listen)
        )
        slack = {**around.settings["slack"], "language": language}
        settings = parse({**around.settings, "slack": slack}, around.environment, source="demo")
        around.workspace.events.domains = hosts(desk.ticket_address for desk in settings.desks.values())
        stop, ready = asyncio.Event(), asyncio.Event()
        bot = asyncio.create_task(run(settings, stop=stop, ready=lambda _: ready.set()))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({bot, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if bot.done():
            await bot
        url = "" if port is None else await stack.enter_async_context(around.page(port=port))
        try:
            yield Demo(world=around, url=url)
        finally:
            stop.set()
            await bot


def demo(kind: str, port: int, *, script: bool, language: str) -> None:
    """Run the demo until Ctrl-C, or its journey once."""
    if kind not in KINDS:
        fail(f"There is no desk {kind!r} to try. Use one of {', '.join(KINDS)}.")
    if language not in LANGUAGES:
        fail(f"Threadline does not speak {language!r}. Use one of {', '.join(LANGUAGES)}.")
    start_logging("warning", "text")
    if not asyncio.run(_script(kind) if script else _until_stopped(kind, port, language)):
        sys.exit(1)


async def _until_stopped(kind: str, port: int, language: str) -> bool:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    err.print(f"Starting a pretend Slack, the desk ({kind}) and Threadline between them ...")
    try:
        async with running(kind, port=port, language=language) as started:
            out.print(f"\n  The demo is at {started.url}\n", markup=False)
            out.print("  Left: Slack, as the person you choose. Right: the desk, as its agents see it.")
            out.print("  Try /ticket printer is on fire, or a message's menu: Create ticket. Ctrl-C stops it.\n")
            await stop.wait()
            err.print("Stopping ...")
    except OSError as error:
        fail(f"The page cannot be served at port {port} ({error}). Choose another with --port.")
    return True


async def _script(kind: str) -> bool:
    """The journey; False, with the step that broke, where something is not as it should be."""
    async with running(kind, port=None) as started:
        try:
            await Journey(started.world, out).walk()
        except Wrong as wrong:
            err.print(f"\nBROKEN at “{wrong.step}”: {wrong}", markup=False, soft_wrap=True)
            return False
    return True
