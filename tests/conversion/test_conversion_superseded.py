"""Edits and deletions of what is not on the ticket yet, or is there as it reads now."""

from bot.conversion.records import DeleteMessage, EditMessage
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply

FIRST, SECOND = "1800000001.000100", "1800000002.000100"


def edit(text, before):
    return EditMessage(
        actor="U1", ts=FIRST, message={"ts": FIRST, "text": text}, previous={"ts": FIRST, "text": before}, edited="0"
    )


async def texts(house):
    (ticket,) = await house.tickets()
    return "\n".join(message.text for message in ticket.messages)


async def test_an_edit_that_the_import_had_already_is_not_told_again(house):
    house.threads.messages = [said(THREAD.ts, "It burns"), said(FIRST, "black smoke")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.edit(THREAD, edit("black smoke", "blue smoke"), change="1800000001.500000")
    await house.intake.mirror(THREAD, reply(2, "and flames"))

    await house.until(lambda: (SECOND, "delivered") in house.voice.receipts)

    assert (1, 0) == ((await texts(house)).count("black smoke"), (await texts(house)).count("blue smoke"))


async def test_an_edit_back_to_an_earlier_text_is_told(house):
    await opened(house)
    await house.intake.mirror(THREAD, reply(1, "blue smoke"))
    await house.intake.edit(THREAD, edit("blue smoke", "blue smoke"), change="1800000001.400000")
    await house.until(lambda: house.voice.receipts)
    await house.intake.edit(THREAD, edit("black smoke", "blue smoke"), change="1800000001.500000")
    await house.intake.edit(THREAD, edit("green smoke", "black smoke"), change="1800000001.600000")
    await house.intake.edit(THREAD, edit("black smoke", "green smoke"), change="1800000001.700000")
    await house.intake.mirror(THREAD, reply(2, "and flames"))

    await house.until(lambda: (SECOND, "delivered") in house.voice.receipts)

    assert "black smoke\n\nBefore it was edited" in await texts(house)


async def test_a_message_that_is_deleted_before_it_is_sent_never_reaches_the_ticket(house):
    await opened(house)
    await house.intake.mirror(THREAD, reply(1, "my password is hunter2"))
    await house.intake.delete(
        THREAD, DeleteMessage(actor="U1", ts=FIRST, previous={"ts": FIRST, "text": "my password"})
    )
    await house.intake.mirror(THREAD, reply(2, "and flames"))

    await house.until(lambda: (SECOND, "delivered") in house.voice.receipts)

    assert "password" not in await texts(house)
