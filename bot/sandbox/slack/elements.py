"""What an element of Block Kit holds once a person has used it: its state, and what the client itself refuses."""

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.kit_check import elements_of

VALUE_KEY = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
"""Under which key an element's state tells what was typed or chosen."""

_INITIAL = {"value": "initial_value", "rich_text_value": "initial_value"}
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WEB = re.compile(r"https?://\S+")
_STATELESS = frozenset({"button", "overflow", "workflow_button"})
_LISTS = frozenset(key for key in VALUE_KEY.values() if key.endswith("s") and key != "selected_options")


class NotOffered(ValueError):
    """A person cannot do this in Slack: the element is not there, or does not offer the value."""


def find_element(blocks: list[dict[str, Any]], block_id: str, action_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The block and the element of these ids. Raises NotOffered."""
    for block in blocks:
        if block["block_id"] == block_id:
            for _, element in elements_of(block):
                if element["action_id"] == action_id:
                    return block, element
    raise NotOffered(f"there is no element {action_id!r} in block {block_id!r}")


def state_of(element: Mapping[str, Any], value: Any, offered: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The state of *element* when a person has given it *value*.

    *value* is the element's own form, or an option's value, a list of them, or the text. *offered* are the options that
    the app suggested for an external select. Raises NotOffered.
    """
    kind = element["type"]
    if kind == "button":
        return {"type": kind, "text": element["text"], **({"value": element["value"]} if element.get("value") else {})}
    key = VALUE_KEY[kind]
    if isinstance(value, Mapping) and key in value:
        value = value[key]
    if key == "selected_option":
        return {"type": kind, key: None if value in (None, "") else _option(element, value, offered)}
    if key == "selected_options":
        return {"type": kind, key: [_option(element, item, offered) for item in value or []]}
    if key in _LISTS:
        return {"type": kind, key: list(value or [])}
    return {"type": kind, key: None if value == "" else value}


def _option(element: Mapping[str, Any], wanted: Any, offered: list[dict[str, Any]] | None) -> dict[str, Any]:
    name = wanted["value"] if isinstance(wanted, Mapping) else wanted
    pool = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        pool += group["options"]
    if element["type"] in {"external_select", "multi_external_select"}:
        pool += offered or []
        pool += element.get("initial_options") or [option for option in [element.get("initial_option")] if option]
    for option in pool:
        if option["value"] == name:
            return dict(option)
    raise NotOffered(f"{element.get('action_id')!r} does not offer {name!r}")


def initial_state(blocks: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """``state.values`` of a form or message that nobody has touched."""
    values: dict[str, dict[str, dict[str, Any]]] = {}
    for block in blocks:
        for _, element in elements_of(block):
            if element["type"] not in _STATELESS:
                key = VALUE_KEY[element["type"]]
                initial = element.get(_INITIAL.get(key, key.replace("selected", "initial")))
                empty: Any = [] if key.endswith("s") else None
                state = {"type": element["type"], key: empty if initial is None else initial}
                values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def refused_by_client(blocks: list[dict[str, Any]], values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Block id -> words, for what Slack's own client does not let through to the app."""
    problems = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            state = values.get(block["block_id"], {}).get(element["action_id"], {})
            value = state.get(VALUE_KEY[element["type"]])
            if value in (None, "", []):
                if not block.get("optional"):
                    problems[block["block_id"]] = "Please complete this required field."
            elif words := _unfit(element, value):
                problems[block["block_id"]] = words
    return problems


def _unfit(element: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a value that is there; empty where nothing is."""
    kind, length = element["type"], len(value) if isinstance(value, str | list) else 0
    least = element.get("min_length") or 0
    most = element.get("max_length") or 3000
    items = element.get("max_selected_items") or element.get("max_files") or 100
    if kind == "number_input":
        return _unfit_number(element, value)
    checks = (
        (kind == "plain_text_input" and length > most, f"Please enter no more than {most} characters."),
        (kind == "plain_text_input" and length < least, f"Please enter at least {least} characters."),
        (kind == "email_text_input" and not _MAIL.fullmatch(str(value)), "Please enter a valid email address."),
        (kind == "url_text_input" and not _WEB.fullmatch(str(value)), "Please enter a valid URL."),
        (isinstance(value, list) and length > items, f"Please choose no more than {items}."),
    )
    return next((words for wrong, words in checks if wrong), "")


def _unfit_number(element: Mapping[str, Any], value: str) -> str:
    pattern = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(pattern, value):
        return "Please enter a valid number."
    if element.get("min_value") and float(value) < float(element["min_value"]):
        return f"Please enter a number no less than {element['min_value']}."
    if element.get("max_value") and float(value) > float(element["max_value"]):
        return f"Please enter a number no more than {element['max_value']}."
    return ""
