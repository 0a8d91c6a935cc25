"""The page by itself, with a scripted app: what it draws, and what people do in the conversation."""

import hashlib

import pytest
from playwright.async_api import expect

from tests.e2e.kits import CARD, EVERY_BLOCK, HOME
from tests.e2e.stage import shot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def test_what_is_typed_is_sent_with_its_formatting_and_mentions(stage):
    await stage.editor.fill("*Twice* again, @be")
    await stage.page.get_by_role("option", name="@ben").click()
    await stage.editor.press("Enter")
    await expect(stage.message("Twice").locator("strong")).to_have_text("Twice")
    await expect(stage.message("Twice").locator(".mention")).to_have_text("@Ben Okafor")
    sent = stage.workspace.history(stage.channel("it-help"))[-1]
    assert f"*Twice* again, <@{stage.person('ben')}> " == sent["text"]


async def test_every_block_is_drawn_and_no_foreign_text_becomes_html_or_a_dangerous_link(stage):
    stage.app.posts(stage.channel("it-help"), text="all", blocks=[*EVERY_BLOCK])
    message = stage.message("A header")
    await expect(message.get_by_role("heading", name="A header")).to_be_visible()
    for said in (
        "label <b>",
        "quoted",
        "a chart of tickets",
        "context with code",
        "<b>not html</b>",
        "nested",
        "x = 1",
        "2023-11-14",
        "wise",
    ):
        await expect(message).to_contain_text(said)
    await expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/a?b=1&c=2")
    await expect(message.get_by_text("strong", exact=True)).to_have_count(1)
    await expect(message.get_by_role("cell", name="2")).to_be_visible()
    await expect(message.get_by_role("img", name="warning")).to_be_visible()
    assert 0 == await message.locator('[href^="javascript"], .content > b, img[src^="http"]').count()
    assert 0 == await message.locator(".unknown").count()
    await stage.page.mouse.move(400, 300)
    await shot(stage.page, "page-every-block")


async def test_a_menu_in_a_message_tells_the_app_what_was_chosen(stage):
    stage.app.answers["block_actions"] = lambda payload: None
    stage.app.posts(stage.channel("it-help"), text="all", blocks=[*EVERY_BLOCK])
    await stage.message("A header").get_by_role("combobox").select_option(label="Two")
    payload = await stage.asked("block_actions")
    assert ("pick", "two") == (payload["actions"][0]["action_id"], payload["actions"][0]["selected_option"]["value"])


async def test_a_button_with_a_confirmation_asks_first(stage):
    stage.app.answers["block_actions"] = lambda payload: None
    stage.app.posts(stage.channel("it-help"), text="card", blocks=[*CARD])
    close = stage.page.get_by_role("button", name="Close", exact=True)
    await close.click()
    question = stage.page.get_by_role("alertdialog", name="Close the ticket?")
    await expect(question).to_contain_text("#1042 will be closed.")
    await question.get_by_role("button", name="Keep it open").click()
    await expect(question).to_be_hidden()
    await expect(close).to_be_focused()
    await close.click()
    await stage.page.get_by_role("button", name="Close it").click()
    payload = await stage.asked("block_actions")
    assert ["close"] == [action["value"] for action in payload["actions"]]
    assert 1 == len(stage.app.of("block_actions"))


async def test_a_message_shortcut_is_reached_with_the_keyboard_alone(stage):
    stage.app.answers["message_action"] = lambda payload: None
    last = stage.message("parcel portal")
    await last.focus()
    for key in ("ArrowUp", "Tab"):
        await stage.page.keyboard.press(key)
    first = stage.workspace.history(stage.channel("it-help"))[0]
    more = stage.page.locator(f'[data-ts="{first["ts"]}"]').get_by_role("button", name="More actions")
    while not await more.evaluate("node => node === document.activeElement"):
        await stage.page.keyboard.press("Tab")
    await stage.page.keyboard.press("Enter")
    await expect(stage.page.get_by_role("menuitem", name="Create ticket")).to_be_focused()
    await stage.page.keyboard.press("ArrowDown")
    await stage.page.keyboard.press("Enter")
    payload = await stage.asked("message_action")
    assert ("add_to_ticket", first["ts"]) == (payload["callback_id"], payload["message"]["ts"])
    await expect(stage.page.get_by_role("menu")).to_have_count(0)


async def test_escape_closes_a_menu_and_gives_the_focus_back(stage):
    row = stage.message("parcel portal")
    await row.hover()
    more = row.get_by_role("button", name="More actions")
    await more.click()
    await shot(stage.page, "page-menu")
    await stage.page.keyboard.press("Escape")
    await expect(more).to_be_focused()


async def test_commands_are_suggested_and_unknown_ones_named(stage):
    stage.app.answers["/ticket"] = lambda payload: "Try */ticket help*."
    await stage.editor.fill("/t")
    await expect(stage.page.get_by_role("option", name="/ticket")).to_contain_text("Open a ticket or work on one")
    await stage.editor.press("Tab")
    await expect(stage.editor).to_have_value("/ticket ")
    await stage.editor.press_sequentially("printer is on fire")
    await stage.editor.press("Enter")
    assert "printer is on fire" == (await stage.asked("/ticket"))["text"]
    await expect(stage.message("Try /ticket help.")).to_contain_text("Only visible to you")
    await stage.type("/tickte new")
    await expect(stage.page.get_by_role("alert").filter(has_text="/tickte is not a command")).to_be_visible()
    await expect(stage.editor).to_have_value("/tickte new")


async def test_what_one_person_sees_alone_others_do_not_see(stage):
    stage.app.answers["/ticket"] = lambda payload: "For Eva only."
    await stage.type("/ticket")
    await expect(stage.message("For Eva only.")).to_be_visible()
    await stage.act_as("Ben Okafor")
    await expect(stage.page.locator("#act-as-hint")).to_have_text("IT support")
    await expect(stage.page.get_by_text("For Eva only.")).to_have_count(0)


async def test_commands_do_not_run_inside_threads_as_in_slack(stage):
    await stage.page.get_by_role("button", name="replies").click()
    reply = stage.page.get_by_role("combobox", name="Reply in the thread")
    await reply.fill("/ticket close")
    await reply.press("Enter")
    await expect(stage.page.get_by_text("/ticket is not supported in threads.")).to_be_visible()
    await reply.fill("It works *now*")
    await reply.press("Enter")
    await expect(stage.page.locator("#replies .message").last).to_contain_text("It works now")
    await shot(stage.page, "page-thread")
    await stage.page.keyboard.press("Escape")
    await expect(stage.page.locator("#thread")).to_be_hidden()


async def test_a_file_arrives_whole_and_is_downloaded_whole(stage):
    content = bytes(range(256)) * 300
    async with stage.page.expect_file_chooser() as choosing:
        await stage.page.get_by_role("button", name="Attach files").first.click()
    await (await choosing.value).set_files({"name": "dump.bin", "mimeType": "application/x-dump", "buffer": content})
    await expect(stage.page.get_by_role("list", name="Files to send").first).to_contain_text("dump.bin (75 kB)")
    await stage.type("the dump")
    card = stage.message("the dump").get_by_role("link", name="dump.bin")
    async with stage.page.expect_download() as downloading:
        await card.click()
    path = await (await downloading.value).path()
    stored = stage.workspace.history(stage.channel("it-help"))[-1]["files"][0]
    expected = hashlib.sha256(content).hexdigest()
    assert expected == hashlib.sha256(stage.workspace.file_bytes(stored["id"])).hexdigest()
    assert expected == hashlib.sha256(path.read_bytes()).hexdigest()


async def test_own_messages_are_edited_deleted_and_reacted_to(stage):
    await stage.type("Helo <all> & @ben")
    row = stage.message("Helo")
    await row.hover()
    await row.get_by_role("button", name="Add reaction").click()
    await stage.page.get_by_role("menuitem", name="eyes").click()
    await expect(row.get_by_role("button", name="eyes: Eva Lindqvist")).to_have_attribute("aria-pressed", "true")
    await row.get_by_role("button", name="More actions").click()
    await stage.page.get_by_role("menuitem", name="Edit message").click()
    edit = stage.page.get_by_label("Edit message")
    await expect(edit).to_have_value("Helo <all> & @ben")
    await edit.fill("Hello <all> & @ben")
    await edit.press("Enter")
    row = stage.message("Hello <all> & @Ben Okafor")
    await expect(row).to_contain_text("(edited)")
    await row.hover()
    await row.get_by_role("button", name="More actions").click()
    await stage.page.get_by_role("menuitem", name="Delete message").click()
    await stage.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(stage.page.get_by_text("Hello <all>")).to_have_count(0)
    assert [] == [m for m in stage.workspace.history(stage.channel("it-help")) if "Hello" in m["text"]]


async def test_what_others_write_appears_by_itself(stage):
    await stage.workspace.post(stage.person("tom"), stage.channel("it-help"), "I am here too")
    await expect(stage.message("I am here too")).to_contain_text("Tom Whitaker")


async def test_the_bot_is_invited_where_it_is_missing(stage):
    await stage.go("random")
    await stage.page.get_by_role("button", name="Invite Threadline").click()
    await expect(stage.page.get_by_role("button", name="Invite Threadline")).to_have_count(0)
    assert stage.workspace.channels[stage.channel("random")].bot_in


async def test_app_home_is_drawn_and_its_buttons_reach_the_app(stage):
    stage.app.answers["block_actions"] = lambda payload: None
    stage.workspace.views.publish(stage.person("eva"), HOME, "")
    await stage.page.get_by_role("button", name="Home").click()
    await expect(stage.page.get_by_role("heading", name="My tickets")).to_be_visible()
    await shot(stage.page, "page-home")
    await stage.page.get_by_role("button", name="Retry").click()
    payload = await stage.asked("block_actions")
    assert ("view", "retry") == (payload["container"]["type"], payload["actions"][0]["value"])
    assert ["app_home_opened"] == [
        body["event"]["type"] for body in stage.app.events if "home" in body["event"]["type"]
    ]


async def test_a_link_to_a_message_opens_it_on_the_page(stage):
    root = stage.workspace.history(stage.channel("it-help"))[0]
    await stage.go("general")
    await stage.type(stage.workspace.state.permalink(stage.channel("it-help"), root["ts"]))
    await stage.page.locator("#messages a").last.click()
    await expect(stage.page.locator("#main-head h2")).to_have_text("it-help")
    await expect(stage.page.locator("#replies .message").first).to_contain_text("label printer")
