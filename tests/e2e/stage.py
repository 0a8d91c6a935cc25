"""A browser's page on the pretend workspace, and what tests look at on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from bot.sandbox.page import page_app
from bot.sandbox.serving import serving
from bot.sandbox.slack.workspace import Workspace
from tests.e2e.scripted import COMMANDS, SHORTCUTS, MemoryDesk, ScriptedApp

expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong

SHOTS = Path(__file__).parents[2] / "out" / "e2e"
"""Where screenshots are kept for people to look at."""


@dataclass
class Watch:
    """What went wrong in the browser, or left this machine."""

    address: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.strangers.append(url)


@asynccontextmanager
async def a_page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page that speaks British English and must neither fail nor call anyone."""
    context = await browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="en-GB", reduced_motion="reduce", accept_downloads=True
    )
    page = await context.new_page()
    page.set_default_timeout(10_000)
    watch = Watch(address)
    watch.follow(page)
    await page.goto(address)
    await expect(page.locator("#messages .message").first).to_be_visible()
    yield page
    await context.close()
    assert ([], []) == (watch.errors, watch.strangers)


@dataclass
class Stage:
    """The page with a scripted app and a desk in memory behind it."""

    page: Page
    address: str
    workspace: Workspace
    app: ScriptedApp
    desk: MemoryDesk

    def person(self, name: str) -> str:
        """The id of a person of the demo company."""
        return next(person.id for person in self.workspace.people.values() if person.name == name)

    def channel(self, name: str) -> str:
        return next(channel.id for channel in self.workspace.channels.values() if channel.name == name)

    @property
    def editor(self) -> Locator:
        return self.page.get_by_role("combobox", name="Message", exact=True)

    @property
    def form(self) -> Locator:
        return self.page.locator("dialog.modal")

    async def go(self, channel: str) -> None:
        await self.page.get_by_role("button", name=channel, exact=True).click()
        await expect(self.page.locator("#main-head h2")).to_have_text(channel)

    async def act_as(self, real_name: str) -> None:
        await self.page.get_by_label("Act as").select_option(label=real_name)

    async def type(self, text: str) -> None:
        """Write into the editor and send."""
        await self.editor.fill(text)
        await self.editor.press("Enter")

    async def open_form(self, view: dict[str, Any]) -> Locator:
        """The form that the app opens for `/ticket`."""
        self.app.answers["/ticket"] = self.app.opens(view)
        await self.type("/ticket new")
        await expect(self.form).to_be_visible()
        return self.form

    async def asked(self, kind: str, number: int = 0) -> dict[str, Any]:
        """What the app was asked, once it was."""
        for _ in range(200):
            if len(self.app.of(kind)) > number:
                return self.app.of(kind)[number]
            await self.page.wait_for_timeout(25)
        raise AssertionError(f"the app was not asked for {kind}")

    def block(self, block_id: str) -> Locator:
        return self.form.locator(f'[data-block="{block_id}"]')

    def message(self, text: str) -> Locator:
        return self.page.locator("#messages .message", has_text=text).last


@asynccontextmanager
async def staged(browser: Browser) -> AsyncIterator[Stage]:
    """A stage with the demo company, standing in #it-help as Eva."""
    workspace = Workspace.demo(commands=COMMANDS, shortcuts=SHORTCUTS)
    app, desk = ScriptedApp(workspace), MemoryDesk()
    workspace.outlet = app
    async with serving(page_app(workspace, desk)) as address, a_page(browser, address) as page:
        stage = Stage(page, address, workspace, app, desk)
        await stage.go("it-help")
        yield stage


async def shot(page: Page, name: str) -> None:
    """Keep a screenshot."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png")
