"""Both ways in a browser, with the true bot: what changes on one side is seen on the other."""

import re
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.commands.demo import running
from bot.sandbox.desks.whmcs_actions import CHANGES, Refused
from bot.sandbox.faults import Fault
from tests.e2e.stage import a_page, shot
from tests.e2e.test_e2e_journey import PATIENCE, Walk

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SUBJECT = "Label printer prints every label twice"
ROOT = "label printer"
DEPARTMENTS = {"local": "Support", "whmcs": "Sample Support Department"}


class Both(Walk):
    """A page with a thread on one side and its ticket on the other."""

    ticket_id: str

    @property
    def thread(self):
        return self.page.locator("#replies .message")

    @property
    def desk(self):
        return self.page.get_by_role("list", name="Messages of the ticket").locator(".desk-message")

    def said(self, text):
        return self.thread.filter(has_text=text).last

    async def shot(self, name):
        """A picture with the newest messages of the thread and of the ticket in it."""
        await self.thread.last.scroll_into_view_if_needed()
        await self.desk.last.scroll_into_view_if_needed()
        await shot(self.page, name)

    async def ticket(self):
        return await self.agents.ticket(self.ticket_id)

    async def at_the_desk(self, text):
        """Wait until the ticket holds it, whatever the page shows of the desk."""
        for _ in range(300):
            if any(text in message.text for message in (await self.ticket()).messages):
                return
            await self.page.wait_for_timeout(100)
        raise AssertionError(f"{text} did not reach the ticket")

    async def open_thread(self):
        root = self.page.locator("#messages .message", has_text=ROOT).first
        await root.get_by_role("button", name=re.compile("replies")).click()
        await expect(self.thread.first).to_be_visible()

    async def make_ticket(self):
        """A ticket of the demo's thread, by its reaction; then both are open on the page."""
        await self.page.set_viewport_size({"width": 1600, "height": 900})
        root = next(m for m in self.workspace.history(self.channel) if ROOT in m["text"])
        self.root_ts = root["ts"]
        await self.begin("Eva Lindqvist")
        row = self.page.locator(f'#messages [data-ts="{root["ts"]}"]')
        await row.hover()
        await row.get_by_role("button", name="More actions").click()
        await self.page.get_by_role("menuitem", name="Create ticket").click()
        await self.filled_form()
        await self.form.get_by_label("Subject").fill(SUBJECT)
        await self.choose("Department", DEPARTMENTS[self.kind])
        await expect(self.form.get_by_label("Subject")).to_have_value(SUBJECT)
        await self.create()
        await expect(self.form).to_be_hidden(timeout=PATIENCE)
        await self.open_thread()
        self.ticket_id = (await self.at_desk(SUBJECT)).id
        await expect(self.said("Status:")).to_be_visible(timeout=PATIENCE)

    async def reply(self, text):
        box = self.page.get_by_role("combobox", name="Reply in the thread")
        await box.fill(text)
        await box.press("Enter")
        await expect(self.said(text)).to_be_visible()

    async def menu(self, text, entry):
        row = self.said(text)
        await row.hover()
        await row.get_by_role("button", name="More actions").click()
        await self.page.get_by_role("menuitem", name=entry).click()


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["local"])
async def both(request, browser):
    """One world for this module: its tests follow one case through its day."""
    async with running(request.param) as demo, a_page(browser, demo.url) as page:
        made = Both(page, demo, request.param)
        await made.make_ticket()
        yield made


async def test_replies_reach_the_other_side_both_ways(both):
    await both.reply("It also beeps twice")
    await expect(both.desk.filter(has_text="It also beeps twice")).to_contain_text("Eva Lindqvist", timeout=PATIENCE)
    await both.agents.reply(both.ticket_id, "Please update the driver to 4.2")
    await expect(both.said("Please update the driver")).to_contain_text("Alex Agent", timeout=PATIENCE)
    await both.shot("both-1-replies")
    assert 1 == sum("update the driver" in m.text for m in (await both.ticket()).messages)


async def test_an_internal_note_of_an_agent_stays_at_the_desk(both):
    await both.agents.reply(both.ticket_id, "The customer is difficult", internal=True)
    await both.agents.reply(both.ticket_id, "Is the driver new now?")
    await expect(both.said("Is the driver new now?")).to_be_visible(timeout=PATIENCE)
    assert 0 == await both.thread.filter(has_text="difficult").count()


async def test_an_edit_and_a_deletion_reach_the_ticket_and_the_old_text_stays_there(both):
    await both.reply("Serial number 4711")
    await expect(both.desk.filter(has_text="4711")).to_be_visible(timeout=PATIENCE)
    await both.menu("Serial number 4711", "Edit message")
    box = both.page.get_by_label("Edit message")
    await box.fill("Serial number 4712, sorry")
    await box.press("Enter")
    edited = both.desk.filter(has_text="4712, sorry")
    await expect(edited).to_contain_text("4711", timeout=PATIENCE)
    await both.shot("both-2-edited")
    await both.menu("Serial number 4712", "Delete message")
    await both.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(both.desk.filter(has_text="deleted their message")).to_contain_text("4712, sorry", timeout=PATIENCE)
    await both.shot("both-3-deleted")


async def test_files_reach_the_other_side_both_ways(both):
    there, back = b"what the printer logged " * 400, b"1. Press and hold FEED " * 300
    async with both.page.expect_file_chooser() as choosing:
        await both.page.get_by_role("button", name="Attach files").last.click()
    await (await choosing.value).set_files({"name": "printer.log", "mimeType": "text/plain", "buffer": there})
    await both.reply("the log, then")
    await expect(both.desk.filter(has_text="the log, then")).to_contain_text("printer.log", timeout=PATIENCE)
    at_desk = [file for message in (await both.ticket()).messages for file in message.files]
    assert there == await both.agents.file(next(file.id for file in at_desk if file.name == "printer.log"))
    await both.agents.reply(both.ticket_id, "A guide for you", files=(("guide.txt", back),))
    await expect(both.thread.filter(has_text="guide.txt")).to_be_visible(timeout=PATIENCE)
    thread = both.workspace.replies(both.channel, both.root_ts)
    shared = [file for message in thread for file in message.get("files", [])]
    assert back == both.workspace.file_bytes(next(file["id"] for file in shared if file["name"] == "guide.txt"))
    await both.shot("both-4-files")


async def test_a_ticket_is_closed_and_reopened_from_both_sides(both):
    card = both.thread.filter(has_text="Status:").first
    await both.page.locator("#replies").get_by_role("button", name="Close", exact=True).click()
    await both.page.get_by_role("alertdialog").get_by_role("button", name="Close").click()
    await expect(both.page.locator(".ticket-state .status")).to_have_text("Closed", timeout=PATIENCE)
    await expect(card).to_contain_text("Closed", timeout=PATIENCE)
    await expect(both.said("was closed")).to_be_visible(timeout=PATIENCE)  # or nobody would hear that it is open again
    await both.agents.set_closed(both.ticket_id, closed=False)
    await expect(both.said("opened again")).to_be_visible(timeout=PATIENCE)
    await expect(card).to_contain_text("Open", timeout=PATIENCE)
    await both.agents.set_closed(both.ticket_id, closed=True)
    await expect(card).to_contain_text("Closed", timeout=PATIENCE)
    await both.page.locator("#replies").get_by_role("button", name="Reopen", exact=True).click()
    await expect(both.page.locator(".ticket-state .status")).to_have_text("Open", timeout=PATIENCE)
    await shot(both.page, "both-6-reopened")
    assert not (await both.ticket()).closed


async def test_what_a_guest_could_read_is_named_before_internal_text_becomes_public(both):
    """In an internal ticket's thread, in which a guest has written, a public reply asks first and names the guest."""
    await both.page.get_by_role("combobox", name="Message", exact=True).fill("/ticket Who pays for this?")
    await both.page.get_by_role("combobox", name="Message", exact=True).press("Enter")
    await both.filled_form()
    await both.choose("Department", "Support")
    await both.form.get_by_text("Internal: only agents can read it").click()
    await both.create()
    await expect(both.form).to_be_hidden(timeout=PATIENCE)
    card = both.page.locator("#messages .message", has_text="Who pays for this?").last
    await expect(card.get_by_role("button", name="Reply", exact=True)).to_be_visible(timeout=PATIENCE)
    posted = next(m for m in both.workspace.history(both.channel) if "Who pays for this?" in m["text"])
    gus = next(person.id for person in both.workspace.people.values() if person.name == "gus")
    await both.workspace.post(gus, both.channel, "I could, as a guest", thread_ts=posted["ts"])
    await card.get_by_role("button", name="Reply", exact=True).click()
    await expect(both.form).to_contain_text("Gus Berger, a guest", timeout=PATIENCE)
    await both.form.get_by_role("textbox").fill("Gus should not pay")
    await both.form.get_by_role("button", name="Send reply").click()
    await expect(both.form.locator('[aria-invalid="true"]').first).to_be_visible(timeout=PATIENCE)
    await shot(both.page, "both-5-guest")
    ticket = next(one for one in await both.agents.tickets() if one.subject == "Who pays for this?")
    assert [] == [m.text for m in (await both.agents.ticket(ticket.id)).messages if not m.internal]
    await both.form.get_by_role("button", name="Cancel").click()
    await expect(both.form).to_be_hidden()


@contextmanager
def no_replies():
    """WHMCS refuses every reply, for as long as this lasts."""

    def refuse(*_):
        raise Refused("Message is not allowed")

    with patch.dict(CHANGES, {"AddTicketReply": refuse}):
        yield


@pytest_asyncio.fixture(loop_scope="module")
async def failing(browser):
    """A thread with its ticket at WHMCS."""
    async with running("whmcs") as demo, a_page(browser, demo.url) as page:
        both = Both(page, demo, "whmcs")
        await both.make_ticket()
        yield both


async def test_a_failed_delivery_is_shown_in_the_home_and_retried(failing):
    """The desk refuses replies for a while; tried again from the home, the message arrives once."""
    page, home = failing.page, failing.page.locator("#home")
    with no_replies():
        await failing.reply("the fuse is blown")
        await page.get_by_role("button", name="Home").click()
        await expect(home).to_contain_text("the fuse is blown", timeout=PATIENCE)
    await expect(home).not_to_contain_text("demo:")
    await shot(page, "both-9-home-failed")
    await home.get_by_role("button", name="Try again").click()
    await expect(home).not_to_contain_text("the fuse is blown", timeout=PATIENCE)
    await shot(page, "both-10-home-retried")
    await failing.at_the_desk("the fuse is blown")
    assert 1 == sum("the fuse is blown" in m.text for m in (await failing.ticket()).messages)


async def test_a_failed_delivery_is_edited_in_the_home_and_then_arrives_with_the_new_text(failing):
    """A reply written in the card's form, refused by the desk: its words are put right in the home."""
    page, home = failing.page, failing.page.locator("#home")
    with no_replies():
        await page.locator("#replies").get_by_role("button", name="Reply", exact=True).click()
        await failing.form.get_by_role("textbox").fill("the fuse is blwon")
        await failing.form.get_by_role("button", name="Send reply").click()
        await expect(failing.form).to_be_hidden(timeout=PATIENCE)
        await page.get_by_role("button", name="Home").click()
        await expect(home).to_contain_text("the fuse is blwon", timeout=PATIENCE)
    await home.get_by_role("button", name="Edit and retry").click()
    box = failing.form.get_by_role("textbox")
    await expect(box).to_have_value("the fuse is blwon", timeout=PATIENCE)
    await box.fill("the fuse is blown")
    await shot(page, "both-11-home-edit")
    await failing.form.get_by_role("button", name="Try again").click()
    await expect(failing.form).to_be_hidden(timeout=PATIENCE)
    await failing.at_the_desk("the fuse is blown")
    await expect(home).not_to_contain_text("the fuse is blwon", timeout=PATIENCE)
    await shot(page, "both-12-home-edited")
    texts = [message.text for message in (await failing.ticket()).messages]
    assert [1, 0] == [sum(words in text for text in texts) for words in ("the fuse is blown", "blwon")]


async def test_while_the_desk_is_down_the_thread_says_so_and_all_is_delivered_when_it_is_back(browser):
    """One line on the card, a receipt on each message; then in order, once, and the line is gone."""
    async with running("whmcs") as demo, a_page(browser, demo.url) as page:
        both = Both(page, demo, "whmcs")
        await both.make_ticket()
        assert demo.world.stand_in is not None
        faults = demo.world.stand_in.faults
        faults.always = Fault.ERROR_BEFORE
        await both.reply("First word while it is down")
        card = both.thread.filter(has_text="Status:").first
        await expect(card).to_contain_text("nothing is lost", timeout=PATIENCE)
        await both.reply("Second word while it is down")
        await shot(page, "both-7-desk-down")
        faults.always = None
        await expect(both.desk.filter(has_text="Second word")).to_be_visible(timeout=PATIENCE)
        await expect(card).not_to_contain_text("nothing is lost", timeout=PATIENCE)
        await expect(both.said("Second word").locator(".reaction")).to_be_visible(timeout=PATIENCE)
        await both.shot("both-8-desk-back")
        texts = [message.text for message in (await both.ticket()).messages]
        places = [n for n, text in enumerate(texts) for word in ("First word", "Second word") if word in text]
        assert 2 == len(places)
        assert sorted(places) == places
