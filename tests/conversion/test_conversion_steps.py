"""A workflow's step is told once how it ended: with its ticket, or why there is none."""

from datetime import timedelta

from adapters.errors import Rejected
from bot.conversion.decisions import Decision, decided
from bot.conversion.records import FinishStep, OpenTicket
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened

FORM = OpenTicket(desk="desk", actor="U1", channel="C1", subject="No thread", description="None", step="Fx1")


async def test_a_ticket_of_a_form_ends_its_step_with_number_and_thread(house):
    await house.intake.open_ticket("T1", FORM, once="step:Fx1")
    await house.intake.open_ticket("T1", FORM, once="step:Fx1")

    await house.until(lambda: house.voice.ended)

    (ticket,) = await house.tickets()
    (link,) = [link async for link in house.store.links.all()]
    thread = await house.threads.permalink(link.thread.channel, link.thread.ts)
    outputs = {"ticket_number": ticket.number, "ticket_link": "", "thread_link": thread}
    assert [("Fx1", outputs, "")] == house.voice.ended


async def test_a_step_about_a_thread_with_a_ticket_ends_with_that_one(house):
    ticket = await opened(house)

    await house.intake.finish_step("T1", FinishStep(step="Fx2", thread=THREAD))
    await house.until(lambda: house.voice.ended)

    assert [("Fx2", ticket.number)] == [(step, outputs["ticket_number"]) for step, outputs, _ in house.voice.ended]


async def test_a_step_waits_for_the_ticket_that_somebody_else_is_having_made(house, monkeypatch):
    monkeypatch.setattr("bot.conversion.steps.LOOK_AGAIN", timedelta(milliseconds=20))
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.finish_step("T1", FinishStep(step="Fx3", thread=THREAD))

    await house.until(lambda: house.voice.ended)

    (ticket,) = await house.tickets()
    assert [("Fx3", ticket.number)] == [(step, outputs["ticket_number"]) for step, outputs, _ in house.voice.ended]


async def test_a_ticket_that_is_refused_ends_its_step_with_why_and_the_requester_may_still_decide(house, monkeypatch):
    failing(house, monkeypatch, "open_ticket", Rejected("desk", "the department is closed."))
    await house.intake.open_ticket("T1", FORM, once="step:Fx1")
    await house.until(lambda: house.voice.ended and house.voice.told)
    ((_, _, error),) = house.voice.ended
    assert "the department is closed." in error

    (parked,) = [parked async for parked in house.store.lanes.parked()]
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
    await house.until(lambda: house.voice.cards)

    assert 1 == len(house.voice.ended)


async def test_a_thread_that_never_got_a_ticket_ends_the_step_with_words(house):
    await house.intake.finish_step("T1", FinishStep(step="Fx4", thread=THREAD))

    await house.until(lambda: house.voice.ended)

    assert [("Fx4", {}, "The thread's ticket is not linked with it any more.")] == house.voice.ended
