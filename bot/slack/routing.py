"""Takes each payload to the one handler for it, by a table.

What waits for an answer comes through Bolt: one listener for each kind of payload, since Bolt asks its listeners one
after the other, so that many of them make every payload slow. Events come from the store and need nothing of Bolt.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.conversion.ops import asks_alone
from bot.conversion.ports import NewOp, SlackRefused, SlackTrouble, StoreAway
from bot.conversion.records import Link, ThreadKey
from bot.slack.ids import Modal
from bot.slack.policy import Actor, channel_of
from bot.slack.seal import Forged
from bot.slack.tickets import Refused
from bot.slack.views.elements import Json, Said
from bot.slack.views.notices import notice, notice_modal
from bot.slack.web import Identity
from bot.words import N_, _, speaking

log = logging.getLogger(__name__)

STORE_AWAY = N_("Threadline cannot store this right now. Nothing was lost: please try again in a moment.")
NOT_YOURS = N_("This form cannot be used. Close it and start again.")
FAILED = N_("Something went wrong inside Threadline, and it has been logged. Nothing was changed: please try again.")
_EVERYTHING = re.compile("")


Respond: TypeAlias = Callable[[str, Json], Awaitable[bool]]
"""Posts an answer to a response_url; whether Slack took it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A payload of Slack's that waits for our answer."""

    body: dict[str, Any]
    ack: AsyncAck
    post: Respond
    us: Identity

    @property
    def actor(self) -> Actor:
        """Who did it."""
        return Actor.of(self.body, self.us)

    @property
    def trigger(self) -> str:
        """Opens one modal, within three seconds; also this gesture's own name."""
        return str(self.body.get("trigger_id", ""))

    @property
    def channel(self) -> str:
        """Where it was done; empty where Slack does not tell."""
        return channel_of(self.body)

    @property
    def thread_ts(self) -> str:
        """The thread that the pressed button stands in; empty where it stands in none."""
        message = self.body.get("message") or {}
        return str(self.body.get("container", {}).get("thread_ts") or message.get("thread_ts") or "")

    @property
    def view(self) -> dict[str, Any]:
        """The modal that it was done in."""
        return self.body.get("view") or {}

    @property
    def metadata(self) -> str:
        """What the modal remembers, sealed."""
        return str(self.view.get("private_metadata", ""))

    @property
    def pressed(self) -> dict[str, Any]:
        """The element that was used."""
        actions = self.body.get("actions") or [{}]
        return dict(actions[0])

    async def whisper(self, said: Said, *, replace: bool = False) -> bool:
        """Say something to the person alone where they are, or in the place of the message in which the button was.

        False where Slack gave no address for it, or did not take it.
        """
        blocks, text = said
        address = self.body.get("response_url")
        answer: Json = {"text": text, "blocks": blocks, "response_type": "ephemeral", "replace_original": replace}
        if self.thread_ts:
            answer["thread_ts"] = self.thread_ts
        return bool(address) and await self.post(str(address), answer)


Handler: TypeAlias = Callable[[Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event: its payload, and the ticket of its lane's thread when the worker took it, if there was one."""

    body: dict[str, Any]
    link: Link | None

    @property
    def inner(self) -> dict[str, Any]:
        """What happened."""
        return self.body["event"]  # type: ignore[no-any-return]  # an event without one is not stored


EventHandler: TypeAlias = Callable[[Event], Awaitable[NewOp | None]]
"""Gives what follows in the event's own thread, to be stored as the event is done; the rest it has accepted."""


class Router:
    """The tables. A payload without a handler is acknowledged, since Slack counts anything else as our failure.

    *locale* tells in whose words to answer: what a handler says is in the language of who did it. *identity* is who
    we are: what we did ourselves is no event to us.
    """

    def __init__(self, identity: Identity, locale: Callable[[str], Awaitable[str]], respond: Respond) -> None:
        self._us = identity
        self._locale = locale
        self._respond = respond
        self.commands: dict[str, Handler] = {}
        self.shortcuts: dict[str, Handler] = {}
        self.submissions: dict[str, Handler] = {}
        self.actions: dict[str, Handler] = {}
        self.options: dict[str, Handler] = {}
        self.events: dict[str, EventHandler] = {}

    def register(self, app: AsyncApp) -> None:
        """Give Bolt its five listeners."""
        app.command(_EVERYTHING)(self._on(self.commands, "command"))
        app.action(_EVERYTHING)(self._on(self.actions, "action"))
        app.options(_EVERYTHING)(self._on(self.options, "options"))
        app.view(_EVERYTHING)(self._on(self.submissions, "view"))
        app.shortcut(_EVERYTHING)(self._on(self.shortcuts, "shortcut"))

    async def event(self, event: Event) -> NewOp | None:
        """What follows from *event* in its thread; its handlers have accepted the rest. Raises what they raise."""
        if self._us.wrote(event.inner):
            return None
        follows = await self._give(event, str(event.inner.get("type")))
        if asks_alone(event.inner):
            await self._give(event, "app_mention")
        return follows

    async def _give(self, event: Event, kind: str) -> NewOp | None:
        if handler := self.events.get(kind):
            with speaking(await self._locale(_answered(event.inner, kind))):
                return await handler(event)
        return None

    def _on(self, table: dict[str, Handler], kind: str) -> Callable[..., Awaitable[None]]:
        async def listener(body: dict[str, Any], ack: AsyncAck) -> None:
            call = Call(body, ack, self._respond, self._us)
            handler = table.get(name_of(kind, body))
            if handler is None:
                await (ack(options=[]) if kind == "options" else ack())
                return
            with speaking(await self._locale(call.actor.id)):
                await _answer(handler, call, kind)

        return listener


def _answered(event: dict[str, Any], kind: str) -> str:
    """Who an event's handler speaks to; nobody about a message, and most events are messages."""
    user = event.get("user")
    return user if isinstance(user, str) and kind != "message" else ""


async def _answer(handler: Handler, call: Call, kind: str) -> None:
    try:
        await handler(call)
    except Forged:
        log.warning("a form came back with metadata that is not ours")
        if kind == "view":
            title = str((call.view.get("title") or {}).get("text", ""))
            await call.ack(response_action="update", view=notice_modal(title, _(NOT_YOURS)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the person must hear that it did not happen
        await _sorry(call, kind, why_not(error, kind))


def why_not(error: Exception, kind: str) -> str:
    """Why a gesture of that kind did not do what it was for, in words; what is no refusal of ours is logged."""
    match error:
        case Refused():
            return str(error)
        case StoreAway():
            log.warning("the store is away; a %s was refused", kind)
            return _(STORE_AWAY)
        case SlackTrouble():
            log.warning("Slack did not do what a %s needed: %s", kind, error.code)
            return _("Slack could not do this just now ({code}). Please try again.", code=error.code)
        case SlackRefused():
            log.warning("Slack refused what a %s needed: %s", kind, error.code)
            return error.words
    log.error("a %s failed: %s", kind, type(error).__name__)
    return _(FAILED)


def name_of(kind: str, body: dict[str, Any]) -> str:
    """What a payload is looked up by."""
    match kind:
        case "command":
            return str(body.get("command", ""))
        case "action":
            return str((body.get("actions") or [{}])[0].get("action_id", ""))
        case "options":
            return str(body.get("action_id", ""))
        case "view":
            return str(body.get("view", {}).get("callback_id", ""))
    return str(body.get("callback_id", ""))


async def _sorry(call: Call, kind: str, words: str) -> None:
    """Say in the place where the person looks that nothing happened, keeping what they typed."""
    if kind == "view":
        await call.ack(response_action="errors", errors={first_input(call.view): words})
    elif kind == "options":
        await call.ack(options=[])
    elif kind == "command":
        blocks, text = notice(words)
        await call.ack(text=text, blocks=blocks, response_type="ephemeral")
    else:
        await call.ack()
        await call.whisper(notice(words))


def pressed_thread(call: Call) -> tuple[ThreadKey, str]:
    """The thread that a button names, in this workspace and channel whatever it says, and what it carries besides.

    Raises:
        ValueError: it names none.
    """
    name, _bar, more = str(call.pressed.get("value", "")).partition("|")
    named = ThreadKey.parse(name)
    return named.model_copy(update={"team": call.actor.team, "channel": call.channel or named.channel}), more


def first_input(view: dict[str, Any]) -> str:
    """The block id of a modal's first input, beside which what concerns the whole form is said."""
    inputs: list[Json] = [block for block in view.get("blocks", []) if block.get("type") == "input"]
    return str(inputs[0]["block_id"]) if inputs else Modal.NOTICE
