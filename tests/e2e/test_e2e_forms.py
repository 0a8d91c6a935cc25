"""Forms on the page: drawn from the JSON that the app sent, and sent back as Slack sends them."""

import asyncio
import copy
import hashlib

import pytest
from playwright.async_api import expect

from tests.e2e.kits import EVERY_INPUT, TICKET_FORM, field, form, option, words
from tests.e2e.stage import shot

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


def suggested(stage, name):
    """An entry of the open list of suggestions."""
    return stage.form.locator(".listbox:not([hidden]) .option", has_text=name)


async def fill_in(stage):
    """Use every input of EVERY_INPUT once."""
    block = stage.block
    await block("text").get_by_role("textbox").fill("two\nlines")
    await block("mail").get_by_role("textbox").fill("eva@kestrel.example")
    await block("web").get_by_role("textbox").fill("https://kestrel.example/x?y=1")
    await block("number").get_by_role("textbox").fill("7")
    await block("rich").get_by_role("textbox").fill("rich words")
    await block("date").locator("input").fill("2026-11-30")
    await block("time").locator("input").fill("14:05")
    await block("moment").locator("input").fill("2026-11-30T14:05")
    await block("one").get_by_role("combobox").select_option(label="Mail")
    await block("many").get_by_role("combobox").click()
    await suggested(stage, "Blue").click()
    await block("many").get_by_role("button", name="Remove Red").click()
    await block("person").get_by_role("combobox").select_option(label="Ben Okafor")
    await block("people").get_by_role("combobox").press_sequentially("mira")
    await suggested(stage, "Mira Castellano").click()
    await block("room").get_by_role("combobox").select_option(label="#general")
    await block("channel").get_by_role("combobox").select_option(label="#random")
    await block("search").get_by_role("combobox").press_sequentially("zd")
    await suggested(stage, "zd-2").click()
    await block("searches").get_by_role("combobox").click()
    await suggested(stage, "-1").click()
    await block("radio").get_by_label("Right").check()
    await block("boxes").get_by_label("Salt").check()
    await block("boxes").get_by_label("Pepper").check()
    await block("files").locator("input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"abc"})
    await expect(block("files").get_by_role("list")).to_contain_text("a.txt (3 bytes)")


def offered(payload):
    found = [option(f"{payload['value']}-{number}", f"{payload['value']}-{number}") for number in (1, 2)]
    return (
        {"options": found}
        if payload["action_id"] == "search"
        else {"option_groups": [{"label": words("G"), "options": found}]}
    )


async def test_every_kind_of_input_arrives_in_slacks_own_form(stage):
    stage.app.answers |= {"view_submission": lambda payload: None, "block_suggestion": offered}
    await stage.open_form(EVERY_INPUT)
    await fill_in(stage)
    await shot(stage.page, "form-every-input")
    await stage.form.get_by_role("button", name="Send").click()
    await expect(stage.form).to_be_hidden()
    values = (await stage.asked("view_submission"))["view"]["state"]["values"]
    sent = {
        block: {key: value for key, value in actions[block].items() if key != "type"}
        for block, actions in values.items()
    }
    files = sent.pop("files")["files"]
    moment = sent.pop("moment")["selected_date_time"]
    rich = sent.pop("rich")["rich_text_value"]
    assert {
        "line": {"value": "as proposed"},
        "text": {"value": "two\nlines"},
        "mail": {"value": "eva@kestrel.example"},
        "web": {"value": "https://kestrel.example/x?y=1"},
        "number": {"value": "7"},
        "date": {"selected_date": "2026-11-30"},
        "time": {"selected_time": "14:05"},
        "one": {"selected_option": option("mail")},
        "many": {"selected_options": [option("blue")]},
        "person": {"selected_user": stage.person("ben")},
        "people": {"selected_users": [stage.person("mira")]},
        "room": {"selected_conversation": stage.channel("general")},
        "channel": {"selected_channel": stage.channel("random")},
        "search": {"selected_option": option("zd-2", "zd-2")},
        "searches": {"selected_options": [option("-1", "-1")]},
        "radio": {"selected_option": option("right")},
        "boxes": {"selected_options": [option("salt"), option("pepper")]},
    } == sent
    assert [("a.txt", b"abc")] == [(file["name"], stage.workspace.file_bytes(file["id"])) for file in files]
    assert isinstance(moment, int)
    assert "rich words" == rich["elements"][0]["elements"][0]["text"]


async def test_an_untouched_form_sends_what_the_app_proposed_and_nothing_else(stage):
    stage.app.answers["view_submission"] = lambda payload: None
    await stage.open_form(EVERY_INPUT)
    await stage.form.get_by_role("button", name="Send").click()
    await expect(stage.form).to_be_hidden()
    view = (await stage.asked("view_submission"))["view"]
    given = {
        block: value
        for block, actions in view["state"]["values"].items()
        for key, value in actions[block].items()
        if key != "type" and value not in (None, [])
    }
    assert {"line": "as proposed", "many": [option("red")]} == given


async def test_a_problem_stands_beside_its_field_and_nothing_typed_is_lost(stage):
    stage.app.answers["view_submission"] = lambda payload: {
        "response_action": "errors",
        "errors": {"subject": "Say in a few words what is wrong."},
    }
    await stage.open_form(TICKET_FORM)
    await stage.block("department").get_by_role("combobox").select_option(label="IT support")
    subject = stage.form.get_by_label("Subject")
    await subject.fill("x")
    await stage.form.get_by_label("Description").fill("A long story")
    await stage.form.get_by_role("button", name="Create ticket").click()
    await expect(subject).to_have_attribute("aria-invalid", "true")
    await expect(subject).to_have_accessible_description("The agents see this first. Say in a few words what is wrong.")
    await expect(subject).to_be_focused()
    await expect(subject).to_have_value("x")
    await expect(stage.form.get_by_label("Description")).to_have_value("A long story")
    await shot(stage.page, "form-error")
    await subject.fill("xy")
    await expect(subject).to_have_attribute("aria-invalid", "false")


async def test_what_slacks_own_form_refuses_never_reaches_the_app(stage):
    stage.app.answers["view_submission"] = lambda payload: None
    number = field("number", "Number", {"type": "number_input", "is_decimal_allowed": False})
    await stage.open_form(form(number, field("line", "Line", {"type": "plain_text_input"})))
    await stage.form.get_by_label("Number").fill("many")
    await stage.form.get_by_label("Number").press("Enter")
    await expect(stage.block("line")).to_contain_text("Please complete this required field.")
    await expect(stage.block("number")).to_contain_text("number")
    assert [] == stage.app.of("view_submission")


async def test_a_dependent_field_appears_and_keeps_what_was_typed_elsewhere(stage):
    asset = field("asset", "Asset number", {"type": "plain_text_input"})

    def follow(payload):
        chosen = payload["actions"][0]["selected_option"]["value"]
        blocks = [*TICKET_FORM["blocks"], *([asset] if chosen == "it" else [])]
        views = stage.workspace.views
        views.update(view_id=payload["view"]["id"], external_id="", view={**TICKET_FORM, "blocks": blocks}, hash_="")

    stage.app.answers["block_actions"] = follow
    await stage.open_form(TICKET_FORM)
    await stage.form.get_by_label("Subject").fill("Printer")
    await stage.block("department").get_by_role("combobox").select_option(label="IT support")
    await expect(stage.form.get_by_label("Asset number")).to_be_visible()
    await expect(stage.form.get_by_label("Subject")).to_have_value("Printer")
    values = stage.app.of("block_actions")[0]["view"]["state"]["values"]
    assert "Printer" == values["subject"]["subject"]["value"]
    await stage.block("department").get_by_role("combobox").select_option(label="Human resources")
    await expect(stage.form.get_by_label("Asset number")).to_have_count(0)


async def test_typing_goes_on_while_the_app_redraws_the_form(stage):
    await stage.open_form(TICKET_FORM)
    subject = stage.form.get_by_label("Subject")
    await subject.press_sequentially("Prin")
    view = stage.workspace.views_of(stage.person("eva"))[0]
    changed = [dict(block) for block in TICKET_FORM["blocks"]]
    for block in changed:
        if block.get("block_id") == "subject":
            block["hint"] = words("A new hint.")
    changed[0] = {"type": "divider", "block_id": view["blocks"][0]["block_id"]}
    stage.workspace.views.update(view_id=view["id"], external_id="", view={**TICKET_FORM, "blocks": changed}, hash_="")
    await expect(stage.form).to_contain_text("A new hint.")
    await expect(subject).to_be_focused()
    await stage.page.keyboard.type("ter")
    await expect(subject).to_have_value("Printer")


async def test_what_is_typed_while_the_form_follows_a_choice_is_neither_lost_nor_drawn_anew(stage):
    def follow(payload):
        typed = payload["view"]["state"]["values"]["subject"]["subject"]["value"] or ""
        blocks = copy.deepcopy(TICKET_FORM["blocks"])
        subject = next(block for block in blocks if block.get("block_id") == "subject")
        subject["element"]["initial_value"] = typed + " of a moment ago"  # what the app knew when the choice was made
        blocks.append({"type": "context", "elements": [words("Now for IT support.")]})
        stage.workspace.views.update(
            view_id=payload["view"]["id"], external_id="", view={**TICKET_FORM, "blocks": blocks}, hash_=""
        )

    stage.app.answers["block_actions"] = follow
    await stage.open_form(TICKET_FORM)
    stage.app.held = asyncio.Event()
    subject = stage.form.get_by_label("Subject")
    node = await subject.element_handle()
    await stage.block("department").get_by_role("combobox").select_option(label="IT support")
    await subject.fill("Printer")
    stage.app.held.set()
    await stage.asked("block_actions")
    await expect(stage.form).to_contain_text("Now for IT support.")

    await expect(subject).to_have_value("Printer")
    assert await node.evaluate("(node) => node.isConnected")


async def test_forms_are_stacked_and_the_lower_one_is_as_it_was_left(stage):
    stage.app.answers["view_submission"] = lambda payload: {
        "response_action": "push",
        "view": form(field("why", "Why", {"type": "plain_text_input"}), title="Really?", submit="Yes"),
    }
    await stage.open_form(form(field("line", "Line", {"type": "plain_text_input"})))
    await stage.form.get_by_label("Line").fill("first")
    await stage.page.keyboard.press("Enter")
    await expect(stage.form.get_by_role("heading")).to_have_text("Really?")
    await expect(stage.form.get_by_label("Why")).to_be_focused()
    await stage.page.keyboard.press("Escape")
    await expect(stage.form.get_by_role("heading")).to_have_text("New ticket")
    await expect(stage.form.get_by_label("Line")).to_have_value("first")


async def test_the_focus_stays_in_the_form_and_escape_gives_it_back(stage):
    stage.app.answers["view_closed"] = lambda payload: None
    await stage.open_form({**TICKET_FORM, "notify_on_close": True})
    for _ in range(14):
        await stage.page.keyboard.press("Tab")
        inside = "() => document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        assert await stage.page.evaluate(inside)
    await stage.page.keyboard.press("Escape")
    await expect(stage.form).to_be_hidden()
    await expect(stage.editor).to_be_focused()
    await stage.asked("view_closed")


async def test_a_form_that_the_app_does_not_answer_stays_open_and_says_so(stage):
    await stage.open_form(TICKET_FORM)
    await stage.block("department").get_by_role("combobox").select_option(label="IT support")
    await stage.form.get_by_label("Subject").fill("Printer")
    await stage.form.get_by_role("button", name="Create ticket").click()
    await expect(stage.form.get_by_role("alert")).to_contain_text("We had some trouble connecting. Try again?")
    await expect(stage.form.get_by_label("Subject")).to_have_value("Printer")


async def test_a_form_cannot_be_sent_twice_while_the_app_thinks(stage):
    stage.app.answers["view_submission"] = lambda payload: None
    await stage.open_form(form(field("line", "Line", {"type": "plain_text_input", "initial_value": "x"})))
    stage.app.held = asyncio.Event()
    await stage.form.get_by_role("button", name="Create ticket").click()
    await expect(stage.form.get_by_role("button", name="Sending…")).to_be_disabled()
    await stage.form.get_by_label("Line").press("Enter")
    stage.app.held.set()
    await expect(stage.form).to_be_hidden()
    assert 1 == len(stage.app.of("view_submission"))


async def test_a_picked_person_is_searched_with_the_keyboard(stage):
    stage.app.answers["view_submission"] = lambda payload: None
    await stage.open_form(form(field("people", "People", {"type": "multi_users_select", "max_selected_items": 2})))
    box = stage.form.get_by_role("combobox")
    for name in ("ben", "mira"):
        await box.press_sequentially(name)
        await expect(suggested(stage, "")).to_have_count(1)
        await box.press("ArrowDown")
        await expect(box).to_have_attribute("aria-activedescendant", await suggested(stage, "").get_attribute("id"))
        await box.press("Enter")
    await box.press_sequentially("tom")
    await expect(suggested(stage, "")).to_have_count(1)
    await box.press("Enter")
    await expect(stage.page.get_by_text("No more than 2 can be chosen.").first).to_be_visible()
    await box.press("Escape")
    await expect(stage.form).to_be_visible()
    await stage.form.get_by_role("button", name="Create ticket").click()
    values = (await stage.asked("view_submission"))["view"]["state"]["values"]
    assert [stage.person("ben"), stage.person("mira")] == values["people"]["people"]["selected_users"]


async def test_a_file_of_a_form_arrives_whole(stage):
    stage.app.answers["view_submission"] = lambda payload: None
    content = bytes(range(256)) * 4000
    await stage.open_form(form(field("files", "Files", {"type": "file_input", "max_files": 1})))
    picked = {"name": "log é.bin", "mimeType": "application/octet-stream", "buffer": content}
    await stage.block("files").locator("input").set_input_files(picked)
    await expect(stage.block("files")).to_contain_text("log é.bin (1000 kB)")
    await stage.form.get_by_role("button", name="Create ticket").click()
    await expect(stage.form).to_be_hidden()
    sent = (await stage.asked("view_submission"))["view"]["state"]["values"]["files"]["files"]["files"]
    digests = [hashlib.sha256(stage.workspace.file_bytes(file["id"])).hexdigest() for file in sent]
    assert [hashlib.sha256(content).hexdigest()] == digests
