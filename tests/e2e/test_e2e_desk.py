"""The desk beside the conversation, and that the page can be read and used by everyone."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.sandbox.desks.base import SeenMessage, SeenTicket
from tests.e2e.kits import CARD, HOME, TICKET_FORM
from tests.e2e.stage import shot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HOSTILE = (
    '<p>Hello <b>there</b></p><script>window.broken=1</script><img src="https://evil.example/x.png" alt="pixel">'
    '<a href="javascript:window.broken=1">click</a><iframe src="https://evil.example"></iframe>'
    '<form action="https://evil.example"><input value="password"></form><style>body{display:none}</style>'
)


def said(number, text, **more):
    at = f"2026-11-22T09:{10 + number}:00+00:00"
    usual = {"author": "Eva", "at": at, "internal": False, "by_agent": False}
    return SeenMessage(id=str(number), text=text, **{**usual, **more})


def ticket(stage, *messages, number="1042"):
    stage.desk.kept[number] = SeenTicket(
        id=number,
        number=number,
        subject="Label printer prints twice",
        status="Open",
        closed=False,
        department="IT support",
        priority="High",
        requester="Eva Lindqvist",
        owner="Alex Agent",
        messages=messages,
    )


async def open_ticket(stage):
    await stage.page.get_by_role("button", name="#1042").click()
    await expect(stage.page.get_by_role("heading", name="#1042")).to_be_visible()
    return stage.page.get_by_role("list", name="Messages of the ticket").get_by_role("listitem")


async def test_internal_notes_are_marked_in_words(stage):
    ticket(stage, said(1, "It prints twice"), said(2, "Known fault", internal=True, by_agent=True, author="Alex Agent"))
    messages = await open_ticket(stage)
    await expect(messages.nth(0)).to_contain_text("From the requester")
    await expect(messages.nth(1)).to_contain_text("Internal note")
    await shot(stage.page, "desk-ticket")


async def test_an_agent_replies_notes_closes_and_reopens(stage):
    ticket(stage, said(1, "It prints twice"))
    messages = await open_ticket(stage)
    box = stage.page.get_by_label("What to write on the ticket")
    await box.fill("Restarted")
    await stage.page.get_by_role("button", name="Send reply").click()
    await expect(messages.nth(1)).to_contain_text("Public reply")
    await stage.page.get_by_label("Internal note").check()
    await box.fill("Driver is old")
    files = stage.page.get_by_label("Files to add")
    await files.set_input_files({"name": "driver.txt", "mimeType": "text/plain", "buffer": b"4.2"})
    await stage.page.get_by_role("button", name="Add note").click()
    await expect(messages.nth(2)).to_contain_text("driver.txt")
    await expect(box).to_have_value("")
    await expect(stage.page.get_by_label("Internal note")).to_be_checked()
    written = stage.desk.kept["1042"].messages[1:]
    assert [("Restarted", False), ("Driver is old", True)] == [(message.text, message.internal) for message in written]
    assert b"4.2" == stage.desk.contents[written[1].files[0].id]
    await stage.page.get_by_role("button", name="Close ticket").click()
    await expect(stage.page.locator(".ticket-state .status")).to_have_text("Closed")
    await stage.page.get_by_role("button", name="Reopen ticket").click()
    await expect(stage.page.locator(".ticket-state .status")).to_have_text("Open")


async def test_what_happens_at_the_desk_appears_by_itself(stage):
    await expect(stage.page.get_by_text("No tickets yet.")).to_be_visible()
    ticket(stage, said(1, "It prints twice"))
    messages = await open_ticket(stage)
    await stage.desk.reply("1042", "From elsewhere")
    await expect(messages.nth(1)).to_contain_text("From elsewhere")


async def test_hostile_html_on_a_ticket_is_harmless(stage):
    ticket(stage, said(1, "", html=HOSTILE))
    messages = await open_ticket(stage)
    await expect(messages.nth(0)).to_contain_text("Hello there")
    await expect(messages.nth(0)).to_contain_text("[picture: pixel]")
    assert 0 == await messages.nth(0).locator("script, img, iframe, form, input, style, [href^=javascript]").count()
    assert not await stage.page.evaluate("'broken' in window")


def script(name):
    """A function that looks at the page from inside."""
    return (Path(__file__).parent / name).read_text().partition("\n")[2]


async def readable(stage):
    assert [] == await stage.page.evaluate(script("nameless.js"))
    assert [] == await stage.page.evaluate(script("pale.js"))


async def test_every_control_has_a_name_and_every_text_enough_contrast(stage):
    """In the conversation, a thread, the desk, App Home, a menu and a form with an error."""
    ticket(stage, said(1, "It prints twice"), said(2, "Known fault", internal=True, by_agent=True))
    stage.app.answers["/ticket"] = lambda payload: "Only for you."
    stage.app.posts(stage.channel("it-help"), text="card", blocks=[*CARD])
    first = stage.workspace.history(stage.channel("it-help"))[0]
    await stage.workspace.react(stage.person("eva"), stage.channel("it-help"), first["ts"], "eyes")
    await stage.type("/ticket")
    await expect(stage.message("Only for you.")).to_be_visible()
    await readable(stage)
    await open_ticket(stage)
    await stage.page.get_by_label("Internal note").check()
    await stage.page.get_by_role("button", name="replies").click()
    await expect(stage.page.locator("#replies .message").first).to_be_visible()
    await stage.page.locator("#replies .message").first.hover()
    await stage.page.locator("#replies .message").first.get_by_role("button", name="More actions").click()
    await readable(stage)
    await stage.page.keyboard.press("Escape")
    await stage.page.get_by_role("button", name="Close the thread").click()
    stage.app.answers["view_submission"] = lambda payload: None
    await stage.open_form(TICKET_FORM)
    await stage.form.get_by_role("button", name="Create ticket").click()
    await expect(stage.block("subject")).to_contain_text("Please complete")
    await readable(stage)
    await stage.page.keyboard.press("Escape")
    stage.workspace.views.publish(stage.person("eva"), HOME, "")
    await stage.page.get_by_role("button", name="Home").click()
    await expect(stage.page.get_by_role("heading", name="My tickets")).to_be_visible()
    await readable(stage)


async def test_the_page_has_its_landmarks_and_fits_its_window(stage):
    landmarks = {"Slack": "main", "Helpdesk": "complementary", "Channels": "navigation", "Conversation": "region"}
    for name, role in landmarks.items():
        await expect(stage.page.get_by_role(role, name=name)).to_be_visible()
    await expect(stage.page.get_by_role("heading", level=1)).to_have_text("Kestrel Cycles")
    for width in (1280, 1600, 1000):
        await stage.page.set_viewport_size({"width": width, "height": 800})
        assert width >= await stage.page.evaluate("document.documentElement.scrollWidth")
