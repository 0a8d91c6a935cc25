"""A pretend Slack workspace and what its people can do in it."""

import copy
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.state import Message, SandboxChannel, SandboxPerson, State


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person gets for a command, a click or a form.

    ``status`` is the app's HTTP status (200 for an acknowledged envelope; 0 where the app was not asked or did not
    answer), ``body`` what it answered (an object, a text, or None), ``error`` what Slack shows the person when it went
    wrong, empty when all is well. Problems of a form stand in ``body["errors"]``: block id -> words.
    """

    status: int = 200
    body: Any = None
    error: str = ""


class Workspace:
    """One workspace with one app in it.

    ``commands`` and ``shortcuts`` are those of the app's manifest (``features.slash_commands``, ``features.shortcuts``),
    ``scopes`` its bot scopes, ``events`` its bot events; left out, the app has every scope and event that is known here.
    """

    def __init__(
        self,
        *,
        name: str = "Sandbox",
        commands: Sequence[Mapping[str, Any]] = (),
        shortcuts: Sequence[Mapping[str, Any]] = (),
        scopes: Iterable[str] | None = None,
        events: Iterable[str] | None = None,
        unfurl_domains: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.state = State(team_name=name, clock=clock)
        self.commands = [dict(item) for item in commands]
        self.shortcuts = [dict(item) for item in shortcuts]
        self.team_id, self.app_id = self.state.team_id, self.state.app_id
        self.bot_id, self.bot_user_id = self.state.bot_id, self.state.bot_user_id
        self.bot_token = "xoxb-sandbox-bot"
        self.app_token = "xapp-1-sandbox-app"
        self.signing_secret = "5a6d626f7853616e64626f7853656372"
        self.people: dict[str, SandboxPerson] = self.state.people
        self.channels: dict[str, SandboxChannel] = self.state.channels

    # --- writing ---

    async def post(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str = "",
        files: Sequence[tuple[str, bytes, str]] = (),
        broadcast: bool = False,
    ) -> Message:
        """Write a message; *files* are (name, bytes, media type)."""
        raise NotImplementedError

    async def edit(self, user: str, channel: str, ts: str, text: str) -> Message:
        """Change one's own message."""
        raise NotImplementedError

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message."""
        raise NotImplementedError

    async def react(self, user: str, channel: str, ts: str, emoji: str, *, add: bool = True) -> None:
        """Add or take away a reaction."""
        raise NotImplementedError

    # --- asking the app ---

    async def command(self, user: str, channel: str, command: str, text: str) -> Answer:
        """Send a slash command."""
        raise NotImplementedError

    async def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Answer:
        """Choose one of the app's entries in a message's menu."""
        raise NotImplementedError

    async def global_shortcut(self, user: str, callback_id: str) -> Answer:
        """Choose one of the app's entries in the lightning menu."""
        raise NotImplementedError

    async def press(
        self,
        user: str,
        *,
        view_id: str = "",
        channel: str = "",
        ts: str = "",
        block_id: str,
        action_id: str,
        value: Any = None,
        values: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Answer:
        """Use an element of a message, a form or App Home.

        *value* is the element's own form (``{"selected_option": {...}}``, ``{"value": "typed"}``, ...) or, shorter, the
        value of an option, a list of them, or the typed text. *values* is what else is filled into the form by now.
        """
        raise NotImplementedError

    async def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Answer:
        """Send the form on top; what the app answers (errors, update, push, clear) is applied to the stack of forms."""
        raise NotImplementedError

    async def close(self, user: str, view_id: str, *, everything: bool = False) -> None:
        """Close the form on top, or all of them."""
        raise NotImplementedError

    async def suggest(self, user: str, view_id: str, block_id: str, action_id: str, typed: str) -> list[dict[str, Any]]:
        """The options, or groups of options, that the app offers for what was typed into an external select."""
        raise NotImplementedError

    async def open_home(self, user: str) -> None:
        """Open the app's Home tab."""
        raise NotImplementedError

    async def invite_bot(self, channel: str) -> None:
        """Make the bot a member."""
        raise NotImplementedError

    async def join(self, user: str, channel: str) -> None:
        """Make a person a member."""
        raise NotImplementedError

    async def direct(self, user: str) -> str:
        """The channel id of the direct message between a person and the bot."""
        return self.state.direct(user).id

    # --- looking ---

    def views_of(self, user: str) -> list[dict[str, Any]]:
        """The forms that a person has open, the one on top last."""
        raise NotImplementedError

    def home_of(self, user: str) -> dict[str, Any] | None:
        """The person's Home tab, if the app has published one."""
        raise NotImplementedError

    def ephemerals(self, user: str, channel: str) -> list[Message]:
        """What only this person sees in a channel, oldest first."""
        return copy.deepcopy(self.state.ephemerals.get((user, channel), []))

    def history(self, channel: str) -> list[Message]:
        """What a channel shows, oldest first."""
        return copy.deepcopy(self.state.top_level(channel))

    def replies(self, channel: str, ts: str) -> list[Message]:
        """A thread, its root first."""
        return copy.deepcopy(self.state.thread(channel, ts))

    def file_bytes(self, file_id: str) -> bytes:
        """A file's bytes. Raises KeyError."""
        return self.state.files[file_id].content

    def changed(self, cursor: int) -> tuple[int, list[str]]:
        """The newest cursor and the notices after *cursor*.

        Notices: ``message C ts``, ``ephemeral U C``, ``view U``, ``home U``, ``channel C``.
        """
        return self.state.changes.since(cursor)

    async def wait_change(self, cursor: int, timeout: float) -> tuple[int, list[str]]:  # noqa: ASYNC109 - a long poll
        """Like `changed`, but waits up to *timeout* seconds for something to tell."""
        return await self.state.changes.wait(cursor, timeout)
