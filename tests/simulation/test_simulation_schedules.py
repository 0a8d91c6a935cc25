"""Schedules that are lived through in virtual time: all invariants hold, and each rule that is left out is missed."""

from dataclasses import replace

import pytest

from tests.crash import mutants
from tests.simulation.network import Rates
from tests.simulation.plan import Plan, Step, drawn
from tests.simulation.shrinking import kinds, shrunk
from tests.simulation.town import live

SOME = range(100)


@pytest.mark.timeout(600)
def test_some_schedules_of_every_kind_end_as_they_must():
    failed = {seed: failures for seed in SOME if (failures := live(drawn(seed)).failures)}

    assert {} == failed


def test_the_same_seed_comes_to_the_same():
    assert live(drawn(3)) == live(drawn(3))


def say(at: float, number: int = 0) -> Step:
    return Step(at=at, what="say", of=number)


def plan(*steps: Step, **more: object) -> Plan:
    usual: dict[str, object] = {"flavour": "listing", "bots": 2, "threads": 1, "noise": "fixed"}
    opening = Step(at=0.0, what="open")
    return Plan(steps=(opening, *steps), **(usual | more))  # type: ignore[arg-type]  # a plan's own names


TALK = tuple(say(4.0 + number / 2, number) for number in range(6))
EDITS = tuple(Step(at=4.4 + number / 2, what="edit", of=number) for number in range(6))
RUNS = {
    "no settle wait": ("twice", plan(*(say(4.0 + number / 2, number) for number in range(16)), desk=Rates(late=0.4))),
    "no reconciliation": ("twice", plan(*TALK, desk=Rates(cut=0.4))),
    "no run_id guard": (
        "twice",
        plan(
            say(9.0),
            Step(at=10.0, what="copy"),
            say(10.1, 1),
            say(10.2, 2),
            Step(at=12.0, what="roll back", span=0.1),
            Step(at=13.0, what="sweep"),
        ),
    ),
    "ack before store": (
        "lost",
        plan(*TALK, *EDITS, *(Step(at=4.2 + n / 2, what="kill", of=n, span=0.1) for n in range(6))),
    ),
    "dedupe by event id only": ("twice", plan(*TALK, doubled=1.0)),
    "watermark before delivery": (
        "passed over",
        plan(*(Step(at=5.0 + n, what="reply", of=n) for n in range(16)), slack=Rates(refused=0.5), flavour="exact"),
    ),
}


def test_a_deletion_that_is_handed_over_before_its_message_keeps_it_off_the_ticket():
    early = plan(say(4.0), Step(at=4.001, what="delete"), bots=1)

    assert () == _failures(early, noises=20)


def test_an_edit_that_is_handed_over_before_its_message_takes_its_place():
    early = plan(say(4.0), Step(at=4.001, what="edit"), bots=1)

    assert () == _failures(early, noises=20)


def test_a_creation_lost_just_after_its_link_goes_on_to_the_text():
    late = [plan(Step(at=0.2 + n / 50, what="pause", of=n, span=9.0)) for n in range(20)]

    assert () == tuple(failure for one in late for failure in _failures(one, noises=2))


def test_an_agents_answer_between_opening_and_link_reaches_the_thread():
    early = plan(Step(at=1.0, what="redis down", span=3.0), Step(at=2.0, what="reply"), flavour="exact")
    open_late = replace(early, steps=(Step(at=0.85, what="open"), *early.steps[1:]))

    assert () == _failures(open_late, noises=20)


def test_a_first_card_whose_answer_is_lost_is_not_posted_again():
    assert () == _failures(plan(say(2.0), slack=Rates(cut=0.5)), noises=10)


def test_what_was_in_hand_when_a_copy_was_made_is_looked_for_although_an_earlier_message_came_after_it():
    together = (say(9.0), say(9.03, 1), Step(at=9.3, what="copy"), Step(at=9.75, what="roll back", span=0.5))

    assert () == _failures(plan(*together, flavour="none"), noises=60)


def test_what_was_said_while_a_ticket_was_being_opened_is_found_again_after_a_roll_back():
    late = Step(at=1.0, what="outage", span=12.0)  # so that the ticket is opened after the store was set back
    said = (late, Step(at=9.0, what="copy"), say(9.2), Step(at=10.0, what="roll back", span=0.1))

    assert () == _failures(replace(plan(*said), steps=(*said[:1], Step(at=1.5, what="open"), *said[1:])), noises=10)


def _failures(schedule: Plan, *, noises: int) -> tuple[str, ...]:
    """What fails in a schedule, whatever falls by chance."""
    return tuple(failure for number in range(noises) for failure in live(replace(schedule, noise=f"{number}")).failures)


@pytest.mark.parametrize("mutant", RUNS)
def test_a_rule_that_is_left_out_is_missed(monkeypatch, mutant):
    kind, schedule = RUNS[mutant]
    assert () == _failures(schedule, noises=6)

    monkeypatch.setattr(mutants, "put", monkeypatch.setattr)
    mutants.MUTANTS[mutant]()

    noises = (replace(schedule, noise=f"{number}") for number in range(60))
    assert any(kind in kinds(live(one)) for one in noises)


def test_a_failing_schedule_is_made_small(monkeypatch):
    large = replace(drawn(1), flavour="listing", desk=Rates(cut=0.4), steps=(*drawn(1).steps, *TALK))
    monkeypatch.setattr(mutants, "put", monkeypatch.setattr)
    mutants.MUTANTS["no reconciliation"]()

    small, lived = shrunk(large, live(large))

    assert "twice" in kinds(lived)
    assert len(small.steps) <= 2
