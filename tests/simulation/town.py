"""One schedule lived through: processes of the real worker and door on a pretended Redis, Slack and desk."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from adapters.model import Act
from bot.conversion.decisions import decided
from bot.conversion.ports import StoreAway
from bot.conversion.records import ChangeTicket, OpenTicket, ThreadKey
from tests.simulation import invariants
from tests.simulation.bot import Bot, patiently
from tests.simulation.desk import POISON, SETTLE, TIMEOUT, DeskState
from tests.simulation.ledger import Answered, Ledger, Said
from tests.simulation.loop import HOST, SimLoop, Stuck
from tests.simulation.network import Network
from tests.simulation.plan import FIRST_HARM, Plan, Step
from tests.simulation.redis_model import Server
from tests.simulation.slack import ADA, CHANNEL, TEAM, SlackState
from tests.simulation.steady import steady

PATIENCE = 1_500.0
"""Seconds, of the simulation's time, within which all is done once nothing fails any more."""
RESEND = (1.0, 3.0, 8.0)
"""Seconds after which Slack sends an event again that was not acknowledged within `ACK`."""
ACK = 3.0


class Town:
    """A plan being lived."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chance = random.Random(f"noise {plan.noise}")
        self.loop = SimLoop(self.chance)  # type: ignore[abstract]  # asyncio makes none of them abstract
        self.network = Network(loop=self.loop, chance=self.chance)
        self.redis = Server(lambda: round((1_760_000_000.0 + self.loop.now) * 1000))
        self.slack = SlackState(self.loop.time)
        self.desk = DeskState()
        self.ledger = Ledger()
        self.bots: dict[int, Bot] = {}
        self.disk: Any = None
        self.lives = 0
        self.failures: list[str] = []
        self.peace = False
        self._tokens = 0
        self._flights: set[asyncio.Task[None]] = set()

    # --- the life of the town ----------------------------------------------------------------------------------------

    async def live(self) -> None:
        """All steps, then peace, then the comparison."""
        for number in range(self.plan.threads):
            self.ledger.roots.append(self.slack.begin(self._token()))
            self.ledger.said.append(Said(f"tok{number + 1:03}", number, self.ledger.roots[-1], acked=0.0))
        for number in range(self.plan.bots):
            self._start(number)
        self.network.calm = self.plan.flavour == "none"  # whose creations nobody could look for
        self._later(FIRST_HARM, self._trouble)
        for step in self.plan.steps:
            await asyncio.sleep(max(0.0, 1.0 + step.at - self.loop.now))
            self.network.note(f"* {step.what} thread {step.thread} number {step.of}")
            self._do(step)
            self.failures += invariants.always(self)
        over = max(step.at + (11.0 if step.what == "stop" else step.span) for step in self.plan.steps) + 1.1
        await asyncio.sleep(over - self.loop.now + 1.0)
        await self._peace()
        self.failures += invariants.at_the_end(self)

    async def _peace(self) -> None:
        """Nothing fails any more; wait until all is done, and then a little for what comes too often."""
        self.network.calm = self.peace = True
        self._start(0)
        bot = self.bots[0]
        for other in self.bots.values():
            if other is not bot:
                other.worker.stop()
        begun = self.loop.now
        await asyncio.gather(*self._flights)
        await self._inside(bot, bot.intake.sweep)
        while self.loop.now - begun < PATIENCE:
            await asyncio.sleep(2.0)
            await self._people_decide()
            if not invariants.waiting(self) and not invariants.missing(self):
                break
        else:
            self.failures += [f"still waiting: {what}" for what in invariants.waiting(self)]
        await asyncio.sleep(TIMEOUT + SETTLE)

    def _trouble(self) -> None:
        self.network.calm = self.peace

    def _token(self) -> str:
        self._tokens += 1
        return f"tok{self._tokens:03}"

    def _thread(self, number: int) -> ThreadKey:
        return ThreadKey(team=TEAM, channel=CHANNEL, ts=self.ledger.roots[number])

    # --- processes ---------------------------------------------------------------------------------------------------

    def _start(self, number: int) -> None:
        if number in self.bots:
            return
        self.lives += 1
        host = self.loop.host(f"bot{number}.{self.lives}")
        token = HOST.set(host)
        try:
            bot = Bot(
                plan=self.plan, network=self.network, redis=self.redis, slack=self.slack, desk=self.desk, host=host
            )
        finally:
            HOST.reset(token)
        self.bots[number] = bot
        self.loop.inside(host, bot.live())

    def _kill(self, number: int) -> None:
        if bot := self.bots.pop(number, None):
            self.loop.kill(bot.host)

    async def _inside(self, bot: Bot, work: Callable[[], Any]) -> Any:
        """What *work* gives in a process; the process may die of it, and the caller waits no longer then."""

        async def patient() -> Any:
            return await patiently(work)

        return await asyncio.shield(self.loop.inside(bot.host, patient()))  # who is dead does not answer a cancellation

    # --- steps -------------------------------------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        name = "_do_" + step.what.replace(" ", "_")
        getattr(self, name)(step)

    def _later(self, delay: float, work: Callable[[], None]) -> None:
        self.loop.call_later(delay, work)

    def _some(self) -> Bot | None:
        running = [bot for bot in self.bots.values() if not bot.host.paused]
        return self.chance.choice(running) if running else None

    def _fly(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._flights.add(task)
        task.add_done_callback(self._flights.discard)

    def _do_open(self, step: Step) -> None:
        work = OpenTicket(
            actor=ADA.id, desk="desk", subject="It burns", channel=CHANNEL, thread_ts=self.ledger.roots[step.thread]
        )
        self._ask(
            lambda bot: bot.intake.open_ticket(TEAM, work, once="form"), lambda: self.ledger.opened.add(step.thread)
        )

    _do_open_again = _do_open

    def _do_close(self, step: Step) -> None:
        work = ChangeTicket(actor=ADA.id, act=Act.CLOSE)
        once = f"gesture{step.of}"
        self._ask(lambda bot: bot.intake.change(self._thread(step.thread), work, once=once), lambda: None)

    def _ask(self, work: Callable[[Bot], Any], then: Callable[[], object]) -> None:
        """A person asks for something, and asks again while nobody says that it is accepted."""

        async def insist() -> None:
            while True:
                bot = self._some()
                if bot is not None:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(ACK):
                            await self._inside(bot, partial(work, bot))
                            then()
                            return
                await asyncio.sleep(1.0)

        self._fly(insist())

    def _do_say(self, step: Step, *, poison: bool = False) -> None:
        token = self._token()
        root = self.ledger.roots[step.thread]
        event = self.slack.say(root, f"{token} {POISON if poison else 'hello'}")
        said = Said(token, step.thread, event["ts"], first_sent=self.loop.now, poison=poison)
        self.ledger.said.append(said)

        def acked() -> None:
            said.acked = said.acked or self.loop.now

        self._deliver(event, acked)

    def _do_poison(self, step: Step) -> None:
        self._do_say(step, poison=self.ticket_of(step.thread) is not None)  # in a creation it would stop that

    def _pick(self, step: Step) -> Said | None:
        there = [
            one for one in self.ledger.said[self.plan.threads :] if one.thread == step.thread and one.deleted is None
        ]
        return there[step.of % len(there)] if there else None

    def _do_edit(self, step: Step) -> None:
        if (said := self._pick(step)) is None or said.poison:
            return
        token, number = self._token(), len(said.edits)
        said.edits.append((token, False))
        event = self.slack.edit(self.ledger.roots[said.thread], said.ts, f"{token} hello")

        def acked() -> None:
            said.edits[number] = (token, True)

        self._deliver(event, acked)

    def _do_delete(self, step: Step) -> None:
        if (said := self._pick(step)) is None or said.poison:
            return
        said.deleted = False
        event = self.slack.delete(self.ledger.roots[said.thread], said.ts)

        def acked() -> None:
            said.deleted = True

        self._deliver(event, acked)

    def _do_reply(self, step: Step, *, internal: bool = False) -> None:
        ticket = self.ticket_of(step.thread)
        if ticket is not None:
            token = self._token()
            self.desk.answer(str(ticket), f"{token} from an agent", internal=internal)
            self.ledger.answered.append(Answered(token, step.thread, internal))

    def _do_note(self, step: Step) -> None:
        self._do_reply(step, internal=True)

    def _do_agent_closes(self, step: Step) -> None:
        ticket = self.ticket_of(step.thread)
        if ticket is not None:
            self.desk.set_closed(str(ticket), closed=not self.desk.tickets[ticket].closed)

    def ticket_of(self, thread: int) -> int | None:
        """The ticket on which a thread's first message is, found as a person at the desk would."""
        token = f"tok{thread + 1:03}"
        for ticket in self.desk.tickets.values():
            if any(token in entry.text for entry in ticket.entries):
                return ticket.id
        return None

    def _do_kill(self, step: Step) -> None:
        number = step.of % self.plan.bots
        self._kill(number)
        self._later(step.span, lambda: self._start(number))

    def _do_stop(self, step: Step) -> None:
        """SIGTERM: it finishes what it has in hand, within its ten seconds."""
        if bot := self.bots.get(step.of % self.plan.bots):
            bot.worker.stop()
            self._later(11.0, lambda: self._replaced(step.of % self.plan.bots, bot))

    def _replaced(self, number: int, bot: Bot) -> None:
        if self.bots.get(number) is bot:
            self._kill(number)
            self._start(number)

    def _do_pause(self, step: Step) -> None:
        if bot := self.bots.get(step.of % self.plan.bots):
            bot.host.paused = True
            self._later(step.span, lambda: setattr(bot.host, "paused", False))

    def _do_jump(self, step: Step) -> None:
        if bot := self.bots.get(step.of % self.plan.bots):
            bot.host.skew = JUMP * (self.chance.random() * 2 - 1)

    def _do_redis_down(self, step: Step) -> None:
        self.redis.up = False
        self._later(step.span, self.redis.restart)

    def _do_copy(self, step: Step) -> None:
        self.disk = self.redis.copy()

    def _do_roll_back(self, step: Step) -> None:
        if self.disk is not None:
            self.redis.up = False
            self._later(step.span, lambda: self.redis.restart(self.disk))

    def _do_outage(self, step: Step) -> None:
        self.desk.up = False
        self._later(step.span, lambda: setattr(self.desk, "up", True))

    def _do_sweep(self, step: Step) -> None:
        self._ask(lambda bot: bot.intake.sweep(), lambda: None)

    # --- Slack's deliveries ------------------------------------------------------------------------------------------

    def _deliver(self, event: dict[str, Any], acked: Callable[[], None]) -> None:
        body = {"team_id": TEAM, "event_id": f"Ev{event['event_ts']}", "type": "event_callback", "event": event}
        self._fly(self._insist(body, acked))
        if self.chance.random() < self.plan.doubled:
            self._fly(self._again(body))

    async def _insist(self, body: dict[str, Any], acked: Callable[[], None]) -> None:
        for retry, pause in enumerate((*RESEND, None)):
            if await self._hand_over(body, retry):
                acked()
                return
            if pause is None:
                return  # Slack gives up
            await asyncio.sleep(pause)

    async def _again(self, body: dict[str, Any]) -> None:
        await asyncio.sleep(self.chance.random() * 5)
        await self._hand_over(body, 0)

    async def _hand_over(self, body: dict[str, Any], retry: int) -> bool:
        """Whether a process acknowledged an event in time."""
        await asyncio.sleep(self.chance.random() * 0.3)
        bot = self._some()
        if bot is None:
            return False
        try:
            async with asyncio.timeout(ACK):
                await asyncio.shield(self.loop.inside(bot.host, bot.door.event(body, retry)))
        except (TimeoutError, StoreAway):
            return False
        await asyncio.sleep(self.chance.random() * 0.1)
        return bot.host.alive

    # --- people ------------------------------------------------------------------------------------------------------

    async def _people_decide(self) -> None:
        """Whoever is asked whether it is there looks at the desk, and says what they see."""
        bot = self.bots[0]
        for told in [told for told in self.slack.told if told.asks]:
            lane, _, op = told.parked.partition("|")
            parked = await self._inside(bot, partial(bot.lanes.find_parked, lane, op))
            if parked is not None and parked.held:
                self.ledger.asked += 1
                await asyncio.sleep(TIMEOUT + SETTLE)
                payload = decided(parked.payload, invariants.seen_by_a_person(self, parked))
                await self._inside(bot, partial(bot.lanes.unpark, lane, op, payload))


JUMP = 0.0
"""Seconds by which a clock jumps at most; see `docs/reliability.md` for what the product needs of clocks."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What came of a plan."""

    failures: tuple[str, ...]
    trace: tuple[str, ...]
    faults: dict[str, int]
    asked: int
    seconds: float


def live(plan: Plan) -> Lived:
    """Live through a plan; the same plan always comes to the same."""
    town = Town(plan)
    with steady(town.chance, plan.noise, town.loop):
        try:
            town.loop.run(town.live())
        except Stuck:
            town.failures.append("nothing is left to happen, and not all is done")
        finally:
            town.network.over = True
            failures = list(dict.fromkeys([*town.failures, *town.loop.faults]))
            town.loop.bury()
    return Lived(
        failures=tuple(failures),
        trace=town.network.trace,
        faults=dict(town.network.met),
        asked=town.ledger.asked,
        seconds=town.loop.now,
    )
