"""The journey in Italian, with the true bot: no English is left in what Threadline says."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from bot.commands.demo import running
from tests.e2e.stage import a_page, shot
from tests.e2e.test_e2e_journey import PATIENCE, Walk
from tests.words.catalogue import left_in_english

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(loop_scope="module")
async def walk(browser):
    async with running("local", language="it") as demo, a_page(browser, demo.url) as page:
        yield Walk(page, demo, "local")


async def english(place):
    return left_in_english(await place.inner_text(), "it")


async def test_form_error_card_answer_and_home_are_in_italian(walk):
    await walk.begin("Mira Castellano")
    editor = walk.page.get_by_role("combobox", name="Message", exact=True)
    await editor.fill("/ticket la stampante brucia")
    await editor.press("Enter")
    await expect(walk.form.get_by_role("heading", name="Nuovo ticket")).to_be_visible()
    await expect(walk.form.get_by_label("Reparto")).to_be_visible(timeout=PATIENCE)
    await expect(walk.form).not_to_contain_text("Richiesta degli elenchi", timeout=PATIENCE)
    assert [] == await english(walk.form)
    await shot(walk.page, "words-it-1-form")
    await walk.choose("Reparto", "Support")
    await walk.form.get_by_label("Descrizione").fill("Esce fumo")
    outsider = walk.form.get_by_label("Oppure un richiedente che non è su Slack")
    await outsider.fill("nobody at all")
    await walk.form.get_by_role("button", name="Crea").click()
    await expect(walk.form).to_contain_text("Inserire un solo indirizzo e-mail", timeout=PATIENCE)
    assert [] == await english(walk.form)
    await shot(walk.page, "words-it-2-error")
    await outsider.fill("")
    await walk.form.get_by_role("button", name="Crea").click()
    await expect(walk.form).to_be_hidden(timeout=PATIENCE)
    card = walk.page.locator("#messages .message", has_text="la stampante brucia").last
    await expect(card).to_contain_text("Assegnatario: ancora nessuno", timeout=PATIENCE)
    assert [] == await english(card)
    await editor.fill("/ticket mine")
    await editor.press("Enter")
    answer = walk.page.locator("#messages .message", has_text="Ticket aperti").last
    await expect(answer).to_be_visible(timeout=PATIENCE)
    assert [] == await english(answer)
    await shot(walk.page, "words-it-3-card")
    await walk.page.get_by_role("button", name="Home").click()
    home = walk.page.locator("#home")
    await expect(home).to_contain_text("la stampante brucia", timeout=PATIENCE)
    assert [] == await english(home)
    await shot(walk.page, "words-it-4-home")
