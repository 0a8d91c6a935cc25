"""One call of the Web API: its arguments, what its token may do, and the channel that it means."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.posting import parsed
from bot.sandbox.slack.state import Message, SandboxChannel, State
from bot.sandbox.slack.workspace import Workspace

_FAMILY = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


@dataclass(kw_only=True)
class Call:
    """The arguments of a call, with Slack's errors for what is missing or wrong in them."""

    workspace: Workspace
    method: str
    args: dict[str, Any]
    page_cap: int = 1000
    """The most that history and replies give at once (15 for apps under the limits of 2025)."""
    connect: Callable[[], str] = field(default=lambda: "")

    @property
    def state(self) -> State:
        """The workspace's state."""
        return self.workspace.state

    def need(self, name: str) -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {name}"])
        return value

    def text(self, name: str) -> str:
        """A text, empty where it was left out."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A switch, as forms and JSON write it."""
        return self.text(name).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """A count."""
        text = self.text(name)
        if not text:
            return default
        if not text.isdigit() or int(text) < 1:
            raise SlackError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(text)

    def thread(self, channel: SandboxChannel) -> str:
        """The root of the thread that ``thread_ts`` names; empty where it names none, or one that was deleted."""
        try:
            return self.state.place_in(channel.id, self.text("thread_ts"))
        except KeyError:
            raise SlackError("thread_not_found") from None

    def structure(self, name: str) -> Any:
        """A list or an object, which forms carry as JSON."""
        return parsed(self.args.get(name))

    # --- what the token may ---

    def allow(self, *scopes: str) -> None:
        """Go on only with one of *scopes*."""
        have = self.workspace.events.scopes
        if not have & set(scopes):
            more = {"needed": ",".join(scopes), "provided": ",".join(sorted(have))}
            raise SlackError("missing_scope", more=more)

    # --- which channel ---

    def channel(self, *, reading: str = "", name: str = "channel") -> SandboxChannel:
        """The channel that the bot can see.

        *reading* is the family of scopes that its kind needs: ``history`` or ``read``. Private channels in which the
        bot is not a member do not exist for it.
        """
        channel_id = self.need(name)
        channel = self.state.channels.get(channel_id)
        if channel is None or (channel.private and not channel.bot_in):
            raise SlackError("channel_not_found")
        if reading:
            self.allow(f"{_FAMILY[channel.kind]}:{reading}")
        return channel

    def joined_channel(self, *, reading: str = "") -> SandboxChannel:
        """As `channel`, and the bot is a member."""
        channel = self.channel(reading=reading)
        if not channel.bot_in:
            raise SlackError("not_in_channel")
        return channel

    def message(self, channel: SandboxChannel, name: str = "ts", *, code: str = "message_not_found") -> Message:
        """The message of that timestamp."""
        message = self.state.messages[channel.id].get(self.need(name))
        if message is None:
            raise SlackError(code)
        return message

    # --- pages ---

    def page(self, items: Sequence[Any], limit: int) -> tuple[list[Any], dict[str, Any]]:
        """The part of *items* that the cursor points at, and the answer's ``response_metadata``."""
        start = _position(self.text("cursor"))
        part = list(items[start : start + limit])
        after = start + len(part)
        following = _cursor(after) if after < len(items) else ""
        return part, {"response_metadata": {"next_cursor": following}}


def _cursor(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(position)
    except (binascii.Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error
    raise SlackError("invalid_cursor")


Run: TypeAlias = Callable[[Call], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A method of the Web API.

    ``scopes``: one of these is needed. ``per_minute``: Slack's tier. ``takes_json``: whether a JSON body is read; the
    reading methods take forms and queries only.
    """

    run: Run
    scopes: frozenset[str] = frozenset()
    per_minute: int = 50
    takes_json: bool = False
    app_token: bool = False
    open_to_all: bool = False


def method(run: Run, scopes: Iterable[str] = (), **more: Any) -> Method:
    """A `Method`, written shortly."""
    return Method(run=run, scopes=frozenset(scopes), **more)
