"""The buttons under the question how a reply to a closed ticket goes on."""

from bot.conversion.decisions import Decision, decided, is_closed
from bot.conversion.ports import Lanes
from bot.conversion.stored import UnknownVersion
from bot.slack.answers import Answers, Later
from bot.slack.home import GONE, NEWER
from bot.slack.ids import Action
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router, pressed_thread
from bot.slack.tickets import Asked, Refused, Tickets
from bot.slack.views.notices import notice
from bot.words import N_, _

_DECISIONS = {
    Action.SEND_REOPEN: (Decision.REOPEN, N_("Ticket {number} will be opened again, and what waits is sent.")),
    Action.SEND_NEW: (Decision.NEW, N_("A new ticket that follows ticket {number} will be opened for what waits.")),
    Action.SEND_NOT: (Decision.DISCARD, N_("The reply was not sent to ticket {number}. It stays here.")),
}


class ClosedButtons:
    """Carries the choice into the lane; whoever may reply to the ticket may choose."""

    def __init__(self, *, lanes: Lanes, tickets: Tickets, answers: Answers, later: Later) -> None:
        self._lanes = lanes
        self._tickets = tickets
        self._answers = answers
        self._later = later

    def register(self, router: Router) -> None:
        """Take the buttons."""
        for action in _DECISIONS:
            router.actions[action] = self.decide

    async def decide(self, call: Call) -> None:
        """Have what waits go on; the answer takes the place of the question."""
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        decision, text = _DECISIONS[Action(call.pressed["action_id"])]
        try:
            thread, op = pressed_thread(call)
            found = await self._tickets.of_thread(asked, thread, Gesture.REPLY)
            done = await self._carry_out(str(thread), op, decision)
        except Refused as refused:
            self._answers.soon(call, str(refused))
        except UnknownVersion:
            self._answers.soon(call, _(NEWER))
        else:
            words = _(text, number=found.number) if done else _(GONE)
            self._later.run(self._answers.say(call, notice(words), words=words, replace=True))
        await call.ack()

    async def _carry_out(self, lane: str, op: str, decision: Decision) -> bool:
        parked = await self._lanes.find_parked(lane, op)
        if parked is None or not is_closed(parked.payload):
            return False
        return await self._lanes.unpark(lane, op, decided(parked.payload, decision))
