"""The buttons under a notice about work that waits for a person: try again, it is there, discard."""

from bot.conversion.decisions import Decision, asks, decided
from bot.conversion.ports import Lanes, Parked
from bot.conversion.records import UnknownVersion
from bot.slack.answers import Answers, Later
from bot.slack.ids import Action
from bot.slack.policy import Gesture, Policy
from bot.slack.routing import Call, Router
from bot.slack.views.notices import QUESTION_BLOCK, notice

_DECISIONS = {
    Action.AGAIN: Decision.AGAIN,
    Action.THERE: Decision.THERE,
    Action.DISCARD: Decision.DISCARD,
}
_WORDS = {
    Decision.AGAIN: "It will be tried again now.",
    Decision.THERE: "Good. It counts as delivered, and the rest goes on.",
    Decision.DISCARD: "It was discarded and will not reach the ticket. What was written in Slack stays there.",
}
GONE = "That was decided already, or it has been delivered since."
NEWER = "A newer version of Threadline wrote that. Decide about it there."
QUESTION = "The desk did not answer, so it may be there already. Look at the ticket: is it there?"


class ParkedButtons:
    """Carries decisions about parked work into its lane."""

    def __init__(self, *, lanes: Lanes, answers: Answers, later: Later, policy: Policy) -> None:
        self._lanes = lanes
        self._answers = answers
        self._later = later
        self._policy = policy

    def register(self, router: Router) -> None:
        """Take the buttons."""
        for action in _DECISIONS:
            router.actions[action] = self.decide

    async def decide(self, call: Call) -> None:
        """Put the work back, or drop it. An open question is asked before anything is sent a second time."""
        named = str(call.pressed.get("value", ""))
        lane, _, op = named.partition("|")
        decision = _DECISIONS[Action(call.pressed["action_id"])]
        parked = await self._lanes.find_parked(lane, op)
        why_not = self._policy(call.actor, Gesture.DECIDE, desk="", channel=call.channel)
        try:
            if why_not or parked is None:
                self._answers.soon(call, why_not or GONE)
            elif decision is Decision.AGAIN and asks(parked.payload) and not _was_asked(call):
                said = notice(QUESTION, parked=named, asks=True)
                self._later.run(self._answers.say(call, said, words=QUESTION))
            else:
                self._answers.soon(call, await self._carry_out(parked, decision))
        except UnknownVersion:
            self._answers.soon(call, NEWER)
        await call.ack()

    async def _carry_out(self, parked: Parked, decision: Decision) -> str:
        done = await self._lanes.unpark(parked.lane, parked.id, decided(parked.payload, decision))
        return _WORDS[decision] if done else GONE


def _was_asked(call: Call) -> bool:
    """Whether the button stood under the question, so that it is an answer to it."""
    return str(call.pressed.get("block_id", "")) == QUESTION_BLOCK
