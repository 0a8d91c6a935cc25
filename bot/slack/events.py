"""What follows from Slack's events: replies, edits and deletions go to the ticket.

The events come from the store, after they were acknowledged. What is raised here makes the worker try again, so all
that is done may be done twice.
"""

import time
from collections.abc import Mapping
from typing import Any

from bot.conversion.intake import Intake
from bot.conversion.journal import LookLater
from bot.conversion.marks import mark_of
from bot.conversion.ops import asks_alone, below_new_card, is_deletion
from bot.conversion.ports import NewOp
from bot.conversion.records import AddMessage, DeleteMessage, EditMessage, Link, LinkRef
from bot.conversion.text.plain import from_plain
from bot.slack.mentions import SOON, thread_in, thread_of
from bot.slack.routing import Event, Router
from bot.slack.sources import literal
from bot.slack.threads import SPOKEN, is_ours
from bot.slack.web import Identity
from bot.slack.wishes import SENDING, carrying, only_asks


class Events:
    """Listens to stored events."""

    def __init__(self, *, identity: Identity, intake: Intake) -> None:
        self._us = identity
        self._intake = intake

    def register(self, router: Router) -> None:
        """Take the events that mean something; all others are acknowledged and forgotten."""
        router.events["message"] = self.message

    async def message(self, happened: Event) -> NewOp | None:
        """A message was written, edited or deleted: its thread's ticket is told, if there is one that is to know.

        What any Threadline posted never is, and neither are changes that are only an unfurled link.

        Returns what brings it to the ticket; where it is a wish besides, which may fail, that is stored already.

        Raises LookLater: it stands below a card of ours whose link is on its way.
        """
        event, link = happened.inner, happened.link
        if is_deletion(event):
            await self._deleted(happened)
        elif event.get("subtype") == "message_changed":
            await self._edited(happened)
        elif self._is_said(event) and not self._is_sent(event):
            _wait_for_link(happened, event)
            if _goes(link, event):
                thread, work = thread_of(happened.body), _addition(event, link)
                if not asks_alone(event):
                    return await self._intake.bringing(thread, work, link)
                await self._intake.mirror(thread, work, link)
        return None

    async def _edited(self, happened: Event) -> None:
        event, link = happened.inner, happened.link
        message, previous = event.get("message") or {}, event.get("previous_message")
        edited = str((message.get("edited") or {}).get("ts", ""))
        if not (edited and self._is_said(message)):
            return
        change = str(event.get("ts") or edited)  # edited.ts has whole seconds, so two edits may share it
        _wait_for_link(happened, message)
        thread = thread_in(happened.body, message)
        if link and link.at(change).mirror == "nothing" and not self._is_sent(message):
            return
        if link and link.at(str(message["ts"])).mirror == "marked" and _goes(link, message):  # perhaps only now
            await self._intake.mirror(thread, _addition(message, link, edited=change), link)
        work = EditMessage(
            actor=_actor(message, link),
            ts=str(message["ts"]),
            message=message,
            previous=previous,
            edited=change,
            under=LinkRef.of(link),
        )
        await self._intake.edit(thread, work, change=change)

    async def _deleted(self, happened: Event) -> None:
        event, link = happened.inner, happened.link
        previous = event.get("previous_message") or {}
        if not self._is_said(previous):
            return
        _wait_for_link(happened, previous)
        ts, thread = str(event.get("deleted_ts") or previous.get("ts")), thread_in(happened.body, previous)
        if link and link.at(str(event.get("ts") or ts)).mirror == "nothing" and not self._is_sent(previous):
            return
        work = DeleteMessage(actor=_actor(previous, link), ts=ts, previous=previous, under=LinkRef.of(link))
        await self._intake.delete(thread, work)

    def _is_said(self, message: Mapping[str, Any]) -> bool:
        """Whether a person or another app says something in it that may be on a ticket, and does not only ask us."""
        if str(message.get("subtype") or "") not in SPOKEN or not (message.get("user") or message.get("bot_id")):
            return False
        only = only_asks(str(message.get("text") or ""), self._us.user_id)
        return not is_ours(message, self._us) and (self._is_sent(message) or not only)

    def _is_sent(self, message: Mapping[str, Any]) -> bool:
        """Whether the verb behind our name sends it to the ticket; what that means for it, `Mentions` says."""
        return not message.get("bot_id") and carrying(str(message.get("text") or ""), self._us.user_id) in SENDING


def _wait_for_link(happened: Event, said: Mapping[str, Any]) -> None:
    if happened.link is None and below_new_card(happened.body, said, at=time.time()):
        raise LookLater(SOON)


def _goes(link: Link | None, message: Mapping[str, Any]) -> bool:
    """Whether it goes to the ticket by itself. Where the ticket is still being made, the worker asks again."""
    if link is None:
        return not message.get("bot_id")
    switch = link.at(str(message["ts"]))
    if message.get("bot_id") and not switch.apps:
        return False
    marked = switch.mirror == "marked" and mark_of(from_plain(literal(message))) is not None
    return switch.mirror == "everything" or marked


def _addition(message: dict[str, Any], link: Link | None, *, edited: str = "") -> AddMessage:
    return AddMessage(
        actor=_actor(message, link),
        ts=str(message["ts"]),
        message=message,
        mirrored=True,
        edited=edited,
        under=LinkRef.of(link),
    )


def _actor(message: Mapping[str, Any], link: Link | None) -> str:
    """Who hears what becomes of it; of another app's post, who opened the ticket."""
    return link.opened_by if link and message.get("bot_id") else str(message.get("user") or "")
