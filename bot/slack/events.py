"""What follows from Slack's events: replies, edits and deletions go to the ticket.

The events come from the store, after they were acknowledged. What is raised here makes the worker try again, so all
that is done may be done twice.
"""

from typing import Any

from bot.conversion.intake import Intake
from bot.conversion.records import AddMessage, DeleteMessage, EditMessage
from bot.slack.mentions import thread_in, thread_of
from bot.slack.routing import Router
from bot.slack.web import Identity
from bot.slack.wishes import only_asks

MIRRORED = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""The subtypes of messages that people write; all others are Slack's own words, or edits and deletions."""


class Events:
    """Listens to stored events."""

    def __init__(self, *, identity: Identity, intake: Intake) -> None:
        self._us = identity
        self._intake = intake

    def register(self, router: Router) -> None:
        """Take the events that mean something; all others are acknowledged and forgotten."""
        router.events["message"] = self.message

    async def message(self, body: dict[str, Any]) -> None:
        """A message was written, edited or deleted: its thread's ticket is told, if there is one.

        Other apps' posts are left alone, and so are changes that are only an unfurled link.
        """
        event = body["event"]
        if event.get("subtype") == "message_changed":
            await self._edited(body, event)
            return
        if event.get("subtype") == "message_deleted":
            await self._deleted(body, event)
            return
        if event.get("subtype") not in MIRRORED or event.get("bot_id") or self._is_wish(event):
            return
        work = AddMessage(actor=str(event.get("user", "")), ts=str(event["ts"]), message=event)
        await self._intake.mirror(thread_of(body), work)

    async def _edited(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        message, previous = event.get("message") or {}, event.get("previous_message")
        edited = str((message.get("edited") or {}).get("ts", ""))
        if not edited or message.get("subtype") not in MIRRORED or message.get("bot_id") or not message.get("user"):
            return
        change = str(event.get("ts") or edited)  # edited.ts has whole seconds, so two edits may share it
        work = EditMessage(
            actor=str(message["user"]), ts=str(message["ts"]), message=message, previous=previous, edited=change
        )
        await self._intake.edit(thread_in(body, message), work, change=change)

    async def _deleted(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        previous = event.get("previous_message") or {}
        if previous.get("subtype") not in MIRRORED or previous.get("bot_id") or not previous.get("user"):
            return
        ts = str(event.get("deleted_ts") or previous.get("ts"))
        work = DeleteMessage(actor=str(previous["user"]), ts=ts, previous=previous)
        await self._intake.delete(thread_in(body, previous), work)

    def _is_wish(self, event: dict[str, Any]) -> bool:
        return only_asks(str(event.get("text") or ""), self._us.user_id)
