"""What opens the form besides the command: the shortcuts on a message and everywhere, and buttons that carry a text."""

from bot.slack.forms import TicketForm
from bot.slack.ids import Action, Shortcut
from bot.slack.routing import Call, Router
from bot.slack.sources import Starter
from bot.slack.web import Identity


class Shortcuts:
    """Opens the form for a new ticket."""

    def __init__(self, *, identity: Identity, form: TicketForm) -> None:
        self._us = identity
        self._form = form

    def register(self, router: Router) -> None:
        """Take the gestures."""
        router.shortcuts[Shortcut.CREATE] = self.from_message
        router.shortcuts[Shortcut.NEW] = self.from_anywhere
        router.actions[Action.FORM] = self.from_button

    async def from_message(self, call: Call) -> None:
        """Create ticket: the message's whole thread, unless the form says otherwise."""
        await self._form.open(
            call, Starter(channel=call.channel, message=dict(call.body["message"]), us=self._us.user_id)
        )
        await call.ack()

    async def from_anywhere(self, call: Call) -> None:
        """New ticket: the card goes to a direct message, since there is no channel."""
        await self._form.open(call, Starter())
        await call.ack()

    async def from_button(self, call: Call) -> None:
        """A form with the text that the button carries."""
        await self._form.open(call, Starter(channel=call.channel, text=str(call.pressed.get("value") or "")))
        await call.ack()
