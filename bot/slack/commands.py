"""The /ticket command: each verb answers within Slack's three seconds, or says that the answer is coming."""

import asyncio
import time
from dataclasses import dataclass

from bot.slack.answers import Answers, Later
from bot.slack.assigning import Assigning
from bot.slack.doctor import Doctor
from bot.slack.doing import do_wish
from bot.slack.forms import TicketForm
from bot.slack.ids import COMMAND
from bot.slack.moving import Moving
from bot.slack.results import Results
from bot.slack.routing import Call, Router, why_not
from bot.slack.sources import Starter
from bot.slack.tickets import Asked, Refused, Tickets
from bot.slack.views.elements import Said
from bot.slack.views.form import left_out
from bot.slack.views.help import help_text, usage
from bot.slack.views.notices import notice
from bot.slack.wishes import BARE, Verb, Wish, reference, understood
from bot.words import N_, _

AT_ONCE = 1.8
"""Seconds after which the person is told that the answer takes a moment."""
COMING = N_("This takes a moment. The answer will appear here.")
_OPENING = N_("This takes a moment. The form will open, or it will be said here why it did not.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """An answer: words, and with them how they are shown."""

    words: str
    said: Said

    @classmethod
    def of(cls, words: str, url: str = "", *, typed: str = "") -> "_Told":
        """Words, and below them what was *typed*, which Slack does not keep."""
        return cls(words=f"{words}\n\n{typed}".rstrip(), said=notice(words, url=url, typed=typed))

    @classmethod
    def shown(cls, said: Said) -> "_Told":
        return cls(words=said[1], said=said)


class Commands:
    """Answers /ticket."""

    def __init__(
        self,
        *,
        form: TicketForm,
        tickets: Tickets,
        assigning: Assigning,
        results: Results,
        answers: Answers,
        later: Later,
        moving: Moving,
        doctor: Doctor,
    ) -> None:
        self._moving = moving
        self._doctor = doctor
        self._form = form
        self._tickets = tickets
        self._assigning = assigning
        self._results = results
        self._answers = answers
        self._later = later

    def register(self, router: Router) -> None:
        """Take the command."""
        router.commands[COMMAND] = self.answer

    async def answer(self, call: Call) -> None:
        """Do what was typed, or help with it."""
        wish = understood(str(call.body.get("text") or ""))
        if wish.verb is Verb.HELP:
            await self._answers.ack(call, help_text(wish))
            return
        task = asyncio.create_task(self._told(call, wish))
        done, _late = await asyncio.wait({task}, timeout=AT_ONCE)
        if not done:
            await self._answers.ack(call, notice(_(_OPENING if wish.verb is Verb.NEW else COMING)))
            self._later.run(self._late(call, task))
        elif told := task.result():
            await self._answers.ack(call, told.said)
        else:
            await call.ack()

    async def _late(self, call: Call, task: asyncio.Task[_Told | None]) -> None:
        if told := await task:
            await self._answers.say(call, told.said, words=told.words)

    async def _told(self, call: Call, wish: Wish) -> _Told | None:
        """The answer, with what was typed where that was not done or its form lacks some; None: there is the form."""
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        try:
            if wish.verb is Verb.NEW:
                await self._form.open(call, Starter(channel=call.channel, text=wish.text))
                words = left_out(wish.text)
                return _Told.of(words, typed=wish.text) if words else None
            _check_rest(wish)
            return await self._carried_out(asked, wish)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person must hear that it did not happen
            typed = f"{COMMAND} {call.body.get('text')}" if wish.word or wish.text else ""
            return _Told.of(why_not(error, "command"), typed=typed)

    async def _carried_out(self, asked: Asked, wish: Wish) -> _Told:
        match wish.verb:
            case Verb.SEARCH:
                return _Told.shown(await self._results.search(asked, wish.text))
            case Verb.MINE:
                return _Told.shown(await self._results.mine(asked))
            case Verb.DOCTOR:
                return _Told.shown(await self._doctor.ask(asked))
            case Verb.LINK:
                return await self._link(asked, wish)
        found = await self._tickets.named(asked, wish.word, wish.verb)
        if wish.verb is Verb.MOVE:
            return _Told.shown(await self._moving.ask(asked, found, wish.text))
        since = f"{time.time():.6f}"
        return _Told.of(*await do_wish(self._tickets, self._assigning, asked, found, wish, since=since))

    async def _link(self, asked: Asked, wish: Wish) -> _Told:
        where = reference(wish.text)
        if where is None or not where.thread_ts:
            raise Refused(
                _(
                    "Which thread? Copy the link of one of its messages and write {command}. Or write @Threadline link "
                    "{number} in the thread itself.",
                    command=usage(Verb.LINK),
                    number=wish.word or _("NUMBER"),
                )
            )
        found = await self._tickets.named(asked, wish.word, Verb.LINK)
        thread = self._tickets.thread(asked, where)
        return _Told.of(await self._tickets.link(asked, thread, found))


def _check_rest(wish: Wish) -> None:
    """Raises Refused: more stands behind a ticket than its verb takes."""
    if wish.verb in BARE and wish.text and reference(wish.word):
        raise Refused(
            _(
                "Nothing was done, since nothing more can stand behind the number. Write {command}, once for each "
                "ticket; what is to be said there goes with {reply}.",
                command=usage(wish.verb),
                reply=usage(Verb.REPLY),
            )
        )
