"""What the app may put into a message, and the message that Slack makes of it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.kit_check import check_message_blocks
from bot.sandbox.slack.state import Message, State

_CONTROL = re.compile(
    r"<(?:[@#!][^<>\n]+|(?:https?://|mailto:|tel:)[^<>\n]+)>"  # what stays as it is
    r"|(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?'\")\]}])"
    r"|(?P<amp>&(?!amp;|lt;|gt;))|(?P<lt><)|(?P<gt>>)"
)
_AMP = re.compile(r"&(?!amp;|lt;|gt;)")
MAX_TEXT = 40_000
_MAX_BLOCK_TEXT = 13_200
"""What all texts of a message's blocks may be together: measured by an app's author (slackapi/bolt-js#2509)."""
_MAX_METADATA = 8_192


def parsed(value: Any) -> Any:
    """A structured argument, which forms carry as JSON text. A text that is not JSON stays a text."""
    if isinstance(value, str) and value:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def content(args: Mapping[str, Any]) -> dict[str, Any]:
    """The ``text``, ``blocks``, ``attachments`` and ``metadata`` of a message, checked.

    Raises:
        SlackError: ``no_text``, ``invalid_blocks``, ``too_many_attachments``, ``markdown_text_conflict``, ...
    """
    text = str(args.get("text") or "")
    blocks, attachments = parsed(args.get("blocks")), parsed(args.get("attachments"))
    fields: dict[str, Any] = {}
    if markdown := str(args.get("markdown_text") or ""):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > 12_000:
            raise SlackError("msg_too_long")
        text = markdown
    if blocks:
        fields["blocks"] = check_message_blocks(blocks)
        if _text_length(fields["blocks"]) > _MAX_BLOCK_TEXT:
            raise SlackError("msg_blocks_too_long")
    if attachments:
        fields["attachments"] = _attachments(attachments)
    if not text.strip() and not fields:
        raise SlackError("no_text")
    fields["text"] = normalised(text)[:MAX_TEXT] if text else ""
    if "blocks" in fields and not text:
        fields["text"] = "This content can't be displayed."
    if metadata := parsed(args.get("metadata")):
        fields["metadata"] = _metadata(metadata)
    return fields


def normalised(text: str) -> str:
    """Text as Slack gives it back: bare addresses in angle brackets, stray ``&``, ``<`` and ``>`` escaped."""

    def replace(match: re.Match[str]) -> str:
        match match.lastgroup:
            case "url":
                return f"<{_AMP.sub('&amp;', match['url'])}>"
            case "amp":
                return "&amp;"
            case "lt":
                return "&lt;"
            case "gt":
                # At the start of a line it is a quote, and comes back escaped all the same.
                return "&gt;"
            case _:
                return _AMP.sub("&amp;", match[0])

    return _CONTROL.sub(replace, text)


def bot_message(state: State, fields: Mapping[str, Any], *, username: str = "", icon: str = "") -> Message:
    """A message of the app's bot user, or one under another name (``chat:write.customize``)."""
    message: Message = {"type": "message", "ts": state.new_ts(), "bot_id": state.bot_id, "app_id": state.app_id}
    if username or icon:
        icons = {"emoji": icon} if icon.startswith(":") else {"image_48": icon}
        message |= {"subtype": "bot_message", "username": username or state.people[state.bot_user_id].real_name}
        message |= {"icons": icons} if icon else {}
    else:
        message |= {"user": state.bot_user_id, "team": state.team_id, "bot_profile": bot_profile(state)}
    return message | dict(fields)


def bot_profile(state: State) -> dict[str, Any]:
    """The ``bot_profile`` beside the bot's messages."""
    return {
        "id": state.bot_id,
        "deleted": False,
        "name": state.people[state.bot_user_id].real_name,
        "updated": 1700000000,
        "app_id": state.app_id,
        "user_id": state.bot_user_id,
        "icons": {},
        "team_id": state.team_id,
    }


def _text_length(value: Any) -> int:
    """The characters of every ``text`` in a piece of Block Kit."""
    if isinstance(value, list):
        return sum(_text_length(item) for item in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(_text_length(item) for item in value.values())


def _attachments(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise SlackError("invalid_attachments")
    if len(given) > 100:
        raise SlackError("too_many_attachments")
    made = []
    for number, item in enumerate(given, 1):
        blocks = {"blocks": check_message_blocks(item["blocks"])} if item.get("blocks") else {}
        made.append({"id": number, "fallback": "[no preview available]", **item, **blocks})
    return made


def _metadata(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict) or set(given) - {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given)) > _MAX_METADATA:
        raise SlackError("metadata_too_large")
    return given
