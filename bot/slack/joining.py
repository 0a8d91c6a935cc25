"""The shortcut "Add to ticket": brings a message to its thread's ticket, or asks which ticket the thread belongs to."""

import asyncio
import secrets
import time
from dataclasses import replace
from typing import Any

from adapters.contract import Reconcile, TicketAdapter
from adapters.errors import AdapterError, NotFound
from adapters.model import Choice
from bot.conversion.intake import Intake
from bot.conversion.ports import Desks, Links, StoreAway
from bot.conversion.records import AddMessage, Link, LinkRef, ThreadKey
from bot.slack.access import UNREADABLE, Access
from bot.slack.allowance import Kind
from bot.slack.answers import Answers
from bot.slack.forms import STORE
from bot.slack.ids import Action, Block, Modal, Shortcut
from bot.slack.policy import Gesture
from bot.slack.routing import STORE_AWAY, Call, Router, first_input
from bot.slack.seal import Memory, Seal
from bot.slack.sources import Sources, Starter
from bot.slack.submission import chosen_desk, typed_in, value_of
from bot.slack.threads import is_ours
from bot.slack.tickets import FLOOR, Asked, Refused, Tickets, no_such_desk, silent_words, title_of
from bot.slack.views.elements import Json
from bot.slack.views.form import Typed
from bot.slack.views.joining import joining
from bot.slack.views.notices import already_linked, notice_modal
from bot.slack.web import Identity, Web
from bot.slack.wishes import Reference, reference
from bot.words import N_, _

LOOK = 1.2
"""Seconds that a desk may take to say whether it has a ticket; a form has to be answered within three."""
_TITLE = N_("Add to ticket")
_OLD = N_("This form was open for more than half an hour. Look it over and press Add again.")
_GONE = N_("Nothing was added: Threadline does not have the message any more. Choose Add to ticket in its menu again.")


class Joining:
    """Takes a single message to a ticket."""

    def __init__(
        self,
        *,
        web: Web,
        identity: Identity,
        intake: Intake,
        links: Links,
        desks: Desks,
        sources: Sources,
        tickets: Tickets,
        answers: Answers,
        seal: Seal,
        access: Access,
    ) -> None:
        self._web = web
        self._us = identity
        self._intake = intake
        self._links = links
        self._desks = desks
        self._sources = sources
        self._tickets = tickets
        self._answers = answers
        self._seal = seal
        self._access = access

    def register(self, router: Router) -> None:
        """Take the shortcut and its form."""
        router.shortcuts[Shortcut.ADD] = self.begin
        router.submissions[Modal.JOIN] = self.submit
        router.actions[Action.JOIN_DESK] = self.follow

    async def begin(self, call: Call) -> None:
        """Add the message at once where its thread has a ticket; ask for the ticket where it has none."""
        starter = Starter(channel=call.channel, message=dict(call.body["message"]))
        actor = call.actor
        thread = ThreadKey(team=actor.team, channel=starter.channel, ts=starter.thread_ts)
        link = await self._links.get(thread)
        desk = self._desks.for_channel(starter.channel)
        gesture = Gesture.REPLY if link else Gesture.LINK
        why_not = await self._access.why_not(actor, gesture, desk=desk, channel=starter.channel, link=link)
        if why_not:
            self._answers.soon(call, why_not)
        elif is_ours(starter.message or {}, self._us):
            self._answers.soon(call, _("Threadline posted that itself, so it is not added to a ticket."))
        elif link:
            added = await self._add(thread, starter.message or {}, actor.id, link.desk, link.number, under=link)
            self._answers.soon(call, added)
        else:
            await self._ask(call, starter, desk)
        await call.ack()

    async def _add(
        self, thread: ThreadKey, message: Json, actor: str, desk: str, number: str, *, under: Link | None = None
    ) -> str:
        writer = str(message.get("user") or message.get("bot_id") or actor)
        edited = str((message.get("edited") or {}).get("ts", ""))
        meant = LinkRef.of(under)
        work = AddMessage(actor=writer, ts=str(message["ts"]), message=message, edited=edited, under=meant)
        # where it cannot be looked for, a person would be asked whether it arrived
        searched = desk in self._desks.names() and self._desks.get(desk).reconcile is not Reconcile.NONE
        accepted = await self._intake.add_message(thread, work, anew=True, searched=searched)
        if accepted.new:
            return _("The message is on its way to ticket {number}.", number=number)
        return _("Ticket {number} has that message already, or will have it in a moment.", number=number)

    async def _ask(self, call: Call, starter: Starter, desk: str) -> None:
        actor = call.actor
        memory = Memory(
            form=Modal.JOIN,
            user=actor.id,
            team=actor.team,
            channel=starter.channel,
            desk=desk,
            thread_ts=starter.thread_ts,
            message_ts=starter.message_ts,
            kept=secrets.token_urlsafe(12),
        )
        await self._web.call("views.open", trigger_id=call.trigger, view=self._view(memory, {}))
        await self._sources.keep(memory, starter.message)

    async def follow(self, call: Call) -> None:
        """Another desk was chosen: search there."""
        await call.ack()
        view = call.view
        memory = self._seal.open(call.metadata, form=Modal.JOIN, user=call.actor.id)
        new = self._redrawn(memory, typed_in(view))
        await self._web.call("views.update", view_id=view["id"], hash=view.get("hash"), view=new)

    def _redrawn(self, memory: Memory, typed: Typed, *, said: str = "") -> Json:
        return self._view(memory.model_copy(update={"desk": chosen_desk(typed, memory)}), typed, said=said)

    def _view(self, memory: Memory, typed: Typed, *, said: str = "") -> Json:
        desks = [Choice(id=name, label=self._desks.get(name).title) for name in self._desks.names()]
        return joining(self._desks.get(memory.desk), desks, self._seal.close(memory), typed, said=said)

    async def submit(self, call: Call) -> None:
        """Link the thread to the ticket and bring the message there."""
        view, actor = call.view, call.actor
        memory = self._seal.open(call.metadata, form=Modal.JOIN, user=actor.id)
        typed = typed_in(view)
        if self._seal.is_over(memory):
            kept = await self._sources.kept(memory)
            new = self._redrawn(memory, typed, said=_(_OLD)) if kept.offered else notice_modal(_(_TITLE), _(_GONE))
            await call.ack(response_action="update", view=new)
            return
        meant = _meant(typed, memory)
        if meant.desk not in self._desks.names():
            problem = no_such_desk(meant.desk, self._desks)
            await call.ack(response_action="errors", errors={Block.NUMBER: problem})
            return
        desk = self._desks.get(meant.desk)
        problem = await self._access.why_not(actor, Gesture.LINK, desk=desk.name, channel=memory.channel)
        if not problem and not await self._access.reads(actor, memory.channel):
            problem = _(UNREADABLE)
        if problem:
            await call.ack(response_action="errors", errors={Block.NUMBER: problem})
            return
        try:
            number = await self._number(call, memory, desk, meant.number)
            async with asyncio.timeout(STORE):
                await self._accept(call, memory, desk, number)
        except Refused as refused:
            await call.ack(response_action="errors", errors={Block.NUMBER: str(refused)})
        except (StoreAway, TimeoutError):
            await call.ack(response_action="errors", errors={first_input(view): _(STORE_AWAY)})

    async def _number(self, call: Call, memory: Memory, desk: TicketAdapter[Any], number: str) -> str:
        """The ticket's number as its desk writes it, whatever was typed.

        Raises Refused: a thread cannot be linked to it; one that is not for this person is not there for them.
        """
        if not number:
            raise Refused(_("Which ticket? Write its number."))
        begun, written = time.monotonic(), number
        about: dict[str, Any] = {"desk": desk.name, "channel": memory.channel}
        refusal = _("{desk} has no ticket {number}.", desk=desk.title, number=number)
        try:
            asked = Asked(actor=call.actor, channel=memory.channel, once=f"{call.view['id']}:{number}")
            await self._tickets.count(asked, Kind.LOOKUPS)
            async with asyncio.timeout(LOOK):
                about["ticket"] = ticket = await desk.find_by_number(number)
            shown, about["link"] = await self._access.shown(call.actor, desk.name, ticket, channel=memory.channel)
            written = ticket.ref.number
        except NotFound:
            shown = False
        except (AdapterError, TimeoutError):
            links = [link for link in await self._links.find(number) if link.desk == desk.name]
            about["link"] = await self._access.nearest(call.actor, links)
            shown, refusal = about["link"] is not None, silent_words(number, [desk.title])
        if not shown:
            await asyncio.sleep(begun + FLOOR - time.monotonic())
            raise Refused(refusal)
        if why_not := await self._access.why_not(call.actor, Gesture.LINK, **about):
            raise Refused(why_not)
        return written

    async def _accept(self, call: Call, memory: Memory, desk: TicketAdapter[Any], number: str) -> None:
        asked = Asked(actor=call.actor, channel=memory.channel, once=call.view["id"])
        kept = await self._sources.kept(memory)
        if kept.offered is None:
            await call.ack(response_action="update", view=notice_modal(_(_TITLE), _(_GONE)))
            return
        accepted = await self._tickets.ask_link(asked, memory.thread, desk.name, number)
        if accepted.link and (accepted.link.desk, accepted.link.number) != (desk.name, number):
            title = title_of(self._desks, accepted.link.desk)
            await call.ack(response_action="update", view=already_linked(accepted.link, title))
            return
        await self._add(memory.thread, kept.offered, memory.user, desk.name, number)
        await call.ack()


def _meant(typed: Typed, memory: Memory) -> Reference:
    """The ticket that was chosen, else the one that was typed; a desk before its number goes before the chosen one."""
    desk, word = chosen_desk(typed, memory), value_of(typed.get(Block.NUMBER, {}))
    if chosen := value_of(typed.get(Block.TICKET.of(desk), {})):
        return Reference(number=chosen, desk=desk)
    meant = reference(word) or Reference(number=word)
    return replace(meant, desk=meant.desk or desk)
