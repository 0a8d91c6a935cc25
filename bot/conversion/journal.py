"""The promise in one place: each change that a person could see is written down before it is made, and made once."""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType

from adapters.contract import Reconcile
from adapters.errors import UnsupportedFeature
from bot.conversion.ports import Head, Lanes, Lease, Links
from bot.conversion.records import Link, LinkRef, Operation, Progress, Work, encode
from bot.conversion.stamps import WORDLESS, part_marker
from bot.conversion.verdicts import ALONE, NeverTaken, surely_not_done

LATE = 5.0
"""Seconds between an intent and its change after which the intent is written again, in case the lease was lost."""
Look = Callable[[], Awaitable[str | None]]
Act = Callable[[], Awaitable[str]]


class LookLater(Exception):
    """A change may still be on its way; it is too early to look for it."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(delay)
        self.delay = delay


class Overtaken(LookLater):
    """Nothing was changed yet, and what is to be said was edited or deleted meanwhile: that is carried out instead."""

    def __init__(self) -> None:
        super().__init__(timedelta())


class Again(Exception):
    """All is done for now, and the same operation is due again later, with *work* in place of what it was."""

    def __init__(self, delay: timedelta, work: Work | None = None) -> None:
        super().__init__(delay)
        self.delay = delay
        self.work = work


class AskPerson(Exception):
    """A change may have been made, and only a person can find out."""


class Journal:
    """The progress of one operation. `once` is the only way in which anything visible is changed."""

    def __init__(self, lanes: Lanes, lease: Lease, head: Head, operation: Operation) -> None:
        self.lease = lease
        self.head = head
        self.operation = operation
        self._lanes = lanes
        self.acted = False  # whether a change was tried now, which may have failed
        self.changed = False  # whether one was made now
        operation.work = _bound(operation.work, head.link)
        if head.verify:
            operation.progress.verify = min(head.restarted or time.time(), time.time())
            operation.progress.waited, operation.progress.missed = head.waited, 0.0
            if operation.progress.answer == "again":  # it may have been obeyed already, and that be forgotten
                operation.progress.answer = ""

    @property
    def progress(self) -> Progress:
        """How far the operation has come."""
        return self.operation.progress

    @property
    def missed(self) -> bool:
        """Whether a step that a restarted server may have forgotten was found not to have been made."""
        return 0 < self.progress.verify == self.progress.missed

    def marker(self, number: int | str = 0) -> str:
        """The correlation marker of a part of this operation."""
        return part_marker(self.head.id, number)

    def begin_again(self, work: Work | None) -> None:
        """Forget the progress of an operation that repeats itself."""
        self.operation = Operation(work=work or self.operation.work)

    def failed(self, others: float) -> None:
        """Count a failure. *others*: when its desk last took another operation like it; 0 where that is no sign.

        One of what is only read or looked for first says nothing of the change itself.
        """
        progress, now = self.progress, time.time()
        progress.attempts += 1
        progress.alone += self.acted and others > progress.last_failed > 0
        progress.first_failed, progress.last_failed = progress.first_failed or now, now

    def forgive(self) -> None:
        """Forget how often an operation failed; what may have been done is still looked for."""
        self.progress.attempts, self.progress.crashes, self.progress.alone = 0, 0, 0
        self.progress.first_failed, self.progress.last_failed = 0.0, 0.0
        self.progress.announced = False

    def stored(self) -> str:
        """The operation as it is written down now."""
        return encode(self.operation)

    async def save(self) -> bool:
        """Write the operation down; whether a newer text waits to take its place. Raises LeaseLost, StoreAway."""
        return await self._lanes.save(self.lease, self.head.id, self.stored())

    async def once(
        self,
        step: str,
        act: Act,
        look: Look | None = None,
        *,
        reconcile: Reconcile = Reconcile.EXACT,
        longest: timedelta = timedelta(),
        settle: timedelta = timedelta(),
        says: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Make one change, unless it has been made; returns what it gave, now or then.

        Args:
            step: the change's name within the operation, the same at every try.
            act: makes the change.
            look: finds what an earlier `act` made; where that gives None it surely made nothing. Without it *act* is
                made again, as twice is the same as once or hurts nobody; that says nothing about what came after.
            reconcile: NONE where `look` proves nothing by what it does not find, or cannot look at all.
            longest: how long *act* may take; a process that died may have died in its last moment.
            settle: how long after the end of a call its change may still appear.
            says: fingerprints of the texts that *act* sends, by Slack ts; a change that is found may have sent others.

        Raises:
            LookLater: an earlier try may still take effect.
            AskPerson: an earlier try may have taken effect, `reconcile` is NONE and nothing shows.
            NeverTaken: none took effect, and none of so many will.
            Overtaken: nothing of what was written is at the desk, and a newer text is there.
            LeaseLost, StoreAway: nothing was done now.
            Exception: what *act* or *look* raises; the journal knows whether the change may have been made.
        """
        progress = self.progress
        if step in progress.done:
            return progress.done[step]
        if look is not None and (progress.calling == step or progress.verify):
            found = await self._find(step, look, reconcile, longest=longest, settle=settle)
            if found is not None:
                return self._finish(step, found)
        # an older release forgets only the attempts; where nobody looks, nobody knows that nothing of it is there
        if look is not None and min(progress.alone, progress.attempts) >= ALONE:
            raise NeverTaken(progress.attempts)
        progress.calling, progress.answer = step, ""
        progress.said |= says
        if await self._intend(longest):
            progress.calling = ""  # so that only what was begun before counts
            if not progress.begun:
                raise Overtaken
            progress.calling = step
        self.acted = True
        try:
            result = await act()
        except BaseException as error:  # a process that stops in order ends its call, too
            progress.since = time.time()
            if surely_not_done(error):
                progress.calling = ""
            raise
        self.acted, self.changed = False, True
        return self._finish(step, result)

    async def _intend(self, longest: timedelta) -> bool:
        """Write down what is about to be done; whether a newer text is there.

        A process that was suspended learns here that it lost the lane.
        """
        while True:
            began = time.time()
            self.progress.since = began + longest.total_seconds()
            newer = await self.save()
            if time.time() - began < LATE:
                return newer

    async def _find(
        self, step: str, look: Look, reconcile: Reconcile, *, longest: timedelta, settle: timedelta
    ) -> str | None:
        progress, now = self.progress, time.time()
        if progress.calling != step:  # stored before the server restarted: its later fate may be forgotten
            progress.calling, progress.since = step, progress.verify
        # a clock may have been ahead of what ours says now: no call ends later than one that begins in this moment
        progress.since = min(progress.since, now + longest.total_seconds())
        progress.verify = min(progress.verify, now)
        forgotten = progress.verify + longest.total_seconds()  # it may be younger than the call that we know of
        wait = timedelta(seconds=max(progress.since, forgotten) - now) + settle
        if wait > timedelta():
            raise LookLater(wait)
        found = await _seen(look, reconcile)
        if found is not None:
            return found
        if progress.answer == "there":
            return ""
        if reconcile is Reconcile.NONE and progress.answer != "again":
            raise AskPerson
        if not step.startswith(WORDLESS):
            progress.missed = progress.verify
        return None

    def _finish(self, step: str, result: str) -> str:
        progress = self.progress
        progress.done[step] = result
        progress.calling, progress.answer = "", ""
        self.forgive()
        return result


async def is_for_another(journal: Journal, links: Links) -> bool:
    """Whether an operation was asked for under another link than its thread has now."""
    under, link, progress = getattr(journal.operation.work, "under", None), journal.head.link, journal.progress
    if link and progress.parted is not None:
        if progress.parted != await links.partings(link.thread):
            return True
        progress.parted = None  # from now on ``under`` says it
    return isinstance(under, LinkRef) and not (link and under.is_of(link))


def _bound(work: Work, link: Link | None) -> Work:
    """*work* as it is meant for *link*, which its thread has at the first try, so that it is done for no other."""
    if link and getattr(work, "under", link) is None:
        return work.model_copy(update={"under": LinkRef.of(link)})
    return work


async def _seen(look: Look, reconcile: Reconcile) -> str | None:
    """What *look* finds; a desk that cannot be searched may have no way to look at all."""
    try:
        return await look()
    except UnsupportedFeature:
        if reconcile is not Reconcile.NONE:
            raise
        return None
