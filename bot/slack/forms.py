"""The form for a new ticket: opens at once, fills itself, follows what is chosen, gives the ticket to the intake."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Choice, ChoiceList
from bot.conversion.catalogue import NOW, Catalogue, Fields
from bot.conversion.intake import Accepted, Intake
from bot.conversion.ports import Desks, Links, SlackRefused, SlackTrouble, StoreAway, Threads
from bot.conversion.records import Link, LinkTicket, OpenTicket, Work
from bot.slack.access import UNREADABLE, Access
from bot.slack.allowance import Allowance, Kind
from bot.slack.answers import Later
from bot.slack.ids import Action, Block, Modal
from bot.slack.policy import Actor, Gesture
from bot.slack.routing import Call, Router, first_input
from bot.slack.seal import Memory, Seal
from bot.slack.sources import Kept, Sources, Starter
from bot.slack.submission import chosen_department, chosen_desk, read, typed_in
from bot.slack.tickets import Refused, title_of
from bot.slack.views.elements import Json
from bot.slack.views.form import Form, Typed, form, inputs_of, is_required
from bot.slack.views.notices import already_linked, being_made, notice_modal
from bot.slack.web import Web
from bot.words import N_, _

FILL = timedelta(seconds=2.5)
"""How long the lists and the thread are waited for before the form is drawn without them."""
STORE = 2.0
"""Seconds that storing a ticket may take, so that the answer reaches Slack in time."""
NAME = 0.5
"""Seconds for finding out what somebody is called."""
NOT_STORED = N_("Threadline cannot store this right now. Nothing was lost: press Create again in a moment.")
OLD = N_("This form was open for more than half an hour. Look it over and press Create again.")
FOLLOWED = N_("The form now shows what goes with your choice. Look it over and press Create again.")
_TITLE = N_("New ticket")
_TWICE = N_(
    "You asked for this ticket before, and it is on its way or there already. If you changed what you wrote, send that "
    "in its thread."
)


class TicketForm:
    """Opens the form and answers for it."""

    def __init__(
        self,
        *,
        web: Web,
        intake: Intake,
        links: Links,
        desks: Desks,
        catalogue: Catalogue,
        sources: Sources,
        threads: Threads,
        seal: Seal,
        later: Later,
        access: Access,
        allowance: Allowance,
        requesters: Mapping[str, str],
    ) -> None:
        self._web = web
        self._intake = intake
        self._links = links
        self._desks = desks
        self._catalogue = catalogue
        self._sources = sources
        self._threads = threads
        self._seal = seal
        self._later = later
        self._access = access
        self._allowance = allowance
        self._requesters = requesters

    def register(self, router: Router) -> None:
        """Take what happens in the form."""
        router.submissions[Modal.TICKET] = self.submit
        router.actions[Action.DESK] = self.follow
        router.actions[Action.DEPARTMENT] = self.follow

    # --- opening and filling ---

    async def open(self, call: Call, starter: Starter) -> None:
        """Open the form on this gesture. What is known is in it at once; the rest follows.

        Raises:
            SlackTrouble, SlackRefused: Slack did not open it.
        """
        actor, desk = call.actor, self._desks.for_channel(starter.channel)
        allowed = await self._allowed(actor, starter.channel)
        if not allowed:
            why_not = await self._access.why_not(actor, Gesture.CREATE, desk=desk, channel=starter.channel)
            refused = notice_modal(_(_TITLE), why_not, typed=starter.text)
            await self._web.call("views.open", trigger_id=call.trigger, view=refused)
            return
        desk = desk if desk in allowed else next(iter(allowed))
        memory = Memory(
            form=Modal.TICKET,
            user=actor.id,
            team=actor.team,
            channel=starter.channel,
            desk=desk,
            thread_ts=starter.thread_ts,
            message_ts=starter.message_ts,
            kept=secrets.token_urlsafe(12) if starter.message else "",
        )
        typed = starter.typed(actor.id, behalf=allowed[desk], outsider=self._requesters.get(starter.channel, ""))
        shown = await self._form(actor, memory, typed, allowed=allowed)
        opened = await self._web.call("views.open", trigger_id=call.trigger, view=form(shown))
        if shown.loading:
            self._later.run(self._fill(opened["view"], actor, memory, typed, starter.message))

    async def _allowed(self, actor: Actor, channel: str) -> dict[str, bool]:
        """The desks at which somebody may open a ticket, and whether for somebody else. Slack is waited for once.

        Where it does not tell in time who they are, those where members and guests alike may, and for themselves: a
        form must open now, and its submission, which says of which company they are, is decided about again.
        """
        access, names = self._access, self._desks.names()
        try:
            return {
                name: await access.allows(actor, Gesture.BEHALF, desk=name, channel=channel)
                for name in names
                if await access.allows(actor, Gesture.CREATE, desk=name, channel=channel)
            }
        except SlackTrouble:
            known = [one for one in names if access.allows_unasked(actor, Gesture.CREATE, desk=one, channel=channel)]
            if not known:
                raise
            return dict.fromkeys(known, False)

    async def _behalf(self, actor: Actor, memory: Memory) -> bool:
        """Whether somebody may open a ticket for somebody else; where Slack does not tell, it is for themselves."""
        try:
            return await self._access.allows(actor, Gesture.BEHALF, desk=memory.desk, channel=memory.channel)
        except SlackTrouble:
            return False

    async def _for_whom(self, actor: Actor, memory: Memory, typed: Typed) -> Typed:
        """What was typed; in a channel whose tickets are for one requester, who may not choose another has not."""
        usual = self._requesters.get(memory.channel, "")
        if not usual or await self._behalf(actor, memory):
            return typed
        return {**typed, Block.OUTSIDER: {"value": usual}}

    async def _fill(self, view: Json | None, actor: Actor, memory: Memory, typed: Typed, offered: Json | None) -> None:
        """Bring the lists and the thread into an open form. The lists do not wait for a long thread."""
        if link := await self._linked(memory):
            await self._update(view, already_linked(link, title_of(self._desks, link.desk)))
            return
        reading = asyncio.create_task(self._sources.read(memory, offered))
        await asyncio.wait({reading}, timeout=FILL.total_seconds())
        if not reading.done():
            view = await self._update(view, form(await self._form(actor, memory, typed, budget=FILL, reading=True)))
        kept = await reading
        await self._update(view, form(await self._form(actor, memory, typed, budget=FILL, kept=kept)))

    async def _linked(self, memory: Memory) -> Link | None:
        try:
            return await self._links.get(memory.thread) if memory.thread_ts else None
        except StoreAway:
            return None  # the submission will say so, if the store is still away then

    async def _form(
        self,
        actor: Actor,
        memory: Memory,
        typed: Typed,
        *,
        budget: timedelta = NOW,
        kept: Kept | None = None,
        reading: bool = False,
        notice: str = "",
        allowed: Mapping[str, bool] | None = None,
    ) -> Form:
        desk = self._desks.get(memory.desk)
        department = chosen_department(typed, desk)
        departments, priorities, fields = await asyncio.gather(
            self._catalogue.choices(desk.name, ChoiceList.DEPARTMENTS, budget=budget),
            self._catalogue.choices(desk.name, ChoiceList.PRIORITIES, budget=budget),
            self._catalogue.fields(desk.name, department=department, budget=budget),
        )
        allowed = allowed or await self._allowed(actor, memory.channel)
        unknown = not (departments.known and priorities.known and fields.known)
        unread = bool(memory.thread_ts) and kept is None
        return Form(
            desk=desk,
            desks=tuple(Choice(id=name, label=self._desks.get(name).title) for name in allowed),
            behalf=allowed.get(memory.desk, False),
            metadata=self._seal.close(memory),
            typed=typed,
            departments=departments,
            priorities=priorities,
            fields=fields,
            about_thread=bool(memory.thread_ts),
            summary=kept.summary if kept else None,
            loading=reading or (budget == NOW and (unknown or unread) and not notice),
            notice=notice or (kept.trouble if kept else ""),
        )

    async def _update(self, view: Json | None, new: Json) -> Json | None:
        """Redraw an open modal unless it was redrawn or closed in the meantime; returns it with its new hash."""
        if view is None:
            return None
        try:
            answer = await self._web.call("views.update", view_id=view["id"], hash=view.get("hash"), view=new)
        except SlackRefused as error:
            if error.code not in {"hash_conflict", "not_found"}:
                raise
            return None
        return dict(answer["view"])

    async def must_choose_department(self, desk: TicketAdapter[Any], *, budget: timedelta) -> bool:
        """Whether the form would insist on a department that the settings do not name."""
        if desk.settings.department or not desk.has(Capability.DEPARTMENTS):
            return False
        return bool((await self._catalogue.choices(desk.name, ChoiceList.DEPARTMENTS, budget=budget)).items)

    # --- following ---

    async def follow(self, call: Call) -> None:
        """Another desk or department was chosen: show what goes with it, and keep all that was typed."""
        await call.ack()
        memory = self._seal.open(call.metadata, form=Modal.TICKET, user=call.actor.id)
        self._later.run(self._follow(call, memory))

    async def _follow(self, call: Call, memory: Memory) -> None:
        view, actor = call.view, call.actor
        typed = typed_in(view)
        memory = memory.model_copy(update={"desk": chosen_desk(typed, memory)})
        kept = await self._kept(memory)
        if memory.thread_ts and kept.summary is None:
            kept = await self._sources.read(memory, kept.offered)
        await self._update(view, form(await self._form(actor, memory, typed, budget=FILL, kept=kept)))

    async def _kept(self, memory: Memory) -> Kept:
        try:
            return await self._sources.kept(memory)
        except StoreAway:
            return Kept()

    # --- submitting ---

    async def submit(self, call: Call) -> None:
        """Hand the ticket to the intake, or say beside each field what is wrong; nothing typed is lost."""
        view, actor = call.view, call.actor
        memory = self._seal.open(call.metadata, form=Modal.TICKET, user=actor.id)
        typed = typed_in(view)
        desk = self._desks.get(chosen_desk(typed, memory))
        memory_now = memory.model_copy(update={"desk": desk.name})
        if why_not := await self._access.why_not(actor, Gesture.CREATE, desk=desk.name, channel=memory.channel):
            raise Refused(why_not)
        department = chosen_department(typed, desk)
        fields = await self._catalogue.fields(desk.name, department=department, budget=NOW)
        if reason := self._must_redraw(memory, view, desk, fields):
            shown = await self._form(actor, memory_now, typed, kept=await self._kept(memory), notice=reason)
            await call.ack(response_action="update", view=form(shown))
            return
        usual = memory.channel in self._requesters
        submission = read(memory, desk, await self._for_whom(actor, memory_now, typed), fields)
        if submission.work is None:
            await call.ack(response_action="errors", errors=submission.problems)
            return
        if submission.for_another and not usual:
            why_not = await self._access.why_not(actor, Gesture.BEHALF, desk=desk.name, channel=memory.channel)
            if why_not:
                raise Refused(why_not)
        await self._accept(call, memory, submission.work)

    def _must_redraw(self, memory: Memory, view: Json, desk: TicketAdapter[Any], fields: Fields) -> str:
        """Why the form cannot be taken as it is; empty if it can."""
        if self._seal.is_over(memory):
            return _(OLD)
        drawn = {block.get("block_id") for block in view.get("blocks", [])}
        needed = {block.of(desk.name, one.key) for block, one in inputs_of(desk, fields) if is_required(desk, one)}
        return _(FOLLOWED) if desk.name != memory.desk or needed - drawn else ""

    async def _accept(self, call: Call, memory: Memory, work: OpenTicket) -> None:
        try:
            async with asyncio.timeout(STORE):
                kept = await self._sources.kept(memory)
                if kept.summary and kept.summary.cannot_read:
                    work = work.model_copy(update={"offered": kept.offered})
                if why_not := await self._why_not(call, memory, work):
                    raise Refused(why_not)
                accepted = await self._intake.open_ticket(memory.team, work, once=call.view["id"])
        except (StoreAway, TimeoutError):
            await call.ack(response_action="errors", errors={first_input(call.view): _(NOT_STORED)})
            return
        if accepted.new or _is_the_same(accepted.earlier, work):
            await call.ack()
            self._later.run(self._sources.forget(memory))
            return
        await call.ack(response_action="update", view=await self._whose(accepted, work))

    async def _why_not(self, call: Call, memory: Memory, work: OpenTicket) -> str:
        """Why the ticket cannot be had now: its whole thread is for who can read it, and there are limits."""
        if memory.thread_ts and not work.offered and not await self._access.reads(call.actor, memory.channel):
            return _(UNREADABLE)
        return await self._allowance.why_not(call.actor, Kind.TICKETS, channel=work.channel, once=call.view["id"])

    async def _whose(self, accepted: Accepted, work: OpenTicket) -> Json:
        """What is said instead of opening a ticket, with what was typed for it, which nobody else has."""
        typed = "\n".join(filter(None, (work.subject, work.description, *work.fields.values())))
        earlier = accepted.earlier
        if accepted.link:
            return already_linked(accepted.link, title_of(self._desks, accepted.link.desk), typed=typed)
        if isinstance(earlier, LinkTicket):
            name = await name_of(self._threads, earlier.actor)
            return being_made(name, number=earlier.number, typed=typed)
        if not work.thread_ts or accepted.actor == work.actor:
            return notice_modal(_(_TITLE), _(_TWICE), typed=typed)
        return being_made(await name_of(self._threads, accepted.actor), typed=typed)


def _is_the_same(earlier: Work | None, work: OpenTicket) -> bool:
    """Whether what waits is *work*, so that it was the same press again, after an answer that was lost."""
    if not isinstance(earlier, OpenTicket):
        return False
    return earlier == work.model_copy(update={"asked": earlier.asked, "offered": earlier.offered})


async def name_of(threads: Threads, user: str) -> str:
    """What to call a person, at once."""
    try:
        async with asyncio.timeout(NAME):
            return (await threads.author(user)).name if user else _("Somebody")
    except (SlackTrouble, TimeoutError):
        return _("Somebody")
