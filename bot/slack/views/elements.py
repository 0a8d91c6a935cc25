"""The pieces of Block Kit that all views are made of, cut to Slack's limits; text in them is literal.

The limits are those of https://docs.slack.dev/reference/block-kit.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from adapters.model import Choice
from bot.conversion.text.inlines import words
from bot.conversion.text.tree import Link
from bot.slack.ids import Modal
from bot.slack.limits import (
    BLOCK_TEXT,
    BUTTON_TEXT,
    BUTTON_VALUE,
    HEADER_TEXT,
    INPUT_TEXT,
    LABEL,
    MODAL_TITLE,
    OPTION_TEXT,
)
from bot.words import _

Json: TypeAlias = dict[str, Any]
Said: TypeAlias = tuple[list[Json], str]
"""A message: its blocks, and the same as text for notifications and screen readers."""

MAX_OPTION_VALUE = 150
MAX_URL = 3000
LINE = 600
"""Characters in an entry of a list."""

_INITIAL: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "plain_text_input": ("value", "initial_value"),
        "number_input": ("value", "initial_value"),
        "static_select": ("selected_option", "initial_option"),
        "external_select": ("selected_option", "initial_option"),
        "radio_buttons": ("selected_option", "initial_option"),
        "checkboxes": ("selected_options", "initial_options"),
        "datepicker": ("selected_date", "initial_date"),
        "datetimepicker": ("selected_date_time", "initial_date_time"),
        "users_select": ("selected_user", "initial_user"),
    }
)


def cut(text: str, limit: int) -> str:
    """*text* in at most *limit* characters, with a sign where some are missing; never empty."""
    text = text if text.strip() else "-"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plain(text: str, limit: int) -> Json:
    """A text object that Slack shows to the letter."""
    return {"type": "plain_text", "text": cut(text, limit), "emoji": False}


def escape(text: str) -> str:
    """*text* for the ``text`` of a message, where Slack looks for mentions and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def section(text: str) -> Json:
    """A paragraph."""
    return {"type": "section", "text": plain(text, BLOCK_TEXT)}


def context(text: str) -> Json:
    """A paragraph of less weight."""
    return {"type": "context", "elements": [plain(text, BLOCK_TEXT)]}


def to_copy(text: str) -> Json:
    """All of a text, as it was typed."""
    pieces = [{"type": "text", "text": text[at : at + BLOCK_TEXT]} for at in range(0, len(text), BLOCK_TEXT)]
    return {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": pieces}]}


def header(text: str) -> Json:
    """A heading."""
    return {"type": "header", "text": plain(text, HEADER_TEXT)}


def bullets(lines: Iterable[str]) -> Json:
    """A list."""
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": cut(line, LINE)}]} for line in lines]
    return {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": items}]}


def button(label: str, action: str, value: str = "", *, url: str = "", confirm: Json | None = None) -> Json:
    """A button; *value* comes back with its press."""
    made: Json = {"type": "button", "text": plain(label, BUTTON_TEXT), "action_id": str(action)}
    if value:
        made["value"] = value[:BUTTON_VALUE]
    if url:
        made["url"] = url
    if confirm:
        made["confirm"] = confirm
    return made


def confirm(title: str, text: str, yes: str) -> Json:
    """A question before something is done."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(_("Cancel"), 30),
    }


def actions(block_id: str, buttons: Sequence[Json]) -> list[Json]:
    """A row of buttons, or nothing where there are none."""
    return [{"type": "actions", "block_id": block_id, "elements": list(buttons)}] if buttons else []


def is_address(url: str) -> bool:
    """Whether a button can open it."""
    return url.startswith(("https://", "http://")) and len(url) <= MAX_URL


def modal(callback: Modal, title: str, submit: str, metadata: str, blocks: Sequence[Json]) -> Json:
    """A form: its title, what its button says, what it remembers, and its inputs."""
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "title": plain(title, MODAL_TITLE),
        "submit": plain(submit, MODAL_TITLE),
        "close": plain(_("Cancel"), MODAL_TITLE),
        "blocks": list(blocks),
    }


def option(choice: Choice) -> Json:
    """An entry of a list."""
    return {"text": plain(choice.label if choice.label.strip() else choice.id, OPTION_TEXT), "value": choice.id}


def usable(choices: Iterable[Choice]) -> list[Choice]:
    """The choices that Slack can carry: ids of 1 to 150 characters, each once."""
    kept = {choice.id: choice for choice in reversed(list(choices)) if 0 < len(choice.id) <= MAX_OPTION_VALUE}
    return list(reversed(kept.values()))


def options_of(choices: Sequence[Choice]) -> Json:
    """``options``, or ``option_groups`` where the desk groups them."""
    if not any(choice.group for choice in choices):
        return {"options": [option(choice) for choice in choices]}
    groups: dict[str, list[Json]] = {}
    for choice in choices:
        groups.setdefault(choice.group or _("Other"), []).append(option(choice))
    return {
        "option_groups": [{"label": plain(name, OPTION_TEXT), "options": entries} for name, entries in groups.items()][
            :100
        ],
    }


def entry(
    label: str,
    element: Json,
    block_id: str,
    *,
    optional: bool = False,
    hint: str = "",
    dispatch: bool = False,
    typed: Mapping[str, Any] | None = None,
) -> Json:
    """An input with its label, holding what was *typed* into it before."""
    block: Json = {
        "type": "input",
        "block_id": block_id,
        "label": plain(label, LABEL),
        "element": _holding(element, typed or {}),
        "optional": optional,
    }
    if hint:
        block["hint"] = plain(hint, LABEL)
    if dispatch:
        block["dispatch_action"] = True
    return block


def _holding(element: Json, typed: Mapping[str, Any]) -> Json:
    """*element* with its initial value from a view's state, where that still fits."""
    kept, name = _INITIAL.get(element["type"], ("", ""))
    value = typed.get(kept)
    if not value:
        return element
    if "option" in kept and element["type"] != "external_select":
        value = _still_offered(element, value)
    elif kept == "value":
        value = str(value)[: element.get("max_length", INPUT_TEXT)]
    return {**element, name: value} if value else element


def _still_offered(element: Json, value: Any) -> Any:
    """Slack wants the very option that is in the list."""
    groups = element.get("option_groups", [{"options": element.get("options", [])}])
    offered = {entry["value"]: entry for group in groups for entry in group["options"]}
    if isinstance(value, list):
        return [offered[one["value"]] for one in value if one["value"] in offered]
    return offered.get(value.get("value"))


def spoken(blocks: Iterable[Json]) -> str:
    """All that *blocks* say, as text: each block a line, escaped, and what its buttons do."""
    return escape("\n".join(lines(blocks)))


def lines(blocks: Iterable[Json]) -> list[str]:
    """All that *blocks* say, a line for each, to the letter."""
    return [line for block in blocks for line in _lines(block) if line.strip()]


def _lines(block: Json) -> list[str]:
    match block["type"]:
        case "header":
            return [block["text"]["text"]]
        case "section":
            texts = [block["text"]] if "text" in block else []
            return [text["text"] for text in (*texts, *block.get("fields", ()))]
        case "context":
            return [element["text"] for element in block["elements"] if "text" in element]
        case "rich_text":
            return [line for element in block["elements"] for line in _rich_lines(element)]
        case "actions":
            return [", ".join(_pressable(element) for element in block["elements"])]
    return []


def _rich_lines(element: Json) -> list[str]:
    if element["type"] == "rich_text_list":
        return ["- " + "".join(_rich_lines(item)) for item in element["elements"]]
    return ["".join(_rich_words(part) for part in element["elements"])]


def _rich_words(part: Json) -> str:
    match part:
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
        case {"type": "link", "url": str(url), "text": str(text)}:
            return words(Link(url, text))
    return str(part.get("text") or part.get("fallback") or part.get("url") or "")


def _pressable(element: Json) -> str:
    label = f"[{element['text']['text']}]"
    return f"{label} {element['url']}" if "url" in element else label
