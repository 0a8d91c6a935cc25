"""What follows when somebody writes our name: the verbs of the command, in threads, where commands do not run."""

import time
from datetime import timedelta
from typing import Any

from bot.conversion.intake import Intake
from bot.conversion.journal import LookLater
from bot.conversion.ops import below_new_card
from bot.conversion.ports import SlackRefused
from bot.conversion.records import Tell, ThreadKey
from bot.slack.assigning import Assigning
from bot.slack.doctor import Doctor
from bot.slack.doing import do_wish
from bot.slack.moving import Moving
from bot.slack.policy import Actor, Gesture
from bot.slack.results import Results
from bot.slack.routing import Event, Router
from bot.slack.tickets import GESTURES, Asked, NotThere, Refused, Tickets
from bot.slack.views.elements import Said
from bot.slack.views.help import by_name, help_words, usage
from bot.slack.views.notices import asks_for_form, offers_form
from bot.slack.web import Identity, Web
from bot.slack.wishes import Verb, Wish, wish_of
from bot.words import _

SOON = timedelta(seconds=1)
"""When it is looked again whether a ticket that is on its way is there."""
_WHISPERED = frozenset({Verb.NEW, Verb.SEARCH, Verb.MINE, Verb.MOVE, Verb.DOCTOR})
"""The verbs whose answer has buttons or is a list."""


def thread_of(body: dict[str, Any]) -> ThreadKey:
    """The thread that the message of an event stands in, or would begin."""
    return thread_in(body, body["event"])


def thread_in(body: dict[str, Any], message: dict[str, Any]) -> ThreadKey:
    """The same for *message*; an edit's or a deletion's is inside its event."""
    event = body["event"]
    return ThreadKey(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=str(event["channel"]),
        ts=str(message.get("thread_ts") or message["ts"]),
    )


class Mentions:
    """Listens to stored mentions. All that is done here may be done twice."""

    def __init__(
        self,
        *,
        web: Web,
        identity: Identity,
        intake: Intake,
        tickets: Tickets,
        assigning: Assigning,
        results: Results,
        moving: Moving,
        doctor: Doctor,
    ) -> None:
        self._web = web
        self._us = identity
        self._intake = intake
        self._tickets = tickets
        self._assigning = assigning
        self._results = results
        self._moving = moving
        self._doctor = doctor

    def register(self, router: Router) -> None:
        """Take the event."""
        router.events["app_mention"] = by_name(self.mention)

    async def mention(self, happened: Event) -> None:
        """Do what stands behind our name, in the thread where it stands.

        Raises LookLater: the thread's ticket is on its way, and the wish is for that.
        """
        body, event = happened.body, happened.inner
        wish = wish_of(str(event.get("text") or ""), self._us.user_id)
        if wish is None:  # our name in the middle of a sentence is no wish
            return
        actor, thread, ts = Actor.of(body, self._us), thread_of(body), str(event["ts"])
        if not actor.id:  # an app without a user, whom nobody can answer
            return
        edited = str((event.get("edited") or {}).get("ts", ""))  # by which it is a wish only now, or another
        asked = Asked(actor=actor, channel=thread.channel, once=":".join(filter(None, (thread.channel, ts, edited))))
        shown_in = str(event.get("thread_ts") or "")
        try:
            if wish.verb in _WHISPERED and await self._whisper(
                asked, shown_in, await self._shown(asked, thread, wish, event)
            ):
                return
            words = await self._carry_out(asked, thread, wish, event)
        except NotThere as none:
            if await self._intake.is_opening(thread) or below_new_card(body, event, at=time.time()):
                raise LookLater(SOON) from none
            words = str(none)
        except Refused as refused:
            words = str(refused)
        work = Tell(user=actor.id, channel=thread.channel, thread_ts=shown_in, text=words)
        await self._intake.tell(work, team=thread.team, once=f"mention:{asked.once}")

    async def _shown(self, asked: Asked, thread: ThreadKey, wish: Wish, message: dict[str, Any]) -> Said:
        """What is answered with more than words."""
        match wish.verb:
            case Verb.NEW:
                return await self._new(asked, thread, wish, message)
            case Verb.MINE:
                return await self._results.mine(asked)
            case Verb.DOCTOR:
                return await self._doctor.ask(asked)
            case Verb.MOVE:
                found = await self._tickets.of_thread(asked, thread, GESTURES[wish.verb])
                return await self._moving.ask(asked, found, wish.text)
        return await self._results.search(asked, wish.text, thread=thread)

    async def _new(self, asked: Asked, thread: ThreadKey, wish: Wish, message: dict[str, Any]) -> Said:
        """The way to the form. Raises Refused: the thread has a ticket, which this person may see."""
        try:
            found = await self._tickets.of_thread(asked, thread, Gesture.SEE)
        except Refused:
            return _asks(wish, message)
        raise Refused(
            _("This thread is ticket {number} at {desk} already.", number=found.number, desk=found.desk.title)
        )

    async def _whisper(self, asked: Asked, thread_ts: str, said: Said) -> bool:
        """Show *said* to who asked; False where Slack does not let us in that channel."""
        blocks, text = said
        where: dict[str, Any] = {"channel": asked.channel, "thread_ts": thread_ts or None}
        try:
            await self._web.call(
                "chat.postEphemeral", user=asked.actor.id, text=text, blocks=blocks, link_names=False, **where
            )
        except SlackRefused:
            return False
        return True

    async def _carry_out(self, asked: Asked, thread: ThreadKey, wish: Wish, message: dict[str, Any]) -> str:
        match wish.verb:
            case Verb.HELP if wish.meant is Verb.NOTE:
                return _(
                    "Did you mean {command}? A note is for agents alone, so your message was not sent. Write it anew "
                    "so that it begins with @Threadline note or, if all may read it, choose Add to ticket in its menu.",
                    command=usage(Verb.NOTE),
                )
            case Verb.HELP:
                guess = _("Did you mean {meant}?", meant=wish.meant) if wish.meant else ""
                return f"{guess} {help_words()}".lstrip()
            case Verb.NEW:
                return _("To make a ticket of this thread, choose Create ticket in the menu of one of its messages.")
            case Verb.SEARCH | Verb.MINE | Verb.MOVE | Verb.DOCTOR:
                return _("Threadline may not write in this conversation. Use the command instead; it works anywhere.")
            case Verb.LINK:
                named = await self._tickets.named(asked, wish.word, Verb.LINK)
                return await self._tickets.link(asked, thread, named)
        found = await self._tickets.of_thread(asked, thread, GESTURES[wish.verb])
        since = asked.once.rpartition(":")[2]
        if found.link and await self._intake.is_for_earlier(found.link, since):
            raise Refused(
                _(
                    "The thread goes with ticket {number} by now, and what you wrote was for the one before, so "
                    "nothing was done. Write it again if it is for ticket {number}.",
                    number=found.number,
                )
            )
        told = await do_wish(self._tickets, self._assigning, asked, found, wish, since=since, message=message)
        return "\n".join(told).rstrip()


def _asks(wish: Wish, message: dict[str, Any]) -> Said:
    """The form of the thread, which begins with the message of the wish where that says what the ticket is about."""
    root = str(message.get("thread_ts") or "")
    words = (
        _("To make a ticket of this thread, fill in its form:")
        if root
        else _("To make a ticket of this, fill in its form:")
    )
    about = str(message["ts"]) if wish.text or message.get("files") else root
    return asks_for_form(words, about) if about else offers_form(words, "")
