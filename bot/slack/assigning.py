"""Gives a ticket to an agent: by name, or by the list that a card's button opens."""

import re
from collections.abc import Sequence
from datetime import timedelta

from adapters.contract import Capability
from adapters.model import Act, Choice, ChoiceList
from bot.conversion.catalogue import Catalogue
from bot.conversion.ports import SlackTrouble, Threads
from bot.slack.ids import Action, Block, Modal
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router, pressed_thread
from bot.slack.seal import Memory, Seal
from bot.slack.submission import typed_in, value_of
from bot.slack.tickets import Asked, Found, Refused, Tickets
from bot.slack.views.help import usage
from bot.slack.views.notices import notice_modal
from bot.slack.views.writing import assign_modal
from bot.slack.web import Web
from bot.slack.wishes import Verb
from bot.words import N_, _

BUDGET = timedelta(seconds=1.2)
"""How long the desk's list of agents is waited for."""
NOBODY = "nobody"
_MENTIONED = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_TITLE = N_("Assign ticket")
_NAMED = 5
_NO_AGENT = Choice(id="", label="")


class Assigning:
    """Assigns tickets to the agents that the desk lists."""

    def __init__(self, *, web: Web, tickets: Tickets, catalogue: Catalogue, threads: Threads, seal: Seal) -> None:
        self._web = web
        self._tickets = tickets
        self._catalogue = catalogue
        self._threads = threads
        self._seal = seal

    def register(self, router: Router) -> None:
        """Take the card's button and its form."""
        router.actions[Action.ASSIGN] = self.ask
        router.submissions[Modal.ASSIGN] = self.submit

    async def by_name(self, asked: Asked, found: Found, typed: str) -> str:
        """Assign by what was typed: a name or a part of it, ``me``, ``nobody``, or a mention.

        Raises:
            Refused: it names none, or several.
        """
        await self._check(asked, found)
        name = typed.strip()
        if not name:
            raise Refused(_("To whom? Write {command}.", command=usage(Verb.ASSIGN)))
        if name.casefold() == NOBODY:
            return await self._assign(asked, found, _NO_AGENT)
        agents = await self._agents(found)
        if name.casefold() == "me":
            name = await self._name_of(asked.actor.id)
        elif person := _MENTIONED.fullmatch(name):
            name = await self._name_of(person[1])
        return await self._assign(asked, found, the_one(agents, name, found.desk.title))

    async def _check(self, asked: Asked, found: Found) -> None:
        await self._tickets.allow(asked, Gesture.ASSIGN, found)
        if not found.desk.has(Capability.ASSIGN):
            raise Refused(
                _("{desk} has no way to assign a ticket through its API. Do it there.", desk=found.desk.title)
            )

    async def _agents(self, found: Found) -> tuple[Choice, ...]:
        listing = await self._catalogue.choices(found.desk.name, ChoiceList.AGENTS, budget=BUDGET)
        if not listing.known:
            raise Refused(_("{desk} does not answer just now. Please try again in a moment.", desk=found.desk.title))
        if not listing.items:
            raise Refused(_("{desk} does not tell who its agents are. Assign the ticket there.", desk=found.desk.title))
        return listing.items

    async def _name_of(self, user: str) -> str:
        try:
            return (await self._threads.author(user)).name
        except SlackTrouble:
            raise Refused(_("Slack does not tell who that is just now. Write the agent's name instead.")) from None

    async def _assign(self, asked: Asked, found: Found, agent: Choice) -> str:
        await self._tickets.change(asked, found, Act.ASSIGN, Capability.ASSIGN, value=agent.id)
        if agent == _NO_AGENT:
            return _(
                "Ticket {number} at {desk} will be assigned to nobody.", number=found.number, desk=found.desk.title
            )
        return _(
            "Ticket {number} at {desk} will be assigned to {agent}.",
            number=found.number,
            desk=found.desk.title,
            agent=agent.label,
        )

    # --- the card's button ---

    async def ask(self, call: Call) -> None:
        """Open the list of agents."""
        (thread, ticket), actor = pressed_thread(call), call.actor
        memory = Memory(form=Modal.ASSIGN, user=actor.id, team=thread.team, channel=thread.channel, thread_ts=thread.ts)
        try:
            asked = Asked(actor=actor, channel=call.channel, once=call.trigger)
            found = await self._tickets.of_thread(asked, thread, Gesture.ASSIGN, ticket=ticket)
            await self._check(asked, found)
            sealed = self._seal.close(memory.model_copy(update={"ticket": found.made_for}))
            view = assign_modal(found.number, found.desk.name, found.desk.title, sealed)
        except Refused as refused:
            view = notice_modal(_(_TITLE), str(refused))
        await self._web.call("views.open", trigger_id=call.trigger, view=view)
        await call.ack()

    async def submit(self, call: Call) -> None:
        """Assign to who was chosen; nobody where none was."""
        view = call.view
        memory = self._seal.open(call.metadata, form=Modal.ASSIGN, user=call.actor.id)
        block = str(view["blocks"][-1]["block_id"])
        asked = Asked(actor=call.actor, channel=memory.channel, once=view["id"])
        agent = value_of(typed_in(view).get(block, {}))
        found = await self._tickets.of_thread(asked, memory.thread, Gesture.ASSIGN, ticket=memory.ticket)
        _check_desk(found, block)
        await self._assign(asked, found, Choice(id=agent, label=agent))
        await call.ack()


def _check_desk(found: Found, block: str) -> None:
    """An agent of one desk is nobody at another."""
    if block != Block.AGENT.of(found.desk.name):
        raise Refused(_("The thread has a ticket of another helpdesk by now. Close this and start again."))


def the_one(agents: Sequence[Choice], name: str, desk: str) -> Choice:
    """The agent whom *name* means: exactly so, else the only one whose name holds it; commands bring @ before it.

    Raises:
        Refused: there is none, or there are several.
    """
    sought = name.strip().removeprefix("@").casefold()
    exact = [agent for agent in agents if sought in {agent.id.casefold(), agent.label.casefold()}]
    found = exact[:1] or [agent for agent in agents if sought in agent.label.casefold()]
    if len(found) == 1:
        return found[0]
    names = ", ".join(agent.label for agent in (found or agents)[:_NAMED])
    if len(found or agents) > _NAMED:
        names = _("{names}, and others", names=names)
    if found:
        raise Refused(
            _(
                "Several agents of {desk} are called {name}: {names}. Write more of the name.",
                desk=desk,
                name=name,
                names=names,
            )
        )
    raise Refused(_("{desk} has no agent called {name}. There are: {names}.", desk=desk, name=name, names=names))
