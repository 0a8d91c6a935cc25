"""The buttons under the question how a reply to a closed ticket goes on."""

from bot.conversion.decisions import Decision, decided, is_closed, typed
from bot.conversion.ports import Lanes, Threads
from bot.conversion.records import AddMessage, Operation, Tell, encode
from bot.conversion.stored import UnknownVersion
from bot.slack.answers import Answers, Later
from bot.slack.home import GONE, NEWER
from bot.slack.ids import Action
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router, pressed_thread
from bot.slack.tickets import Asked, Refused, Tickets
from bot.slack.views.notices import notice
from bot.words import N_, _, speaking

_DECISIONS = {
    Action.SEND_REOPEN: (Decision.REOPEN, N_("Ticket {number} will be opened again, and what waits is sent.")),
    Action.SEND_NEW: (Decision.NEW, N_("A new ticket that follows ticket {number} will be opened for what waits.")),
    Action.SEND_NOT: (Decision.DISCARD, N_("The reply was not sent to ticket {number}. It stays here.")),
}
_GIVEN_BACK = N_("The reply was not sent to ticket {number}. Who typed it has it back, in a direct message.")


class ClosedButtons:
    """Carries the choice into the lane; whoever may reply to the ticket may choose."""

    def __init__(self, *, lanes: Lanes, threads: Threads, tickets: Tickets, answers: Answers, later: Later) -> None:
        self._lanes = lanes
        self._threads = threads
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
        try:
            thread, op = pressed_thread(call)
            found = await self._tickets.of_thread(asked, thread, Gesture.REPLY)
            await self._tickets.allow(asked, Gesture.REPLY, found)
            action = Action(call.pressed["action_id"])
            with speaking():
                words = await self._carry_out(str(thread), op, action, found.number)
        except Refused as refused:
            self._answers.soon(call, str(refused))
        except UnknownVersion:
            self._answers.soon(call, _(NEWER))
        else:
            self._later.run(self._answers.say(call, notice(words), words=words, replace=True))
        await call.ack()

    async def _carry_out(self, lane: str, op: str, action: Action, number: str) -> str:
        """Put what waits back into its lane, or what takes its place; what the thread is told."""
        decision, words = _DECISIONS[action]
        parked = await self._lanes.find_parked(lane, op)
        if parked is None or not is_closed(parked.payload):
            return _(GONE)
        after, work = decided(parked.payload, decision), typed(parked.payload)
        if after is None and work:
            after, words = await self._given_back(work, number), _GIVEN_BACK
        done = await self._lanes.unpark(lane, op, after)
        return _(words, number=number) if done else _(GONE)

    async def _given_back(self, work: AddMessage, number: str) -> str:
        """What takes the place of a typed reply that is dropped: nobody else has its text."""
        with speaking(await self._threads.locale(work.actor)):
            text = _("Your reply was not sent to ticket {number}, which is closed. You typed:", number=number)
        return encode(Operation(work=Tell(user=work.actor, text=f"{text}\n{work.text}")))
