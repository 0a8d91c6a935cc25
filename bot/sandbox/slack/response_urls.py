"""The addresses by which an app answers later: five uses, thirty minutes."""

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.messages import Messages
from bot.sandbox.slack.posting import bot_message, content
from bot.sandbox.slack.state import Message, State


@dataclass(kw_only=True)
class _Handle:
    user: str
    channel: str
    expires: float
    message_ts: str = ""  # the message that was clicked, where one was
    uses: int = 0


@dataclass(kw_only=True)
class ResponseUrls:
    """Makes response_urls and carries out what is posted to them."""

    state: State
    messages: Messages
    seconds: float = 1800.0
    uses: int = 5
    _handles: dict[str, _Handle] = field(default_factory=dict)

    def make(self, user: str, channel: str, *, message_ts: str = "", kind: str = "actions") -> str:
        """A new address for *user*, in *channel*; *kind* is ``commands`` or ``actions``."""
        token = secrets.token_urlsafe(18)
        expires = self.state.clock() + self.seconds
        self._handles[token] = _Handle(user=user, channel=channel, expires=expires, message_ts=message_ts)
        return f"{self.state.base_url}/{kind}/{self.state.team_id}/{secrets.randbelow(10**12)}/{token}"

    def use(self, token: str, body: Any) -> None:
        """Do what was posted. Raises SlackError with the HTTP status that Slack gives."""
        handle = self._handles.get(token)
        if handle is None:
            raise SlackError("expired_url", status=404)
        if self.state.clock() > handle.expires:
            raise SlackError("expired_url", status=404)
        if handle.uses >= self.uses:
            raise SlackError("used_url", status=404)
        if not isinstance(body, dict):
            raise SlackError("invalid_payload", status=400)
        self.answer(handle.user, handle.channel, body, message_ts=handle.message_ts)
        handle.uses += 1

    def answer(self, user: str, channel: str, body: Mapping[str, Any], *, message_ts: str = "") -> None:
        """Show what an app answered to *user*: for them alone, for the channel, or in place of a message."""
        if body.get("delete_original"):
            self._delete(user, channel, message_ts)
            return
        if body.get("replace_original") and message_ts:
            self._replace(user, channel, message_ts, content(body))
            return
        fields = content(body)
        message = bot_message(self.state, fields)
        if body.get("thread_ts"):
            message["thread_ts"] = str(body["thread_ts"])
        if body.get("response_type", "ephemeral") == "in_channel":
            self.messages.add(channel, message)
        else:
            self.whisper(user, channel, message)

    def whisper(self, user: str, channel: str, message: Message) -> Message:
        """Show a message to one person only."""
        message["is_ephemeral"] = True
        self.state.ephemerals.setdefault((user, channel), []).append(message)
        self.state.changes.note(f"ephemeral {user} {channel}")
        return message

    def _whispered(self, user: str, channel: str, ts: str) -> Message | None:
        found = self.state.ephemerals.get((user, channel), [])
        return next((message for message in found if message["ts"] == ts), None)

    def _delete(self, user: str, channel: str, ts: str) -> None:
        whispered = self._whispered(user, channel, ts)
        if whispered is not None:
            self.state.ephemerals[user, channel].remove(whispered)
            self.state.changes.note(f"ephemeral {user} {channel}")
        elif ts in self.state.messages[channel] and self._is_ours(channel, ts):
            self.messages.remove(channel, ts)
        else:
            raise SlackError("message_not_found", status=404)

    def _replace(self, user: str, channel: str, ts: str, fields: dict[str, Any]) -> None:
        whispered = self._whispered(user, channel, ts)
        gone = tuple(key for key in ("blocks", "attachments") if key not in fields)
        if whispered is not None:
            whispered.update(copy.deepcopy(fields))
            for key in gone:
                whispered.pop(key, None)
            self.state.changes.note(f"ephemeral {user} {channel}")
        elif ts in self.state.messages[channel] and self._is_ours(channel, ts):
            self.messages.change(channel, ts, fields, gone=gone)
        else:
            raise SlackError("message_not_found", status=404)

    def _is_ours(self, channel: str, ts: str) -> bool:
        return bool(self.state.messages[channel][ts].get("bot_id") == self.state.bot_id)
