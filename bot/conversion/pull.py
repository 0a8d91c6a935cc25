"""From the ticket to the thread: what agents wrote, each once and in the desk's order, and how the ticket stands.

Polls are the truth: a webhook only makes the next one come sooner. The watermark moves after each message that was
brought; those of ours are passed over together.
"""

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter, marker_in, without_marker
from adapters.errors import AdapterError, NotFound, Rejected, Unavailable, UnsupportedFeature
from adapters.model import Attachment, Message, Role, Status, Ticket, Visibility
from bot.conversion import agents
from bot.conversion.decisions import Decision, decided, is_closed
from bot.conversion.journal import Again, Journal
from bot.conversion.marks import goes_words
from bot.conversion.ops import card_op, pull_op, tell_op
from bot.conversion.people import speaking_to
from bot.conversion.ports import FromDesk, LeaseLost, Parked, SlackRefused
from bot.conversion.records import Link, PollDesk, PullTicket, Tell, ThreadKey
from bot.conversion.relinking import face, follow, merged_into, seen_to
from bot.conversion.rooms import Rooms
from bot.conversion.slack_nouns import FILE
from bot.conversion.stamps import marker_of
from bot.conversion.text.plain import from_plain
from bot.conversion.text.read_html import from_html
from bot.conversion.text.read_markdown import from_markdown
from bot.conversion.text.tree import Document
from bot.words import N_, _

log = logging.getLogger("threadline.worker")

FETCHES = 5
"""How often a desk may fail to give a file before it is named, and what stands behind it goes on."""
AGES = (
    (timedelta(minutes=10), 1),
    (timedelta(hours=1), 6),
    (timedelta(days=1), 30),
    (timedelta(days=30), 180),
)
"""How long a ticket is left alone, in multiples of the desk's ``poll``, by how long ago something happened on it."""
RARELY = 2000
_SHARED = "shared"
CLOCKS = 60.0
"""Seconds by which a desk's clock may be ahead of ours."""


async def poll_desk(rooms: Rooms, work: PollDesk) -> None:
    """Ask a desk what changed and have those tickets looked at. Always raises Again."""
    desk = rooms.desks.get(work.desk)
    changed, cursor = await desk.changed_since(work.cursor)
    threads = {thread for ref in changed for thread in await rooms.links.threads(desk.name, ref.id)}
    if threads:
        await rooms.lanes.add([pull_op(thread) for thread in sorted(threads, key=str)])
    raise Again(timedelta(seconds=desk.settings.poll), work.model_copy(update={"cursor": cursor}))


async def pull_ticket(rooms: Rooms, journal: Journal, work: PullTicket) -> None:
    """Bring what is new on a ticket to its thread. Raises Again where it is to be repeated."""
    link = await rooms.links.get(work.thread)
    if link is None:
        return
    desk = rooms.desks.get(link.desk)
    if work.repeat and desk.has(Capability.CHANGED_SINCE):
        return  # the thread was moved here from a desk that had to be asked for each ticket
    pull = _Pull(rooms=rooms, journal=journal, link=link, desk=desk)
    try:
        ticket = await desk.get_ticket(link.ref) if desk.has(Capability.READ_TICKET) else None
        if ticket and ticket.status is Status.GONE:
            pull.look_again(work, soon=await pull.follow(ticket))
            return
        new = await desk.messages(link.ref, after=link.after) if desk.has(Capability.READ_MESSAGES) else ()
    except NotFound:
        await pull.say_gone(_("{desk} has no ticket {number} any more.", desk=desk.title, number=link.number))
        pull.look_again(work)
        return
    seen = kept = link.seen
    try:
        for message in new:
            if not await pull.is_ours(message):
                await pull.bring(message)
                await pull.keep(message, after=kept)
                kept = message.id
            seen = message.id
        await pull.pass_over(new, to=seen, after=kept)
        if ticket is not None:
            await pull.show_news(ticket)
    except Again:  # the look after this one has no doubt, and would bring what was passed over for that
        await pull.pass_over(new, to=seen, after=kept)
        raise
    except SlackRefused as refused:
        if refused.code != "thread_not_found":
            await pull.say_shut_out(refused, at=seen)
            raise  # it is tried again: a channel may be opened, or we may be invited
        await pull.leave_gone_thread()
        return
    if work.repeat:
        wait = pause(ticket, new, now=datetime.now(UTC), poll=timedelta(seconds=desk.settings.poll))
        turn = await desk.shared.turn(f"poll:{desk.name}", per_second=desk.settings.polls_per_minute / 60)
        raise Again(max(wait, turn))


def pause(ticket: Ticket | None, new: tuple[Message, ...], *, now: datetime, poll: timedelta) -> timedelta:
    """How long to leave a ticket alone. The longer nothing happened, the longer; a closed one four times as long."""
    times = [message.at for message in new if message.at]
    if ticket and ticket.updated_at:
        times.append(ticket.updated_at)
    age = now - max(times) if times else timedelta(minutes=30)
    wait = poll * next((times for limit, times in AGES if age < limit), RARELY)
    return wait * 4 if ticket and ticket.status is Status.CLOSED else wait


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pull:
    """One look at one ticket for one thread."""

    rooms: Rooms
    journal: Journal
    link: Link
    desk: TicketAdapter[Any]
    sent: list[Collection[str]] = field(default_factory=list)  # what `_sent` has read for good

    async def bring(self, message: Message) -> None:
        """One message of the desk that is not ours, if this thread gets it."""
        if await self._is_for_here(message):
            said = FromDesk(document=document_of(message), author=message.author.name)
            await self._post(said, message_identity(self.link, message.id))
            for attachment in message.attachments:
                await self._share(message, attachment)

    async def keep(self, message: Message, *, after: str) -> None:
        """Move the watermark on from *after* to a message: the thread has all up to it.

        Raises LeaseLost: it is elsewhere by now, so another worker looks at this ticket, and to set it back would have
        that one bring again what it brought; or the thread does not go with this ticket any more.
        """
        before = self.link.desk, self.link.ticket_id, after

        def on(now: Link) -> Link:
            is_there = (now.desk, now.ticket_id, now.seen) == before
            return now.model_copy(update=seen_to(message)) if is_there else now

        moved = await self.rooms.links.update(self.link.thread, on)
        if moved is None or moved.seen != message.id:
            raise LeaseLost(self.journal.lease.lane)
        self._forget(message)

    def _forget(self, message: Message) -> None:
        """Drop the progress with a message that is not brought again; it would be written down with each one after."""
        steps = f"post {message_identity(self.link, message.id)} ", f"file {message.id}:", f"post file:{message.id}:"
        done = self.journal.progress.done
        for step in [step for step in done if step.startswith(steps)]:
            del done[step]

    async def pass_over(self, new: tuple[Message, ...], *, to: str, after: str) -> None:
        """`keep` up to the message *to*, where those behind *after* are ours. Raises LeaseLost."""
        for message in new:
            if message.id == to != after:
                await self.keep(message, after=after)

    async def _is_for_here(self, message: Message) -> bool:
        """Whether this thread gets a message: what is public, or in an agents' thread what is not."""
        public = message.visibility is Visibility.PUBLIC
        if not self.link.agents:
            return public
        if public and message.author.role is Role.AGENT and not self.link.answered:
            await agents.answered(self.rooms, self.link, message.at)
        return not public and await agents.may_show_notes(self.rooms, self.link)

    async def is_ours(self, message: Message) -> bool:
        """Whether we wrote it. A marker that we know under another id is a quotation of ours by somebody else."""
        link, links = self.link, self.rooms.links
        marker = message.marker or marker_in(message.body)
        known = await links.delivered(link.thread, marker) if marker else None
        if known is not None and not known.message_id:
            await links.learn(link.thread, marker, known.model_copy(update={"message_id": message.id}))
            return True
        if known is not None:
            return known.message_id == message.id
        if message.id in await self._sent():
            return True  # the desk put words of its own below our marker
        return bool(marker) and (self._may_be_forgotten(message) or await self._is_from_a_thread(message, marker))

    async def _sent(self) -> Collection[str]:
        """The ids of what the thread sent to this ticket; read once, unless some are still to be written down."""
        if self.sent:
            return self.sent[0]
        thread = self.link.thread
        waits = await self.rooms.lanes.waiting(str(thread))
        known = await self.rooms.links.deliveries(thread)
        sent = {one.message_id for one in known.values() if one.is_on(self.link)}
        if not waits:
            self.sent.append(sent)
        return sent

    def _may_be_forgotten(self, message: Message) -> bool:
        """Whether what bears a marker that nobody knows may be another Threadline's, or from before we were set back.

        It is not where an agent said it since: they ended with a quotation of what somebody wrote elsewhere.
        """
        if message.author.role is not Role.AGENT or message.visibility is not Visibility.PUBLIC or message.at is None:
            return True
        return message.at.timestamp() < max(self.link.created_at.timestamp(), self.journal.progress.verify) + CLOCKS

    async def _is_from_a_thread(self, message: Message, marker: str) -> bool:
        """Whether a thread of the ticket sent it. Raises Again: one may be about to write down that it did."""
        for thread in await self.rooms.links.threads(self.desk.name, self.link.ticket_id):
            waits = await self.rooms.lanes.waiting(str(thread)) and not await self._question(thread)
            known = await self.rooms.links.delivered(thread, marker)
            if known is not None:
                return known.message_id in {"", message.id}
            if waits:
                raise Again(timedelta(seconds=self.desk.settings.poll))
        return False

    async def _post(self, said: FromDesk, identity: str) -> None:
        for number, post in enumerate(self.rooms.voice.posts(said)):
            marker = post_marker(self.link, identity, number)

            async def act(post: Any = post, marker: str = marker) -> str:
                ts = await self.rooms.voice.post(self.link.thread, post, marker)
                self._log("posted", marker)
                return ts

            async def look(marker: str = marker) -> str | None:
                return await self.rooms.voice.find_post(self.link.thread.channel, self.link.thread.ts, marker)

            await self.journal.once(f"post {identity} {number}", act, look, longest=self.rooms.voice.longest)

    async def _say(self, words: str, identity: str) -> None:
        await self._post(FromDesk(document=from_plain(words)), identity)

    def _log(self, event: str, step: str) -> None:
        """One line for each visible change, without texts: a look may make many, and may never be done."""
        log.info("pull_ticket %s", event, extra={"lane": self.journal.lease.lane, "op": step})

    async def _share(self, message: Message, file: Attachment) -> None:
        """A file of the desk's as a file in the thread; one that cannot be had, or that Slack does not take, is named.

        Raises SlackRefused: the thread takes neither.
        """
        step = f"{message.id}:{file.id}"
        why = await self._brought(file, step)
        if not why:
            return
        words = _("{file} is on the ticket and was not brought here: {why}", file=file.name, why=why)
        try:
            await self._say(words, f"file:{step}")
        except SlackRefused:  # it is the channel then, and the file is brought when that is possible again
            self.journal.progress.done.pop(f"file {step}", None)
            raise

    async def _brought(self, file: Attachment, step: str) -> str:
        """Bring a file; why it stays at the desk, in words, and nothing where it was brought."""
        progress = self.journal.progress
        if (known := progress.done.get(f"file {step}")) is not None:
            return "" if known == _SHARED else known
        try:
            if not self.desk.has(Capability.READ_FILES):
                raise self.desk.unsupported("give its files")
            content = await self.desk.attachment(self.link.ref, file, limit=FILE)
        except AdapterError as error:
            if not (isinstance(error, Unavailable) and error.retry_after):  # else the desk is well, and only busy
                progress.tries[step] = progress.tries.get(step, 0) + 1
            lasting = isinstance(error, NotFound | Rejected | UnsupportedFeature)
            if not lasting and progress.tries.get(step, 0) < FETCHES:
                raise
            return error.cause
        if not content:
            return _("it is empty.")

        async def act() -> str:
            try:
                await self.rooms.voice.upload(self.link.thread, file.name, content)
            except SlackRefused as refused:
                if refused.code == "thread_not_found":
                    raise
                return refused.words
            self._log("shared", step)
            return _SHARED

        async def look() -> str | None:
            return _SHARED if await self.rooms.voice.find_upload(self.link.thread, file.name, len(content)) else None

        brought = await self.journal.once(f"file {step}", act, look, longest=self.rooms.voice.longest)
        return "" if brought == _SHARED else brought

    async def show_news(self, ticket: Ticket) -> None:
        """Say in the thread that the ticket was closed or opened again, and bring the card up to date."""
        goes_on = ticket.status is not Status.CLOSED and await self._ends_question()
        shown: dict[str, Any] = dict(face(ticket, unnamed=self.link.unnamed))
        if self.link.agents and ticket.deadline:
            shown["deadline"] = ticket.deadline
        before = {name: getattr(self.link, name) for name in shown}
        if before == shown and not goes_on:
            return
        when = ticket.updated_at.isoformat() if ticket.updated_at else f"{time.time() // 60:.0f}"
        if self.link.state == Status.GONE:
            shown |= {"mirror": agents.takes_replies(self.desk, of_agents=self.link.agents)}
            shown |= {"read_to": f"{time.time():.6f}"}  # what was said meanwhile stays, as people were told
            await self._say_back(mirror=shown["mirror"], when=when)
        closed_before, closed_now = self.link.state == Status.CLOSED, ticket.status is Status.CLOSED
        if goes_on or (self.link.state and closed_before != closed_now):
            names = {"number": self.link.number, "desk": self.desk.title}
            words = _("Ticket {number} was opened again at {desk}.", **names)
            if closed_now:
                words = _("Ticket {number} was closed at {desk}.", **names)
            elif goes_on:
                after = _("What waited in this thread goes on to it, and nobody need choose any more.")
                words = f"{words} {after}"
            await self._say(words, f"state:{ticket.status}:{when}")
        if self.link.agents and before["owner"] != shown["owner"]:
            words = agents.owner_words(self.link.number, shown["owner"])
            await self._say(words, f"owner:{shown['owner']}:{when}")
        await self.rooms.links.update(self.link.thread, lambda now: now.model_copy(update=shown))
        if self.link.agents:
            await agents.changed(self.rooms, self.link.thread)
        else:
            await self.rooms.lanes.add([card_op(self.link.thread)])

    async def _ends_question(self) -> bool:
        """Put back what waits to be asked how it goes on to a closed ticket, now that it is open; whether any did.

        It does not matter whether the thread knew that it was closed: that may have been between two looks.
        """
        if self.desk.settings.closed != "ask":
            return False
        if (waits := await self._question(self.link.thread)) is None:
            return False
        return await self.rooms.lanes.unpark(waits.lane, waits.id, decided(waits.payload, Decision.AGAIN))

    async def _question(self, thread: ThreadKey) -> Parked | None:
        """What has a thread wait to be asked how it goes on to a closed ticket; nothing of it was sent."""
        waits = await self.rooms.lanes.held(str(thread))
        return waits if waits and is_closed(waits.payload) else None

    async def _say_back(self, *, mirror: bool, when: str) -> None:
        words = _(
            "Ticket {number} is at {desk} again. {goes} What was written here meanwhile stays here.",
            number=self.link.number,
            desk=self.desk.title,
            goes=goes_words(self.link.model_copy(update={"mirror": mirror}).now, self.link.number),
        )
        await self._say(words, f"back:{self.link.ticket_id}:{when}")

    async def follow(self, ticket: Ticket) -> bool:
        """A ticket that is gone: the thread goes with the one that it was merged into, or (False) hears of none."""
        target, names = await merged_into(self.desk, ticket), {"number": self.link.number, "desk": self.desk.title}
        if target is None:
            await self.say_gone(_why_gone(ticket, names))
            return False
        await follow(self.rooms, self.link, self.desk, target)
        return True

    async def say_shut_out(self, refused: SlackRefused, *, at: str) -> None:
        """Tell who opened the ticket that we cannot write in its thread, or in that of its agents.

        *at*: the last message that is there; of each they hear once.
        """
        words = N_(
            "Threadline cannot write in the thread of ticket {number} at {desk}. {why} What agents wrote is kept "
            "and brought when that is possible again."
        )
        if self.link.agents:
            words = N_(
                "Threadline cannot write in the agents' thread of ticket {number} at {desk}. {why} Their notes are "
                "kept and brought when that is possible again; please tell those who look after that channel."
            )
            opener = await self.rooms.threads.author(self.link.opened_by)
            if opener.guest or not opener.own_workspace:  # who is not to know what agents say among themselves
                return
        await self._tell(words, once=f"{refused.code}:{at}", why=refused)

    async def leave_gone_thread(self) -> None:
        """Take the link of a thread away that is not in Slack any more, and tell who opened its ticket."""
        words = N_(
            "The thread of ticket {number} at {desk} is not in Slack any more, so what agents write stays there. "
            "To go on in another thread, write in it: @Threadline link {number}"
        )
        if not self.link.agents:  # one of theirs deleted the card there
            await self._tell(words, once="thread-gone")
        await self.rooms.links.remove(self.link)

    async def _tell(self, words: str, *, once: str, why: SlackRefused | None = None) -> None:
        link = self.link
        if not link.opened_by:
            return
        with await speaking_to(self.rooms, link.opened_by):
            said = {"number": link.number, "desk": self.desk.title, "why": why.words if why else ""}
            told = Tell(user=link.opened_by, text=_(words, **said))
        await self.rooms.lanes.add([tell_op(link.thread.team, told, once=f"pull:{link.thread}:{once}")])

    async def say_gone(self, why: str) -> None:
        """Say once that the ticket is not to be had any more, and stop sending replies to it."""
        if self.link.state == Status.GONE:
            return
        words = _("{why} New replies stay here. To go on with another ticket, write: @Threadline link NUMBER", why=why)
        await self._say(words, f"gone:{self.link.ticket_id}")
        gone = {"state": str(Status.GONE), "status": "", "mirror": False}
        await self.rooms.links.update(self.link.thread, lambda now: now.model_copy(update=gone))
        await self.rooms.lanes.add([card_op(self.link.thread)])

    def look_again(self, work: PullTicket, *, soon: bool = False) -> None:
        """Raises Again where *work* repeats itself: the ticket may be there again, as where a desk was restored."""
        if work.repeat:
            raise Again((1 if soon else RARELY) * timedelta(seconds=self.desk.settings.poll))


def _why_gone(ticket: Ticket, names: dict[str, str]) -> str:
    if ticket.merged_into:
        return _("Ticket {number} was merged at {desk} into one that is not there.", **names)
    if "merge" in ticket.status_name.casefold():
        return _("Ticket {number} was merged into another at {desk}, which does not tell into which.", **names)
    return _("Ticket {number} was deleted at {desk}, or Threadline may not see it any more.", **names)


def message_identity(link: Link, message_id: str) -> str:
    """What a message of the desk is known by in a thread."""
    return f"{link.desk}:{link.ticket_id}:{message_id}"


def post_marker(link: Link, identity: str, number: int) -> str:
    """The marker of a post in a link's thread: the *number*-th of those for one thing."""
    return marker_of(f"post:{link.thread}:{identity}:{number}")


def document_of(message: Message) -> Document:
    """The richest rendering that the desk gave, without our marker's line."""
    body = message.body
    if body.html and (document := from_html(body.html)):
        return document
    if body.markdown:
        return from_markdown(without_marker(body.markdown))
    return from_plain(without_marker(body.plain))
