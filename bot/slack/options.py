"""Feeds the lists in forms that are too long to be sent whole, from the catalogue and within a budget."""

import asyncio
import secrets
from contextlib import suppress
from datetime import timedelta

from adapters.errors import AdapterError
from adapters.model import Choice, ChoiceList, Ticket
from bot.conversion.catalogue import Catalogue, Choices, Listing, matching
from bot.conversion.ports import Desks
from bot.slack.access import Access
from bot.slack.allowance import Allowance, Kind
from bot.slack.ids import Action
from bot.slack.limits import OPTIONS
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router
from bot.slack.submission import chosen_department, typed_in
from bot.slack.views.elements import cut, options_of, usable
from bot.slack.views.form import inputs_of

BUDGET = timedelta(seconds=1.2)
"""How long an answer waits for a desk; Slack gives three seconds, and people type on."""
_LISTS = {
    Action.DEPARTMENT: ChoiceList.DEPARTMENTS,
    Action.PRIORITY: ChoiceList.PRIORITIES,
    Action.AGENT: ChoiceList.AGENTS,
}


class Lists:
    """Answers what Slack asks while somebody types into a list. An empty answer, never an error, for a slow desk."""

    def __init__(self, *, desks: Desks, catalogue: Catalogue, access: Access, allowance: Allowance) -> None:
        self._desks = desks
        self._catalogue = catalogue
        self._access = access
        self._allowance = allowance

    def register(self, router: Router) -> None:
        """Take the lists of all forms."""
        for action in _LISTS:
            router.options[action] = self.listed
        router.options[Action.FIELD] = self.field
        router.options[Action.TICKET] = self.tickets

    async def listed(self, call: Call) -> None:
        """Departments, priorities or agents of the desk that the block id names."""
        which = _LISTS[Action(call.body["action_id"])]
        gesture = Gesture.ASSIGN if which is ChoiceList.AGENTS else Gesture.CREATE
        if await self._allowed(call, gesture):
            await self._answer(call, await self._catalogue.choices(_desk_of(call), which, budget=BUDGET))

    async def _allowed(self, call: Call, gesture: Gesture) -> bool:
        """Whether who types may have a list of that desk at all; if not, they get an empty one."""
        allowed = await self._access.allows(call.actor, gesture, desk=_desk_of(call))
        if not allowed:
            await call.ack(options=[])
        return allowed

    async def field(self, call: Call) -> None:
        """The choices of one custom field or extra parameter."""
        if not await self._allowed(call, Gesture.CREATE):
            return
        desk = self._desks.get(_desk_of(call))
        department = chosen_department(typed_in(call.view), desk)
        fields = await self._catalogue.fields(desk.name, department=department, budget=BUDGET)
        choices = [
            one.choices
            for block, one in inputs_of(desk, fields)
            if block.of(desk.name, one.key) == call.body["block_id"]
        ]
        await self._answer(call, Listing(choices[0] if choices else ()))

    async def tickets(self, call: Call) -> None:
        """Tickets of a desk whose subject holds what is being typed, those that are there for who types."""
        if not await self._allowed(call, Gesture.SEARCH):
            return
        desk = self._desks.get(_desk_of(call))
        words = _words(call)
        once = secrets.token_hex(8)  # each letter that somebody types is a search
        if why_not := await self._allowance.why_not(call.actor, Kind.LOOKUPS, channel="", once=once):
            await call.ack(**options_of([Choice(id="-", label=cut(why_not, 75))]))
            return
        found: tuple[Ticket, ...] = ()
        if words:
            with suppress(AdapterError, TimeoutError):
                async with asyncio.timeout(BUDGET.total_seconds()):
                    found = await desk.search(words)
        shown = await asyncio.gather(*(self._access.shown(call.actor, desk.name, one, channel="") for one in found))
        found = tuple(one for one, (seen, _) in zip(found, shown, strict=True) if seen)
        choices = [Choice(id=one.ref.number, label=cut(f"{one.ref.number}: {one.subject}", 75)) for one in found]
        await call.ack(**options_of(usable(choices)) if choices else {"options": []})

    async def _answer(self, call: Call, found: Choices) -> None:
        choices = matching(usable(found.items), _words(call), limit=OPTIONS)
        await call.ack(**options_of(choices) if choices else {"options": []})


def _desk_of(call: Call) -> str:
    return str(call.body["block_id"]).split(":")[1]


def _words(call: Call) -> str:
    return str(call.body.get("value") or "").strip()
