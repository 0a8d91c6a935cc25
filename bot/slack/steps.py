"""Workflow Builder's step *Create ticket*: an event with its inputs; its end is told when the ticket is there."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from adapters.contract import Capability, TicketAdapter
from adapters.model import ChoiceList
from bot.conversion.catalogue import Catalogue
from bot.conversion.intake import Intake
from bot.conversion.ports import Desks
from bot.conversion.records import FinishStep, OpenTicket, ThreadKey
from bot.slack.access import Access
from bot.slack.allowance import Allowance, Kind
from bot.slack.ids import Block, Modal
from bot.slack.policy import Actor, Gesture
from bot.slack.routing import Event, Router
from bot.slack.seal import Memory
from bot.slack.submission import read
from bot.slack.tickets import Refused
from bot.slack.views.form import Typed
from bot.slack.wishes import Reference, reference
from bot.words import _

STEP: Final = "create_ticket"
"""The step's name in the manifest."""
BUDGET: Final = timedelta(seconds=5)
"""How long the desk's lists are waited for; a workflow has time."""


class Steps:
    """Listens to stored events. All that is done here may be done twice: an execution has one ticket and one end."""

    def __init__(
        self, *, intake: Intake, desks: Desks, catalogue: Catalogue, access: Access, allowance: Allowance
    ) -> None:
        self._intake = intake
        self._desks = desks
        self._catalogue = catalogue
        self._access = access
        self._allowance = allowance

    def register(self, router: Router) -> None:
        """Take the event."""
        router.events["function_executed"] = self.executed

    async def executed(self, happened: Event) -> None:
        """A workflow came to our step: have its ticket opened, or end it with what is wrong.

        Raises:
            StoreAway, SlackTrouble: nothing was accepted.
        """
        body, event = happened.body, happened.inner
        step = str(event.get("function_execution_id") or "")
        if (event.get("function") or {}).get("callback_id") != STEP or not step:
            return
        team = str(body.get("team_id") or "")
        try:
            work = await self._work(team, step, event.get("inputs") or {})
        except Refused as refused:
            await self._intake.finish_step(team, FinishStep(step=step, error=str(refused)))
            return
        accepted = await self._intake.open_ticket(team, work, once=f"step:{step}")
        if work.thread_ts and not accepted.new:  # the thread has its ticket, or is about to get it
            thread = ThreadKey(team=team, channel=work.channel, ts=work.thread_ts)
            await self._intake.finish_step(team, FinishStep(step=step, thread=thread))

    async def _work(self, team: str, step: str, inputs: Mapping[str, Any]) -> OpenTicket:
        """The ticket that the inputs ask for, as the form would make it."""
        given = {name: str(value or "").strip() for name, value in inputs.items()}
        where = _message(given.get("message_link", ""))
        channel = where.channel or given.get("channel", "")
        desk = self._desk(given.get("desk", ""), channel)
        actor = Actor(id=given.get("requester", ""), team=team)
        if not actor.id:
            raise Refused(_("Say in the workflow's step who the requester is."))
        if why_not := await self._access.why_not(actor, Gesture.CREATE, desk=desk.name, channel=channel):
            raise Refused(why_not)
        if channel and not await self._access.reads(actor, channel):
            raise Refused(_("The requester may not read that conversation, or Threadline may not."))
        typed = await self._typed(desk, given, actor.id)
        department = str((typed.get(Block.DEPARTMENT.of(desk.name)) or {}).get("selected_option", {}).get("value", ""))
        fields = await self._catalogue.fields(desk.name, department=department, budget=BUDGET)
        memory = Memory(
            form=Modal.TICKET, user=actor.id, team=team, channel=channel, desk=desk.name, thread_ts=where.thread_ts
        )
        asked = read(memory, desk, typed, fields)
        if asked.work is None:
            raise Refused(" ".join(dict.fromkeys(asked.problems.values())))
        if why_not := await self._allowance.why_not(actor, Kind.TICKETS, channel=channel, once=f"step:{step}"):
            raise Refused(why_not)
        return asked.work.model_copy(update={"step": step})

    def _desk(self, named: str, channel: str) -> TicketAdapter[Any]:
        desks = [self._desks.get(name) for name in self._desks.names()]
        if not named:
            return self._desks.get(self._desks.for_channel(channel))
        for desk in desks:
            if named.casefold() in {desk.name.casefold(), desk.title.casefold()}:
                return desk
        known = ", ".join(desk.title for desk in desks)
        raise Refused(_("There is no helpdesk called {name}. There are: {desks}.", name=named, desks=known))

    async def _typed(self, desk: TicketAdapter[Any], given: Mapping[str, str], requester: str) -> Typed:
        """The inputs as the form would hold them."""
        typed: dict[str, Mapping[str, Any]] = {
            Block.SUBJECT: {"value": " ".join(given.get("subject", "").split())},
            Block.DESCRIPTION: {"value": given.get("description", "")},
            Block.REQUESTER: {"selected_user": requester},
        }
        for block, which, name in (
            (Block.DEPARTMENT, ChoiceList.DEPARTMENTS, "department"),
            (Block.PRIORITY, ChoiceList.PRIORITIES, "priority"),
        ):
            if value := given.get(name, ""):
                chosen = await self._chosen(desk, which, value)
                typed[block.of(desk.name)] = {"selected_option": {"value": chosen}}
        return typed

    async def _chosen(self, desk: TicketAdapter[Any], which: ChoiceList, named: str) -> str:
        """The id of an entry of one of the desk's lists, named by its id or its label."""
        if not desk.has(Capability[which.name]):
            return named
        choices = await self._catalogue.choices(desk.name, which, budget=BUDGET)
        for choice in choices.items:
            if named.casefold() in {choice.id.casefold(), choice.label.casefold()}:
                return choice.id
        if not choices.known:
            return named  # the desk does not tell its list just now; it will say if it has no such entry
        known = ", ".join(choice.label for choice in choices.items)
        raise Refused(_("{desk} has no {name}. It has: {choices}.", desk=desk.title, name=named, choices=known))


def _message(link: str) -> Reference:
    """The message that a link names; nothing where there is none."""
    if not link:
        return Reference()
    found = reference(link)
    if found is None or not found.thread_ts:
        raise Refused(_("The message link in the workflow's step is not the link of a Slack message."))
    return found
