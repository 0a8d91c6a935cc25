"""The buttons under a ticket's card: reply, add a note, close, reopen."""

from typing import Literal

from adapters.model import Act, Visibility
from bot.conversion.ports import SlackTrouble, StoreAway, Threads
from bot.slack.answers import Answers
from bot.slack.audience import readers
from bot.slack.ids import Action, Block, Modal
from bot.slack.policy import Gesture
from bot.slack.routing import STORE_AWAY, Call, Router, pressed_thread
from bot.slack.seal import Memory, Seal
from bot.slack.submission import typed_in
from bot.slack.tickets import Asked, Found, Refused, Tickets, is_internal
from bot.slack.views.elements import Json
from bot.slack.views.notices import notice_modal
from bot.slack.views.writing import note_modal, reply_modal
from bot.slack.web import Web
from bot.words import N_, _

_TURNS: dict[Action, Literal[Act.CLOSE, Act.REOPEN]] = {Action.CLOSE: Act.CLOSE, Action.REOPEN: Act.REOPEN}
_TITLES = {Modal.NOTE: N_("Internal note"), Modal.REPLY: N_("Public reply")}
_GUEST = N_("Guests cannot make public what was internal. Ask a member of this workspace to do it.")
_BECAME_INTERNAL = N_("This ticket is internal by now. Close this and press Reply again: it says who would read it.")


class CardButtons:
    """Does what the card's buttons say."""

    def __init__(self, *, web: Web, tickets: Tickets, threads: Threads, answers: Answers, seal: Seal) -> None:
        self._web = web
        self._tickets = tickets
        self._threads = threads
        self._answers = answers
        self._seal = seal

    def register(self, router: Router) -> None:
        """Take the buttons and their forms."""
        router.actions[Action.NOTE] = self.ask_note
        router.actions[Action.REPLY] = self.ask_reply
        router.submissions[Modal.NOTE] = self.add_note
        router.submissions[Modal.REPLY] = self.add_reply
        for action in _TURNS:
            router.actions[action] = self.turn

    async def turn(self, call: Call) -> None:
        """Close or reopen the card's ticket."""
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        try:
            thread, ticket = pressed_thread(call)
            found = await self._tickets.of_thread(asked, thread, Gesture.CLOSE, ticket=ticket)
            words = await self._tickets.turn(asked, found, _TURNS[Action(call.pressed["action_id"])])
        except Refused as refused:
            words = str(refused)
        self._answers.soon(call, words)
        await call.ack()

    async def ask_note(self, call: Call) -> None:
        """Open the form for a note."""
        await self._ask(call, Modal.NOTE)

    async def ask_reply(self, call: Call) -> None:
        """Open the form for a reply; where the thread is internal it says who would read it, and asks."""
        await self._ask(call, Modal.REPLY)

    async def _ask(self, call: Call, form: Modal) -> None:
        (thread, ticket), actor = pressed_thread(call), call.actor
        memory = Memory(form=form, user=actor.id, team=thread.team, channel=thread.channel, thread_ts=thread.ts)
        try:
            asked = Asked(actor=actor, channel=call.channel, once="")
            gesture = Gesture.NOTE if form is Modal.NOTE else Gesture.REPLY
            found = await self._tickets.of_thread(asked, thread, gesture, ticket=ticket)
            await self._tickets.allow(asked, gesture, found)
            sealed = self._seal.close(memory.model_copy(update={"ticket": found.made_for}))
            view = await self._form(form, found, actor.id, sealed)
        except Refused as refused:
            view = notice_modal(_(_TITLES[form]), str(refused))
        await self._web.call("views.open", trigger_id=call.trigger, view=view)
        await call.ack()

    async def _form(self, form: Modal, found: Found, user: str, metadata: str) -> Json:
        if form is Modal.NOTE:
            return note_modal(found.number, metadata)
        if found.link is None or not is_internal(found):
            return reply_modal(found.number, metadata)
        await self._check_guest(user)
        who = await readers(self._threads, found.link, found.desk.title)
        return reply_modal(found.number, metadata, readers=who)

    async def _check_guest(self, user: str) -> None:
        try:
            guest = (await self._threads.author(user)).guest
        except SlackTrouble:
            raise Refused(_("Slack does not tell just now who you are. Please try again in a moment.")) from None
        if guest:
            raise Refused(_(_GUEST))

    async def add_note(self, call: Call) -> None:
        """Bring the note to the ticket. A form that was open for long is as good: it is for one ticket alone."""
        await self._write(call, Modal.NOTE, Visibility.INTERNAL)

    async def add_reply(self, call: Call) -> None:
        """Bring the reply to the ticket."""
        await self._write(call, Modal.REPLY, Visibility.PUBLIC)

    async def _write(self, call: Call, form: Modal, visibility: Visibility) -> None:
        view = call.view
        memory = self._seal.open(call.metadata, form=form, user=call.actor.id)
        asked = Asked(actor=call.actor, channel=memory.channel, once=view["id"])
        typed = typed_in(view)
        sure = bool(typed.get(Block.SURE, {}).get("selected_options"))
        text = str(typed.get(Block.TEXT, {}).get("value") or "")
        try:
            await self._bring(asked, memory, text, visibility, sure=sure)
        except Refused as refused:
            await call.ack(response_action="errors", errors={Block.TEXT: str(refused)})
        except StoreAway:
            await call.ack(response_action="errors", errors={Block.TEXT: _(STORE_AWAY)})
        else:
            await call.ack()

    async def _bring(self, asked: Asked, memory: Memory, text: str, visibility: Visibility, *, sure: bool) -> None:
        gesture = Gesture.NOTE if visibility is Visibility.INTERNAL else Gesture.REPLY
        found = await self._tickets.of_thread(asked, memory.thread, gesture, ticket=memory.ticket)
        if visibility is Visibility.PUBLIC and is_internal(found) and not sure:
            raise Refused(_(_BECAME_INTERNAL))
        await self._tickets.write(asked, found, text, visibility, sure=sure)
