"""What follows from Slack's events: replies go to the ticket, mentions are answered, the home is shown.

The events come from the store, after they were acknowledged. What is raised here makes the worker try again, so all
that is done may be done twice.
"""

import re
from typing import Any

from adapters.model import Visibility
from bot.conversion.intake import Intake
from bot.conversion.records import AddMessage, DeleteMessage, EditMessage, Tell, ThreadKey
from bot.slack.policy import Actor
from bot.slack.routing import Router
from bot.slack.tickets import Asked, Found, Refused, Tickets
from bot.slack.views.help import help_words, home
from bot.slack.web import Identity, Web
from bot.slack.wishes import Verb, Wish, mentioned

MIRRORED = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""The subtypes of messages that people write; all others are Slack's own words, or edits and deletions."""
_MENTION = re.compile(r"\s*<@([A-Z0-9]+)(?:\|[^>]*)?>[\s:,]*")


class Events:
    """Listens to stored events."""

    def __init__(self, *, web: Web, identity: Identity, intake: Intake, tickets: Tickets) -> None:
        self._web = web
        self._us = identity
        self._intake = intake
        self._tickets = tickets

    def register(self, router: Router) -> None:
        """Take the events that mean something; all others are acknowledged and forgotten."""
        router.events["message"] = self.message
        router.events["app_mention"] = self.mention
        router.events["app_home_opened"] = self.home

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
        await self._intake.mirror(_thread_of(body), work)

    async def _edited(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        message, previous = event.get("message") or {}, event.get("previous_message")
        edited = str((message.get("edited") or {}).get("ts", ""))
        if not edited or message.get("subtype") not in MIRRORED or message.get("bot_id") or not message.get("user"):
            return
        work = EditMessage(
            actor=str(message["user"]), ts=str(message["ts"]), message=message, previous=previous, edited=edited
        )
        await self._intake.edit(_thread(body, message), work, change=str(event.get("ts") or edited))

    async def _deleted(self, body: dict[str, Any], event: dict[str, Any]) -> None:
        previous = event.get("previous_message") or {}
        if previous.get("subtype") not in MIRRORED or previous.get("bot_id") or not previous.get("user"):
            return
        ts = str(event.get("deleted_ts") or previous.get("ts"))
        work = DeleteMessage(actor=str(previous["user"]), ts=ts, previous=previous)
        await self._intake.delete(_thread(body, previous), work)

    def _is_wish(self, event: dict[str, Any]) -> bool:
        """Whether the message only asks us for something, so that it is not part of the conversation."""
        wish = self._wish(event)
        return wish is not None and (wish.verb is not Verb.HELP or wish.whole.casefold() == Verb.HELP)

    def _wish(self, event: dict[str, Any]) -> Wish | None:
        text = str(event.get("text") or "")
        found = _MENTION.match(text)
        if not found or found.group(1) != self._us.user_id:
            return None
        return mentioned(text[found.end() :])

    async def mention(self, body: dict[str, Any]) -> None:
        """Somebody wrote our name: do what stands behind it, in the thread where it stands."""
        event = body["event"]
        wish = self._wish(event)
        if wish is None:  # our name in the middle of a sentence is no wish
            return
        actor, thread, ts = Actor.of(body), _thread_of(body), str(event["ts"])
        asked = Asked(actor=actor, channel=thread.channel, once=f"{thread.channel}:{ts}")
        try:
            words = await self._carry_out(asked, thread, wish)
        except Refused as refused:
            words = str(refused)
        work = Tell(user=actor.id, channel=thread.channel, thread_ts=str(event.get("thread_ts") or ""), text=words)
        await self._intake.tell(work, team=thread.team, once=f"mention:{thread.channel}:{ts}")

    async def _carry_out(self, asked: Asked, thread: ThreadKey, wish: Wish) -> str:
        if wish.verb is Verb.HELP:
            guess = f"Did you mean {wish.meant}? " if wish.meant else ""
            return f"{guess}{help_words()}"
        if wish.verb is Verb.NEW:
            return "To make a ticket of this thread, choose Create ticket in the menu of one of its messages."
        if wish.verb is Verb.LINK:
            return await self._tickets.link(asked, thread, await self._tickets.named(asked, wish.word, Verb.LINK))
        return await self._about(asked, await self._tickets.of_thread(thread), wish)

    async def _about(self, asked: Asked, found: Found, wish: Wish) -> str:
        """The verbs that are about the thread's own ticket."""
        match wish.verb:
            case Verb.VIEW:
                words, url = await self._tickets.view(asked, found)
                return f"{words}\n{url}".rstrip()
            case Verb.CLOSE:
                return await self._tickets.close(asked, found)
            case Verb.UNLINK:
                return await self._tickets.unlink(asked, found)
            case _:
                visibility = Visibility.INTERNAL if wish.verb is Verb.NOTE else Visibility.PUBLIC
                return await self._tickets.write(asked, found, wish.text, visibility)

    async def home(self, body: dict[str, Any]) -> None:
        """Somebody opened our home."""
        event = body["event"]
        if event.get("tab") == "home":
            await self._web.call("views.publish", user_id=event["user"], view=home())


def _thread_of(body: dict[str, Any]) -> ThreadKey:
    return _thread(body, body["event"])


def _thread(body: dict[str, Any], message: dict[str, Any]) -> ThreadKey:
    """The thread in which *message* stands; an edit's or a deletion's is inside its event."""
    event = body["event"]
    return ThreadKey(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=str(event["channel"]),
        ts=str(message.get("thread_ts") or message["ts"]),
    )
