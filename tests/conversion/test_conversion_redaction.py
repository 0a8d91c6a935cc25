"""Where the operator wants it, what is deleted in Slack goes from the ticket; what cannot go is not repeated."""

import pytest

from bot.conversion.records import DeleteMessage
from tests.conversion.test_conversion_worker import THREAD, opened, reply

SECRET = "my password is x"


@pytest.fixture(autouse=True)
def redacting(house):
    house.desk.settings = house.desk.settings.model_copy(update={"deletions": "redact"})


def deleted(ts):
    return DeleteMessage(actor="U1", ts=ts, previous={"ts": ts, "text": SECRET})


async def texts(house):
    (ticket,) = await house.tickets()
    return [message.text for message in ticket.messages]


async def test_a_message_that_has_a_place_of_its_own_is_taken_off_the_ticket(house):
    await opened(house)
    work = reply(1, SECRET)
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.receipts)
    assert SECRET in await texts(house)

    await house.intake.delete(THREAD, deleted(work.ts))

    async def gone():
        return len(await texts(house)) == 1

    await house.until(gone)
    assert SECRET not in await texts(house)


async def test_a_message_that_shares_its_place_with_others_is_named_and_not_repeated(house):
    await opened(house)
    known = await house.store.links.delivered(THREAD, THREAD.ts)
    await house.store.links.learn(THREAD, THREAD.ts, known.model_copy(update={"alone": False}))

    await house.intake.delete(THREAD, deleted(THREAD.ts))

    async def told():
        return len(await texts(house)) == 2

    await house.until(told)
    note = (await texts(house))[1]
    assert SECRET not in note
    assert note.startswith(
        "Ada Lovelace deleted their message of 2023-11-14 22:13 UTC in Slack. Take it off this ticket"
    )
