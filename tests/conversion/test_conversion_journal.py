"""Each visible change is written down before it is made, and made once."""

import contextlib
import time
from datetime import timedelta

import pytest

from adapters.contract import Reconcile
from adapters.errors import OutcomeUnknown, Rejected, Unavailable, UnsupportedFeature
from bot.conversion.journal import AskPerson, Journal, LookLater, Overtaken
from bot.conversion.ports import Head, Lease
from bot.conversion.records import Operation, Progress, Tell, decode


class Written:
    """Stands for the lanes: remembers what was saved, and may die instead of saving."""

    def __init__(self, *, newer=False):
        self.saved = []
        self.newer = newer

    async def save(self, lease, op, payload):
        self.saved.append(decode(payload).progress)
        return self.newer


class Desk:
    """Counts what was really done. ``fails`` is raised after it, or before it; where it is ``blind``, none can look."""

    def __init__(self, *, fails=None, before=False, blind=False):
        self.made = 0
        self.fails, self.before, self.blind = fails, before, blind

    async def act(self):
        if self.fails and self.before:
            raise self.fails
        self.made += 1
        if self.fails:
            raise self.fails
        return "42"

    async def look(self):
        if self.blind:
            raise UnsupportedFeature("d", "it cannot be searched.")
        return "42" if self.made else None


def _journal(written, progress=None, *, verify=False, restarted=0.0):
    operation = Operation(work=Tell(user="U1", text="x"), progress=progress or Progress())
    head = Head(id="op", payload="", waiting=1, link=None, verify=verify, restarted=restarted)
    return Journal(written, Lease("lane", "token"), head, operation)


async def test_the_intent_is_stored_before_the_change_is_made():
    written, desk = Written(), Desk()
    seen = []

    async def act():
        seen.append(written.saved[-1].calling)
        return await desk.act()

    assert "42" == await _journal(written).once("open", act, desk.look)
    assert ["open"] == seen


async def test_a_step_that_is_written_down_as_done_is_not_made_again():
    desk = Desk()
    journal = _journal(Written(), Progress(done={"open": "42"}))

    assert "42" == await journal.once("open", desk.act, desk.look)
    assert 0 == desk.made


async def test_after_a_crash_between_change_and_record_the_change_is_found_and_not_repeated():
    written, desk = Written(), Desk(fails=SystemExit())
    with pytest.raises(SystemExit):
        await _journal(written).once("open", desk.act, desk.look)

    journal = _journal(written, written.saved[-1])

    assert "42" == await journal.once("open", desk.act, desk.look)
    assert 1 == desk.made


async def test_after_a_crash_before_the_change_it_is_made():
    written, desk = Written(), Desk(fails=SystemExit(), before=True)
    with pytest.raises(SystemExit):
        await _journal(written).once("open", desk.act, desk.look)
    desk.fails = None

    await _journal(written, written.saved[-1]).once("open", desk.act, desk.look)

    assert 1 == desk.made


async def test_nobody_looks_before_a_late_change_may_have_settled():
    desk = Desk()
    journal = _journal(Written(), Progress(calling="open", since=time.time()))

    with pytest.raises(LookLater) as early:
        await journal.once("open", desk.act, desk.look, settle=timedelta(minutes=1))

    assert timedelta(seconds=50) < early.value.delay <= timedelta(minutes=1)
    assert 0 == desk.made


async def test_an_unknown_outcome_stays_unknown_and_a_sure_failure_does_not():
    for error, calling in ((OutcomeUnknown("d", "c"), "open"), (Unavailable("d", "c"), "")):
        journal = _journal(Written())
        with pytest.raises(type(error)):
            await journal.once("open", Desk(fails=error).act, Desk().look)

        assert calling == journal.progress.calling


async def test_what_was_stored_before_the_server_restarted_is_looked_for_at_every_step():
    desk = Desk()
    desk.made = 1
    journal = _journal(Written(), verify=True)

    await journal.once("open", desk.act, desk.look)
    again = _journal(Written(), decode(journal.stored()).progress)
    await again.once("message 1", desk.act, desk.look)

    assert 1 == desk.made


async def test_where_nobody_can_look_a_person_is_asked_and_their_answer_obeyed():
    progress = Progress(calling="open", since=0.0)
    desk = Desk()
    with pytest.raises(AskPerson):
        await _journal(Written(), progress).once("open", desk.act, desk.look, reconcile=Reconcile.NONE)

    there = progress.model_copy(update={"answer": "there"}, deep=True)
    assert "" == await _journal(Written(), there).once("open", desk.act, desk.look, reconcile=Reconcile.NONE)
    assert 0 == desk.made

    again = progress.model_copy(update={"answer": "again"}, deep=True)
    assert "42" == await _journal(Written(), again).once("open", desk.act, desk.look, reconcile=Reconcile.NONE)
    assert 1 == desk.made


async def _none(desk, progress, *, verify=False, step="open", **waits):
    return await _journal(Written(), progress, verify=verify).once(
        step, desk.act, desk.look, reconcile=Reconcile.NONE, **waits
    )


async def test_nobody_is_asked_before_a_late_change_may_have_settled():
    with pytest.raises(LookLater):
        await _none(Desk(blind=True), Progress(calling="open", since=time.time()), settle=timedelta(minutes=1))


async def test_nobody_is_asked_about_what_shows_although_its_absence_would_prove_nothing():
    desk = Desk()
    desk.made = 1

    assert "42" == await _none(desk, Progress(calling="open"))
    assert 1 == desk.made


async def test_what_shows_is_not_made_again_whatever_a_person_answered():
    desk = Desk()
    desk.made = 1

    assert "42" == await _none(desk, Progress(calling="open", answer="again"))
    assert 1 == desk.made


async def test_an_answer_about_one_step_is_none_about_the_next():
    desk, progress = Desk(blind=True), Progress(calling="message 0", answer="there", verify=1.0)
    assert "" == await _none(desk, progress, step="message 0")

    with pytest.raises(AskPerson):
        await _none(desk, progress, step="message 1")


async def test_an_answer_from_before_the_server_restarted_is_not_obeyed_since_it_may_have_been_already():
    desk = Desk(blind=True)

    with pytest.raises(AskPerson):
        await _none(desk, Progress(calling="open", answer="again"), verify=True)
    assert 0 == desk.made


async def test_a_desk_that_should_be_searched_and_cannot_be_is_not_taken_at_its_silence():
    desk = Desk(blind=True)

    with pytest.raises(UnsupportedFeature):
        await _journal(Written(), Progress(calling="open")).once("open", desk.act, desk.look)
    assert 0 == desk.made


@pytest.mark.parametrize("looks", [True, False])
async def test_only_a_change_that_was_looked_for_and_not_found_proves_that_nothing_behind_it_was_made(looks):
    """After the server was set back: what may be made twice is made again, and may have been made before as well."""
    desk = Desk()
    journal = _journal(Written(), verify=True)

    await journal.once("edit", desk.act, desk.look if looks else None)

    assert (looks, 1) == (journal.missed, desk.made)


async def test_what_may_be_made_twice_is_made_again_after_its_answer_was_lost():
    desk = Desk(fails=OutcomeUnknown("d", "cut"))
    journal = _journal(Written())
    with pytest.raises(OutcomeUnknown):
        await journal.once("edit", desk.act)
    desk.fails = None

    assert ("42", 2) == (await journal.once("edit", desk.act), desk.made)


@pytest.mark.parametrize(("step", "begun"), [("message 0", False), ("requester", True)])
async def test_what_was_in_doubt_and_looked_for_and_refused_is_not_begun(step, begun):
    """A requester that is missing says nothing of the ticket."""
    desk = Desk(fails=Rejected("d", "no."), before=True)
    journal = _journal(Written(), verify=True)

    with pytest.raises(Rejected):
        await journal.once(step, desk.act, desk.look)

    assert begun == decode(journal.stored()).progress.begun


async def test_who_was_in_doubt_and_is_again_is_begun():
    assert _journal(Written(), Progress(verify=1.0, missed=1.0), verify=True, restarted=1.0).progress.begun


@pytest.mark.parametrize(
    ("progress", "made"),
    [
        ({"done": {"way": "reopen", "reopen": "", "file 0:0": "7"}}, 0),
        ({"done": {"message 0": "7"}}, 1),
        ({"verify": 1.0}, 1),  # it may be at the desk, and is looked for where its message would be sent
    ],
)
async def test_a_newer_text_goes_first_unless_the_old_one_may_be_at_the_desk(progress, made):
    desk = Desk()
    journal = _journal(Written(newer=True), Progress(**progress))

    with contextlib.suppress(Overtaken):
        await journal.once("file 0:1", desk.act)

    assert made == desk.made
