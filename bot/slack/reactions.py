"""A reaction that asks for a ticket: the message's whole thread becomes one, with the desk's defaults."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.conversion.catalogue import Catalogue
from bot.conversion.intake import Accepted, Intake
from bot.conversion.ports import Desks, SlackRefused, Threads
from bot.conversion.records import OpenTicket, Tell, ThreadKey
from bot.slack.access import Access
from bot.slack.allowance import Allowance, Kind
from bot.slack.answers import Answers
from bot.slack.forms import TicketForm, name_of
from bot.slack.ids import Action, Modal
from bot.slack.policy import Actor, Gesture
from bot.slack.routing import Call, Event, Router
from bot.slack.seal import Memory
from bot.slack.sources import Starter
from bot.slack.submission import chosen_department, read
from bot.slack.views.elements import Json
from bot.slack.views.notices import asks_for_form
from bot.slack.web import Identity, Web
from bot.words import N_, _

REACTIONS = frozenset({"ticket"})
"""The names of the reactions that ask for a ticket, unless the settings name others."""
BUDGET = timedelta(seconds=5)
"""How long the desk's lists are waited for; nobody looks at a form meanwhile."""
OPEN = 1.5
"""Seconds for finding the message again when its form is asked for; the form has to open within three."""
GONE = N_("That message is not in Slack any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Marked:
    """The message with the reaction, and the first one of its thread."""

    message: Json
    root: Json


class Reactions:
    """Listens to stored reactions. All that is done here may be done twice."""

    def __init__(
        self,
        *,
        web: Web,
        identity: Identity,
        intake: Intake,
        desks: Desks,
        catalogue: Catalogue,
        threads: Threads,
        form: TicketForm,
        answers: Answers,
        access: Access,
        allowance: Allowance,
        requesters: Mapping[str, str],
        names: Collection[str] = REACTIONS,
    ) -> None:
        self._web = web
        self._us = identity
        self._intake = intake
        self._desks = desks
        self._catalogue = catalogue
        self._threads = threads
        self._form = form
        self._answers = answers
        self._access = access
        self._allowance = allowance
        self._requesters = requesters
        self._names = frozenset(names)

    def register(self, router: Router) -> None:
        """Take the event, and the button that opens the form where more is needed."""
        router.events["reaction_added"] = self.reacted
        router.actions[Action.CREATE] = self.open_form

    async def reacted(self, happened: Event) -> None:
        """Make a ticket of the thread, once however many people react."""
        body, event = happened.body, happened.inner
        item, name = event.get("item") or {}, str(event.get("reaction", "")).partition("::")[0]
        if name not in self._names or item.get("type") != "message":
            return
        actor, channel, ts = Actor.of(body, self._us), str(item["channel"]), str(item["ts"])
        desk, told = self._desks.for_channel(channel), f"{ts}:{actor.id}:{event.get('event_ts', '')}"
        if why_not := await self._access.why_not(actor, Gesture.CREATE, desk=desk, channel=channel):
            await self._tell(actor, channel, "", why_not, once=told)
            return
        marked = await self._marked(channel, ts)
        if marked is None:
            return
        work = await self._ticket(actor, desk, channel, marked)
        if work is None:
            await self._ask(actor, desk, channel, marked, once=told)
            return
        once = f"{channel}:{marked.root['ts']}"
        if why_not := await self._allowance.why_not(actor, Kind.TICKETS, channel=channel, once=once):
            await self._tell(actor, channel, "", why_not, once=told)
            return
        accepted = await self._intake.open_ticket(actor.team, work, once=f"{channel}:{ts}")
        if words := await self._whose(actor, accepted):
            await self._tell(actor, channel, work.thread_ts, words, once=told)

    async def _ticket(self, actor: Actor, desk: str, channel: str, marked: _Marked) -> OpenTicket | None:
        """The ticket as the form would make it if nothing were changed there; None where something must be said."""
        adapter, root_ts = self._desks.get(desk), str(marked.root["ts"])
        memory = Memory(
            form=Modal.TICKET, user=actor.id, team=actor.team, channel=channel, desk=desk, thread_ts=root_ts
        )
        behalf = await self._access.allows(actor, Gesture.BEHALF, desk=desk, channel=channel)
        typed = Starter(channel=channel, message=marked.root, us=self._us.user_id).typed(
            actor.id, behalf=behalf, outsider=self._requesters.get(channel, "")
        )
        department = chosen_department(typed, adapter)
        fields, asked = await asyncio.gather(
            self._catalogue.fields(desk, department=department, budget=BUDGET),
            self._form.must_choose_department(adapter, budget=BUDGET),
        )
        return None if asked else read(memory, adapter, typed, fields).work

    async def _whose(self, actor: Actor, accepted: Accepted) -> str:
        """Words for who asked for what somebody else has asked for before."""
        if accepted.link and accepted.link.opened_by != actor.id:
            return _("This thread is ticket {number} already.", number=accepted.link.number)
        if accepted.link or accepted.new or accepted.actor == actor.id:
            return ""
        return _(
            "{name} is creating the ticket for this thread already.", name=await name_of(self._threads, accepted.actor)
        )

    async def _tell(self, actor: Actor, channel: str, thread_ts: str, words: str, *, once: str) -> None:
        work = Tell(user=actor.id, channel=channel, thread_ts=thread_ts, text=words)
        await self._intake.tell(work, team=actor.team, once=f"reaction:{channel}:{once}")

    async def _marked(self, channel: str, ts: str) -> _Marked | None:
        """The message with the reaction; None where it is gone. A reply is found by its own timestamp.

        Raises:
            SlackTrouble: try again.
        """
        try:
            near = await self._near(channel, ts)
            message = near.get(ts)
            if message is None:
                return None
            root_ts = str(message.get("thread_ts") or ts)
            root = near.get(root_ts) or (await self._near(channel, root_ts)).get(root_ts)
        except SlackRefused:
            return None  # deleted since, or we are not in that channel any more
        return None if root is None else _Marked(message=message, root=root)

    async def _near(self, channel: str, ts: str) -> dict[str, Json]:
        """The messages that Slack gives for a timestamp, which may be others than that one."""
        span: dict[str, Any] = {"oldest": ts, "latest": ts, "inclusive": True, "limit": 2}
        answer = await self._web.call("conversations.replies", channel=channel, ts=ts, **span)
        return {str(message.get("ts")): message for message in answer.get("messages") or []}

    # --- the form, where more is needed ---

    async def _ask(self, actor: Actor, desk: str, channel: str, marked: _Marked, *, once: str) -> None:
        """Tell who reacted that a form has to be filled in, and offer it."""
        thread = ThreadKey(team=actor.team, channel=channel, ts=str(marked.root["ts"]))
        title = self._desks.get(desk).title
        words = _("To make a ticket of this thread, {desk} needs more than a reaction can say. Fill it in:", desk=title)
        blocks, text = asks_for_form(words, str(marked.message["ts"]))
        try:
            await self._web.call(
                "chat.postEphemeral", channel=channel, user=actor.id, thread_ts=thread.ts, text=text, blocks=blocks
            )
        except SlackRefused:
            words = _(
                "To make a ticket of this thread, {desk} needs more than a reaction can say. Fill it in: choose "
                "Create ticket in the message's menu.",
                desk=title,
            )
            await self._tell(actor, "", "", words, once=once)

    async def open_form(self, call: Call) -> None:
        """Open the form for the message that somebody reacted to."""
        async with asyncio.timeout(OPEN):
            marked = await self._marked(call.channel, str(call.pressed.get("value", "")))
        if marked is None:
            self._answers.soon(call, _(GONE))
        else:
            await self._form.open(call, Starter(channel=call.channel, message=marked.message, us=self._us.user_id))
        await call.ack()
