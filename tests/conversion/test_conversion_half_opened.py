"""A ticket that was opened and has half of what it is to have, when its thread is unlinked or its rest refused."""

from dataclasses import replace

import pytest

from adapters.errors import Rejected, Unavailable
from bot.conversion.decisions import Decision, decided
from bot.conversion.records import decode
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_parted import standing, told
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_unsent import parked
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing


@pytest.fixture
async def half_opened(house, monkeypatch):
    """Has a ticket opened with the beginning of its thread, whose rest meets an error of the desk."""
    limits = replace(house.desk.limits, body=400)
    monkeypatch.setattr(type(house.desk), "limits", property(lambda _: limits))

    async def half(error):
        failing(house, monkeypatch, "add_message", error)
        house.threads.messages = [said(THREAD.ts, "\n\n".join(["first " * 20, "second " * 20, "third " * 20]))]
        await house.intake.open_ticket("T1", OPEN.model_copy(update={"step": "Fx1"}), once="view")

        async def failed():
            record = await house.store.lanes.peek(str(THREAD), f"create:{THREAD}")
            return record and decode(record).progress.attempts == 1

        await house.until(failed)

    return half


async def _decide(house, decision):
    (refused,) = await parked(house)
    await house.store.lanes.unpark(refused.lane, refused.id, decided(refused.payload, decision))


@pytest.mark.parametrize("error", [Unavailable("desk", "it does not answer."), Rejected("desk", "it is too long.")])
async def test_of_a_thread_that_is_unlinked_when_half_of_it_is_on_its_new_ticket_the_rest_stays_and_that_is_told(
    house, half_opened, error
):
    await half_opened(error)
    await house.intake.unlink(THREAD)
    if isinstance(error, Rejected):
        await _decide(house, Decision.AGAIN)

    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")
    await house.until(lambda: house.voice.ended)

    assert ([(False, [])], None) == (await standing(house), await house.store.links.get(THREAD))
    assert told(house)[-1].startswith("Ticket L-1 was opened, but its thread was unlinked before all of it was there.")


@pytest.mark.parametrize("decision", [Decision.AGAIN, Decision.DISCARD])
async def test_what_is_known_of_a_threads_ticket_stays_when_the_rest_of_the_one_before_is_decided_about(
    house, half_opened, decision
):
    """Else an edit would go to a message of another ticket."""
    await half_opened(Rejected("desk", "it is too long."))
    await house.intake.unlink(THREAD)
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="another")
    await idle(house, str(THREAD))
    known = await house.store.links.deliveries(THREAD)

    await _decide(house, decision)
    await idle(house, str(THREAD))

    assert known == await house.store.links.deliveries(THREAD)
    assert "L-2" == (await house.store.links.get(THREAD)).number
    assert 2 == len(await standing(house))
