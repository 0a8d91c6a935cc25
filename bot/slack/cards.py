"""The buttons under a ticket's card: add a note, close, reopen."""

from adapters.contract import Capability
from adapters.model import Act, Visibility
from bot.conversion.ports import StoreAway
from bot.conversion.records import ThreadKey
from bot.slack.answers import Answers
from bot.slack.forms import NOT_YOURS
from bot.slack.ids import Action, Block, Modal
from bot.slack.routing import STORE_AWAY, Call, Router
from bot.slack.seal import Forged, Memory, Seal
from bot.slack.submission import typed_in, value_of
from bot.slack.tickets import Asked, Refused, Tickets
from bot.slack.views.notices import note_modal, notice_modal
from bot.slack.web import Web

_CHANGES = {Action.CLOSE: (Act.CLOSE, Capability.CLOSE), Action.REOPEN: (Act.REOPEN, Capability.REOPEN)}
_WORDS = {Act.CLOSE: "closed", Act.REOPEN: "opened again"}
_NOTE = "Internal note"


class CardButtons:
    """Does what the card's buttons say."""

    def __init__(self, *, web: Web, tickets: Tickets, answers: Answers, seal: Seal) -> None:
        self._web = web
        self._tickets = tickets
        self._answers = answers
        self._seal = seal

    def register(self, router: Router) -> None:
        """Take the buttons and the note's form."""
        router.actions[Action.NOTE] = self.ask_note
        router.submissions[Modal.NOTE] = self.add_note
        for action in _CHANGES:
            router.actions[action] = self.change

    async def change(self, call: Call) -> None:
        """Close or reopen the card's ticket."""
        act, needs = _CHANGES[Action(call.pressed["action_id"])]
        asked = _asked(call, call.trigger)
        try:
            found = await self._tickets.of_thread(_thread(call))
            await self._tickets.change(asked, found, act, needs)
            words = f"Ticket {found.number} will be {_WORDS[act]} at {found.desk.title}."
        except Refused as refused:
            words = str(refused)
        self._answers.soon(call, words)
        await call.ack()

    async def ask_note(self, call: Call) -> None:
        """Open the form for a note."""
        thread, actor = _thread(call), call.actor
        memory = Memory(form=Modal.NOTE, user=actor.id, team=thread.team, channel=thread.channel, thread_ts=thread.ts)
        try:
            found = await self._tickets.of_thread(thread)
            view = note_modal(found.number, self._seal.close(memory))
        except Refused as refused:
            view = notice_modal(_NOTE, str(refused))
        await self._web.call("views.open", trigger_id=call.trigger, view=view)
        await call.ack()

    async def add_note(self, call: Call) -> None:
        """Bring the note to the ticket. A form that was open for long is as good: its thread is what it was."""
        view = call.view
        try:
            memory = self._seal.open(view.get("private_metadata", ""), form=Modal.NOTE, user=call.actor.id)
        except Forged:
            await call.ack(response_action="update", view=notice_modal(_NOTE, NOT_YOURS))
            return
        asked = Asked(actor=call.actor, channel=memory.channel, once=view["id"])
        text = value_of(typed_in(view).get(Block.TEXT, {}))
        try:
            found = await self._tickets.of_thread(memory.thread)
            await self._tickets.write(asked, found, text, Visibility.INTERNAL)
        except Refused as refused:
            await call.ack(response_action="errors", errors={Block.TEXT: str(refused)})
        except StoreAway:
            await call.ack(response_action="errors", errors={Block.TEXT: STORE_AWAY})
        else:
            await call.ack()


def _asked(call: Call, once: str) -> Asked:
    return Asked(actor=call.actor, channel=call.channel, once=once)


def _thread(call: Call) -> ThreadKey:
    """The thread that the card's button names, in this workspace and channel whatever it says.

    Raises:
        ValueError: it names none.
    """
    named = ThreadKey.parse(str(call.pressed.get("value", "")))
    return named.model_copy(update={"team": call.actor.team, "channel": call.channel or named.channel})
