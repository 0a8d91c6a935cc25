"""What is typed at the agents' card for the requester, where there is more to it than words."""

from dataclasses import replace

from adapters.model import Visibility
from bot.conversion.ports import SlackFile, SlackRefused
from bot.conversion.records import AddMessage
from tests.conversion.test_conversion_agents import spoken, switch_on, told
from tests.conversion.test_conversion_worker import opened


async def _typed(house, link, *, files=()):
    """A public reply with its files, typed at the agents' card."""
    message = {"ts": "1900000001.000100", "text": "Try another one"}
    real = house.threads.understand

    async def with_files(one, channel):
        return replace(await real(one, channel), files=files)

    house.threads.understand = with_files
    work = AddMessage(actor="U2", ts=message["ts"], message=message, visibility=Visibility.PUBLIC)
    await house.intake.add_message(link.thread, work, once="press")

    async def answered():
        return (await house.store.links.get(link.thread)).answered

    await house.until(answered)


async def test_who_typed_a_reply_at_the_agents_card_hears_that_the_requesters_thread_does_not_take_it(
    house, monkeypatch
):
    switch_on(house)
    await opened(house)
    link = await told(house)

    async def shut(*_args, **_more):
        raise SlackRefused("is_archived", "That channel is archived.")

    monkeypatch.setattr(house.voice, "post", shut)
    await _typed(house, link)

    await house.until(lambda: house.voice.told, seconds=3)

    ((user, text, _),) = house.voice.told
    assert ("U2", True) == (user, text.endswith("That channel is archived."))
    assert "is on ticket" in text


async def test_who_typed_a_reply_hears_of_a_file_that_slack_does_not_give(house):
    switch_on(house)
    await opened(house)
    link = await told(house)
    house.threads.files["F1"] = b"%PDF"
    lost = SlackFile(id="F2", name="lost.pdf", size=4, url="https://x.slack.com/files/U2/F2/lost.pdf")

    await _typed(house, link, files=(lost, SlackFile(id="F1", name="guide.pdf", size=4)))
    await house.until(lambda: house.voice.told, seconds=3)

    ((user, text, _),) = house.voice.told
    assert ("U2", True) == (user, "lost.pdf" in text)
    assert [("guide.pdf", b"%PDF")] == house.voice.uploads


async def test_a_file_of_a_reply_at_the_agents_card_reaches_the_requester(house):
    switch_on(house)
    await opened(house)
    link = await told(house)
    house.threads.files["F1"] = b"%PDF"

    await _typed(house, link, files=(SlackFile(id="F1", name="guide.pdf", size=4),))

    assert ["Try another one"] == spoken(house)
    assert [("guide.pdf", b"%PDF")] == house.voice.uploads
