"""The whole journey in a browser, with the true bot: what people do in Slack is found again at the desk."""

import hashlib
import re

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.commands.demo import running
from bot.sandbox.desks.base import AgentDesk, SeenTicket
from bot.sandbox.slack.workspace import Workspace
from tests.e2e.stage import a_page, shot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

REPLIES = 250
SUPPORT = {"local": "Support", "whmcs": "Sample Support Department"}
PATIENCE = 60_000  # milliseconds


class Walk:
    """One person's page, with the world behind it to compare with."""

    def __init__(self, page, demo, kind) -> None:
        self.kind = kind
        self.page = page
        self.workspace: Workspace = demo.world.workspace
        self.agents: AgentDesk = demo.world.agents
        self.form = page.locator("dialog.modal")
        self.channel = next(one.id for one in self.workspace.channels.values() if one.name == "it-help")
        self.people = {person.name: person.id for person in self.workspace.people.values()}

    async def begin(self, person):
        await self.page.get_by_label("Act as").select_option(label=person)
        await self.page.get_by_role("button", name=re.compile("^it-help")).click()
        await expect(self.page.locator("#main-head h2")).to_have_text("it-help")

    async def filled_form(self):
        """The form, once the desk has answered with its lists."""
        await expect(self.form.get_by_role("heading", name="New ticket")).to_be_visible()
        await expect(self.form.get_by_label("Department")).to_be_visible(timeout=PATIENCE)
        await expect(self.form).not_to_contain_text("Asking", timeout=PATIENCE)

    async def choose(self, label, text):
        """An entry of a list, whether the form holds all entries or searches for them."""
        box = self.form.get_by_label(label)
        if await box.evaluate("node => node.tagName") == "SELECT":
            await box.select_option(label=text)
            return
        await box.click()
        await self.form.locator(".listbox:not([hidden]) .option", has_text=text).click()

    async def create(self):
        await self.form.get_by_role("button", name="Create").click()

    async def at_desk(self, subject) -> SeenTicket:
        """The ticket as the page lists it, opened there, and as the desk holds it."""
        line = self.page.locator(".ticket-line", has_text=subject)
        await expect(line).to_be_visible(timeout=PATIENCE)
        await line.click()
        await expect(self.page.locator(".ticket-head h3")).to_contain_text(subject)
        found = [ticket for ticket in await self.agents.tickets() if ticket.subject == subject]
        assert 1 == len(found)
        return await self.agents.ticket(found[0].id)


@pytest_asyncio.fixture(loop_scope="module", params=["local", "whmcs"])
async def walk(request, browser):
    async with running(request.param) as demo, a_page(browser, demo.url) as page:
        yield Walk(page, demo, request.param)


async def long_thread(walk):
    """A thread of 250 replies by four people with two files; gives the root's ts, the texts and the files' hashes."""
    first = await walk.workspace.post(
        walk.people["mira"], walk.channel, "The spooler stops *every* hour, who knows why?"
    )
    texts, hashes = ["The spooler stops"], []
    for number in range(REPLIES):
        word = hashlib.sha256(str(number).encode()).hexdigest()[:8]
        author = walk.people[("eva", "ben", "mira", "tom")[number % 4]]
        files = []
        if number in {7, 203}:
            content = (f"log {number}\n" * 5000).encode()
            files.append((f"spool-{number}.log", content, "text/plain"))
            hashes.append(hashlib.sha256(content).hexdigest())
        texts.append(f"Reply {number} says {word}")
        await walk.workspace.post(author, walk.channel, texts[-1], thread_ts=first["ts"], files=files)
    return first["ts"], texts, sorted(hashes)


async def test_a_command_becomes_a_ticket(walk):
    """The form follows the department, shows a problem beside its field, and the card and the ticket appear."""
    await walk.begin("Tom Whitaker")
    editor = walk.page.get_by_role("combobox", name="Message", exact=True)
    await editor.fill("/ti")
    await expect(walk.page.get_by_role("option", name="/ticket")).to_be_visible()
    await editor.fill("/ticket printer is on fire")
    await editor.press("Enter")
    await walk.filled_form()
    await expect(walk.form.get_by_label("Subject")).to_have_value("printer is on fire")
    await shot(walk.page, f"journey-{walk.kind}-1-form")
    if walk.kind == "local":
        await expect(walk.form.get_by_label("Asset number")).to_have_count(0)
        await walk.choose("Department", "IT")
        await walk.form.get_by_label("Asset number").fill("KC-2041", timeout=PATIENCE)
        await expect(walk.form.get_by_label("Subject")).to_have_value("printer is on fire")
    else:
        await walk.choose("Department", SUPPORT[walk.kind])
    outsider = walk.form.get_by_label("Or a requester who is not on Slack")
    await outsider.fill("nobody at all")
    await walk.create()
    await expect(outsider).to_have_attribute("aria-invalid", "true", timeout=PATIENCE)
    await shot(walk.page, f"journey-{walk.kind}-2-error")
    await outsider.fill("")
    await walk.create()
    await expect(walk.form).to_be_hidden(timeout=PATIENCE)
    card = walk.page.locator("#messages .message", has_text="printer is on fire")
    await expect(card).to_contain_text("Threadline", timeout=PATIENCE)
    ticket = await walk.at_desk("printer is on fire")
    assert "Tom Whitaker" in ticket.requester
    if walk.kind == "local":
        assert ("asset", "KC-2041") in ticket.fields
    await shot(walk.page, f"journey-{walk.kind}-3-card")


async def test_a_thread_of_250_replies_with_two_files_is_found_whole_at_the_desk(walk):
    """By the message's menu; every text once and in order, and the files' hashes are equal."""
    ts, texts, hashes = await long_thread(walk)
    await walk.begin("Eva Lindqvist")
    await walk.page.set_viewport_size({"width": 1600, "height": 900})
    root = walk.page.locator(f'#messages [data-ts="{ts}"]')
    await root.hover()
    await root.get_by_role("button", name="More actions").click()
    await walk.page.get_by_role("menuitem", name="Create ticket").click()
    await walk.filled_form()
    await expect(walk.form).to_contain_text("251 messages by 4 people, 2 files", timeout=PATIENCE)
    await walk.choose("Department", SUPPORT[walk.kind])
    await walk.form.get_by_label("Subject").fill("The spooler stops every hour")
    await shot(walk.page, f"journey-{walk.kind}-4-thread-form")
    await walk.create()
    await expect(walk.form).to_be_hidden(timeout=PATIENCE)
    await root.get_by_role("button", name=re.compile("replies")).click()
    card = walk.page.locator("#replies .message").last
    await expect(card).to_contain_text("The spooler stops every hour", timeout=PATIENCE)
    ticket = await walk.at_desk("The spooler stops every hour")
    story = "\n".join(message.text for message in ticket.messages)
    places = [[found.start() for found in re.finditer(re.escape(text) + r"\b", story)] for text in texts]
    assert [1] * len(texts) == [len(found) for found in places]
    assert sorted(places) == places
    assert hashes == sorted(file.sha256 for message in ticket.messages for file in message.files)
    shown = await walk.page.locator(".desk-messages").inner_text()
    assert [] == [text for text in texts if text not in shown]
    await shot(walk.page, f"journey-{walk.kind}-5-thread-at-desk")


async def demo_ticket(walk):
    """The demo's own thread about the label printer as a ticket; gives the ticket and the thread's root on the page."""
    await walk.begin("Eva Lindqvist")
    await walk.page.set_viewport_size({"width": 1600, "height": 900})
    root = walk.page.locator("#messages .message", has_text="label printer")
    await root.hover()
    await root.get_by_role("button", name="More actions").click()
    await walk.page.get_by_role("menuitem", name="Create ticket").click()
    await walk.filled_form()
    await walk.choose("Department", SUPPORT[walk.kind])
    await walk.form.get_by_label("Subject").fill("Label printer prints every label twice")
    await walk.create()
    await expect(walk.form).to_be_hidden(timeout=PATIENCE)
    await root.get_by_role("button", name=re.compile("replies")).click()
    await expect(walk.page.locator("#replies .message").last).to_contain_text("Threadline", timeout=PATIENCE)
    return await walk.at_desk("Label printer prints every label twice"), root


async def test_the_card_and_the_thread_go_on_with_the_ticket(walk):
    """A reply in the thread is mirrored, a note of the card's stays internal, and Close closes at the desk."""
    ticket, _ = await demo_ticket(walk)
    messages = walk.page.get_by_role("list", name="Messages of the ticket").locator(".desk-message")
    if walk.kind == "whmcs":  # a local desk has no pages of its own to open
        await walk.page.get_by_role("button", name="All tickets").click()
        await walk.page.locator("#replies").get_by_role("link", name="Open", exact=True).click()
        await expect(walk.page.locator(".ticket-head h3")).to_contain_text(ticket.number)
    reply = walk.page.get_by_role("combobox", name="Reply in the thread")
    await reply.fill("Switched off and on again, *still* twice")
    await reply.press("Enter")
    await expect(messages.filter(has_text="still twice")).to_contain_text("From the requester", timeout=PATIENCE)
    mine = walk.page.locator("#replies .message", has_text="Switched off")
    await expect(mine.locator(".reaction")).to_be_visible(timeout=PATIENCE)
    await shot(walk.page, f"journey-{walk.kind}-6-mirrored")
    await walk.page.locator("#replies").get_by_role("button", name="Add note").click()
    await walk.form.get_by_role("textbox").fill("Driver 4.2 is known for this")
    await walk.form.locator("button[type=submit]").click()
    await expect(messages.filter(has_text="Driver 4.2")).to_contain_text("Internal note", timeout=PATIENCE)
    await walk.page.locator("#replies").get_by_role("button", name="Close", exact=True).click()
    await walk.page.get_by_role("alertdialog").get_by_role("button", name="Close").click()
    await expect(walk.page.locator(".ticket-state .status")).to_have_text("Closed", timeout=PATIENCE)
    await expect(walk.page.locator("#replies .message", has_text="Status:").last).to_contain_text(
        "Closed", timeout=PATIENCE
    )
    assert (await walk.agents.ticket(ticket.id)).closed
    await shot(walk.page, f"journey-{walk.kind}-7-closed")
