"""What is said of the files of messages that do not reach a ticket: on the ticket, and on the card in the thread."""

import pytest

from adapters.contract import Limits
from adapters.errors import Unavailable
from bot.conversion.ports import SlackFile, SlackRefused
from tests.conversion.slack_fakes import said, with_files
from tests.conversion.test_conversion_worker import THREAD, opened, reply


@pytest.mark.parametrize(
    ("code", "told", "line"),
    [
        ("file_not_found", "a.txt: why.", "Not attached: a.txt"),
        (
            "file_denied",
            "a.txt: why. It stays in Slack: https://a.slack.com/F9",
            "Not attached, still in Slack: a.txt (https://a.slack.com/F9)",
        ),
    ],
)
async def test_a_file_that_cannot_be_fetched_is_not_said_to_be_attached_nor_in_slack_where_it_is_not(
    house, code, told, line
):
    async def fetch(file, folder, *, limit):
        raise SlackRefused(code, "why.")

    house.threads.fetch = fetch
    file = SlackFile(id="F9", name="a.txt", size=5, permalink="https://a.slack.com/F9")
    house.threads.messages = [with_files(said(THREAD.ts, "It burns"), file)]

    ticket = await opened(house)
    await house.until(lambda: house.voice.updates or house.voice.cards)

    assert (told,) == (await house.store.links.get(THREAD)).left_out
    assert ["It burns", "Files: a.txt", line] == [text for text in ticket.messages[0].text.split("\n") if text][1:4]


async def test_what_the_first_part_of_a_message_could_not_bring_is_said_though_a_later_part_is_tried_again(
    house, monkeypatch
):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "limits", Limits(files=1))
    house.threads.files["F2"] = b"12345"
    files = [SlackFile(id="F1", name="lost.pdf", size=5), SlackFile(id="F2", name="F2.txt", size=5)]

    async def understand(message, channel):
        return with_files(said(message["ts"], "see"), *files)

    house.threads.understand = understand
    add, tries = house.desk.add_message, []

    async def broken(*args):
        tries.append(1)
        if len(tries) == 2:
            raise Unavailable("desk", "away")
        return await add(*args)

    monkeypatch.setattr(house.desk, "add_message", broken)
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: any(state == "delivered" for _, state in house.voice.receipts), seconds=30)

    assert ("lost.pdf: the file is gone from Slack.",) == (await house.store.links.get(THREAD)).left_out
    assert 3 == len(tries)


async def test_of_much_that_could_not_be_carried_the_newest_is_kept_and_the_number_of_the_rest(house):
    await opened(house)

    async def understand(message, channel):
        lost = [SlackFile(id=f"F{n}", name=f"{n}.txt", size=5, trouble="it was deleted.") for n in range(15)]
        return with_files(said(message["ts"], "see"), *lost)

    house.threads.understand = understand
    for number in (1, 2):
        await house.intake.mirror(THREAD, reply(number))
    await house.until(lambda: 2 == len(house.voice.receipts))

    link = await house.store.links.get(THREAD)
    assert (10, 20, "14.txt: it was deleted.") == (link.left_out_before, len(link.left_out), link.left_out[-1])
