"""A thread that was parted from its ticket gets another one, once, and never the one before."""

import asyncio
import time
from datetime import timedelta

import pytest

from adapters.errors import OutcomeUnknown
from adapters.model import Status
from bot.conversion.intake import Intake
from bot.conversion.ops import perhaps_done
from bot.conversion.records import FinishStep, LinkTicket
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened

ANEW = OPEN.model_copy(update={"subject": "Smoke", "description": "It is typed"})


@pytest.fixture
async def parted(house):
    """The ticket that the thread had."""
    ticket = await opened(house)
    await house.intake.unlink(THREAD)
    house.threads.messages += [said("1700000100.000100", "said since")]
    return ticket


async def _has_another(house, before):
    link = await house.store.links.get(THREAD)
    return link and link.ticket_id != before.id and not await house.store.lanes.waiting(str(THREAD))


async def _other(house, before):
    """The only other ticket, when the thread has it."""
    await house.until(lambda: _has_another(house, before))
    (other,) = [ticket for ticket in await house.tickets() if ticket.id != before.id]
    return other


async def test_what_was_typed_and_said_since_is_on_a_new_ticket(house, parted):
    await house.intake.open_ticket("T1", ANEW, once="view")

    other = await _other(house, parted)

    assert "Smoke" == other.subject
    text = "\n".join(message.text for message in other.messages)
    assert (1, 1, 1) == tuple(text.count(words) for words in ("It is typed", "It burns", "said since"))


async def test_it_has_one_however_many_press_and_in_however_many_processes(house, parted):
    intakes = [house.intake, Intake(house.store.lanes, house.store.links)]
    presses = [intakes[n % 2].open_ticket("T1", ANEW, once=f"view {n}") for n in range(20)]

    answers = await asyncio.gather(*presses)
    await _other(house, parted)
    later = await house.intake.open_ticket("T1", ANEW, once="later")

    assert 1 == sum(answer.new for answer in answers)
    assert not later.new
    assert 2 == len(await house.tickets())


async def test_it_has_yet_another_after_it_was_parted_again(house, parted):
    await house.intake.open_ticket("T1", ANEW, once="view")
    await _other(house, parted)
    await house.intake.unlink(THREAD)
    await house.intake.open_ticket("T1", ANEW.model_copy(update={"subject": "Ashes"}), once="view")

    await house.until(lambda: _has_another(house, parted))

    assert ["Printer on fire", "Smoke", "Ashes"] == [ticket.subject for ticket in await house.tickets()]


@pytest.mark.usefixtures("quick_settle")
@pytest.mark.parametrize("made", [True, False])
async def test_where_an_answer_was_lost_it_is_found_by_its_own_marker(house, parted, monkeypatch, made):
    failing(house, monkeypatch, "open_ticket", OutcomeUnknown("desk", "it did not answer."), after=made)
    drafts, real = [], house.desk.open_ticket

    async def counted(draft):
        drafts.append(draft.first.marker)
        return await real(draft)

    monkeypatch.setattr(house.desk, "open_ticket", counted)
    await house.intake.open_ticket("T1", ANEW, once="view")

    assert "Smoke" == (await _other(house, parted)).subject
    assert (1 if made else 2) == len(drafts)


@pytest.mark.usefixtures("quick_settle")
async def test_what_a_server_that_was_set_back_forgot_is_found_by_whoever_asks_again(house, parted):
    await house.intake.open_ticket("T1", ANEW, once="view")
    other = await _other(house, parted)
    for key in [key async for key in house.store.connection.client.scan_iter("tk:*")]:
        if not key.endswith(("partings", "meta", "runs")):
            await house.store.connection.do("DEL", key)

    with perhaps_done(time.time()):  # as an event that is carried out again
        await house.intake.open_ticket("T1", ANEW, once="view")

    assert other.id == (await _other(house, parted)).id


async def test_it_has_another_although_it_was_parted_while_its_ticket_was_still_being_made(house, monkeypatch):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    add, links = house.store.lanes.add, list[object]()

    async def parts(ops):
        if any(op.id == "card" for op in ops) and not links:
            links.append(await house.intake.unlink(THREAD))
        return await add(ops)

    monkeypatch.setattr(house.store.lanes, "add", parts)
    await house.intake.open_ticket("T1", OPEN, once="view")
    await idle(house, str(THREAD))
    (ticket,) = await house.tickets()

    await house.intake.open_ticket("T1", ANEW, once="view")

    assert "Smoke" == (await _other(house, ticket)).subject


async def test_linking_and_opening_still_exclude_each_other(house, parted):
    wish = LinkTicket(actor="U2", desk="desk", number=parted.number, channel="C1", thread_ts=THREAD.ts)
    linked = await house.intake.link_ticket(THREAD, wish)
    other = await house.intake.open_ticket("T1", ANEW, once="view")

    assert (True, False, wish) == (linked.new, other.new, other.earlier)


async def test_a_step_waits_for_it(house, parted, monkeypatch):
    monkeypatch.setattr("bot.conversion.steps.LOOK_AGAIN", timedelta(milliseconds=20))
    await house.intake.open_ticket("T1", ANEW, once="view")
    await house.intake.finish_step("T1", FinishStep(step="Fx1", thread=THREAD))

    await house.until(lambda: house.voice.ended)

    other = await _other(house, parted)
    assert [("Fx1", other.number)] == [(step, outputs.get("ticket_number")) for step, outputs, _ in house.voice.ended]


async def test_of_two_that_link_a_thread_whose_ticket_is_gone_the_second_hears_which_it_has(house, parted):
    """Until the first has linked it, nobody knows that the second is not wanted."""
    await house.intake.open_ticket("T1", ANEW, once="view")
    await _other(house, parted)
    await house.store.links.update(THREAD, lambda now: now.model_copy(update={"state": Status.GONE}))

    for actor, number in (("U1", parted.number), ("U2", "99")):
        wish = LinkTicket(actor=actor, desk="desk", number=number, channel="C1", thread_ts=THREAD.ts)
        await house.intake.link_ticket(THREAD, wish)
    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")

    assert [("U2", f"This thread is ticket {parted.number} already.")] == [told[:2] for told in house.voice.told]
