"""The buttons under a notice about work that waits for a person: try again, it is there, discard."""

from bot.conversion.decisions import Decision, asks, decided, is_of
from bot.conversion.ports import Lanes, Parked
from bot.conversion.stored import UnknownVersion
from bot.slack.answers import Answers, Later
from bot.slack.home import AGAIN, GONE, NEWER, HomeTab, in_home
from bot.slack.ids import Action
from bot.slack.routing import Call, Router
from bot.slack.views.notices import QUESTION_BLOCK, notice
from bot.words import N_, _

_DECISIONS = {
    Action.AGAIN: Decision.AGAIN,
    Action.THERE: Decision.THERE,
    Action.DISCARD: Decision.DISCARD,
}
_WORDS = {
    Decision.AGAIN: AGAIN,
    Decision.THERE: N_("Good. It counts as delivered, and the rest goes on."),
    Decision.DISCARD: N_("It was discarded and will not reach the ticket. What was written in Slack stays there."),
}
QUESTION = N_("The desk did not answer, so it may be there already. Look at the ticket: is it there?")


class ParkedButtons:
    """Carries decisions about parked work into its lane."""

    def __init__(self, *, lanes: Lanes, answers: Answers, home: HomeTab, later: Later) -> None:
        self._lanes = lanes
        self._answers = answers
        self._home = home
        self._later = later

    def register(self, router: Router) -> None:
        """Take the buttons."""
        for action in _DECISIONS:
            router.actions[action] = self.decide

    async def decide(self, call: Call) -> None:
        """Put one's own work back, or drop it. An open question is asked before anything is sent a second time."""
        named = str(call.pressed.get("value", ""))
        lane, _bar, op = named.partition("|")
        decision = _DECISIONS[Action(call.pressed["action_id"])]
        parked = await self._lanes.find_parked(lane, op)
        try:
            if parked is None or not is_of(parked.payload, call.actor.id):
                self._say(call, _(GONE))
            elif decision is Decision.AGAIN and asks(parked.payload) and not _was_asked(call):
                self._say(call, _(QUESTION), asks_about=named)
            else:
                self._say(call, await self._carry_out(parked, decision))
        except UnknownVersion:
            self._say(call, _(NEWER))
        await call.ack()

    def _say(self, call: Call, words: str, *, asks_about: str = "") -> None:
        """Answer where the button was: the home is shown anew, with the words on top."""
        if in_home(call):
            self._later.run(self._home.show_again(call, said=words))
        elif asks_about:
            said = notice(words, parked=asks_about, asks=True)
            self._later.run(self._answers.say(call, said, words=words))
        else:
            self._answers.soon(call, words)

    async def _carry_out(self, parked: Parked, decision: Decision) -> str:
        done = await self._lanes.unpark(parked.lane, parked.id, decided(parked.payload, decision))
        return _(_WORDS[decision]) if done else _(GONE)


def _was_asked(call: Call) -> bool:
    """Whether the button stood under the question, so that it is an answer to it."""
    return str(call.pressed.get("block_id", "")).partition(":")[0] == QUESTION_BLOCK
