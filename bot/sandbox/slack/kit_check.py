"""Refuses Block Kit as Slack does, with Slack's words and pointers."""

import json
import secrets
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.kit_blocks import MessageBlocks, View

Surface: TypeAlias = Literal["message", "modal", "home"]

_MESSAGE: TypeAdapter[Any] = TypeAdapter(MessageBlocks)
_VIEW: TypeAdapter[Any] = TypeAdapter(View)
_NOT_ON: dict[Surface, frozenset[str]] = {
    "message": frozenset({"alert"}),
    "modal": frozenset({"markdown", "table", "file"}),
    "home": frozenset({"alert", "markdown", "table", "file"}),
}
_MAX_VIEW_BYTES = 250_000


def check_message_blocks(blocks: Any) -> list[dict[str, Any]]:
    """The blocks with the ids that Slack makes up. Raises SlackError: invalid_blocks or invalid_blocks_format."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = _shape_problems(_MESSAGE, blocks, "/blocks") or _rule_problems(blocks, "message", "/blocks")
    if problems:
        raise SlackError("invalid_blocks", problems)
    return with_ids(blocks)


def check_view(view: Any, *, home: bool) -> dict[str, Any]:
    """The view with the ids that Slack makes up.

    Raises:
        SlackError: ``invalid_arguments`` with messages, or ``view_too_large`` past 250 KB.
    """
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", ["[ERROR] must provide an object [json-pointer:/view]"])
    if len(json.dumps(view).encode()) > _MAX_VIEW_BYTES:
        raise SlackError("view_too_large")
    problems = _shape_problems(_VIEW, view, "/view")
    if not problems:
        if (view["type"] == "home") != home:
            problems = ["[ERROR] must be a valid enum value [json-pointer:/view/type]"]
        else:
            problems = _rule_problems(view["blocks"], view["type"], "/view/blocks")
    if problems:
        raise SlackError("invalid_arguments", problems)
    return {**view, "blocks": with_ids(view["blocks"])}


def elements_of(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The elements of a block that a person can use, each with its pointer below the block."""
    match block["type"]:
        case "section" if block.get("accessory") and block["accessory"]["type"] != "image":
            yield "/accessory", block["accessory"]
        case "actions":
            for index, element in enumerate(block["elements"]):
                yield f"/elements/{index}", element
        case "input":
            yield "/element", block["element"]
        case _:
            return


def with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy of checked blocks in which every block and element has an id."""
    copied: list[dict[str, Any]] = json.loads(json.dumps(blocks))
    for block in copied:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        for _, element in elements_of(block):
            element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    return copied


def _shape_problems(adapter: TypeAdapter[Any], value: Any, root: str) -> list[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return [_in_slacks_words(dict(problem), value, root) for problem in error.errors(include_url=False)]
    return []


def _in_slacks_words(problem: dict[str, Any], value: Any, root: str) -> str:
    pointer = root + _pointer(problem["loc"], value)
    context = problem.get("ctx") or {}
    parent, _, last = pointer.rpartition("/")
    match problem["type"]:
        case "slack":
            words, pointer = context["words"], f"{pointer}/{context['at']}" if context["at"] else pointer
        case "missing":
            words, pointer = f"missing required field: {last}", parent
        case "union_tag_not_found":
            words = "missing required field: type"
        case "union_tag_invalid":
            words, pointer = f"unsupported type: {context['tag']}", f"{pointer}/type"
        case "extra_forbidden":
            words, pointer = f"invalid additional property: {last}", parent
        case "string_too_long":
            words = f"must be less than {context['max_length'] + 1} characters"
        case "string_too_short":
            words = f"must be more than {context['min_length'] - 1} characters"
        case "too_long":
            words = f"no more than {context['max_length']} items allowed"
        case "too_short":
            words = f"no fewer than {context['min_length']} items allowed"
        case _:
            words = f"failed to match all allowed schemas: {problem['msg']}"
    return f"[ERROR] {words} [json-pointer:{pointer}]"


def _pointer(location: tuple[str | int, ...], value: Any) -> str:
    """The JSON pointer of a problem: pydantic names the member of a union between the keys, Slack does not."""
    pointer = ""
    for position, step in enumerate(location):
        is_last = position == len(location) - 1
        if isinstance(value, dict) and (step in value or (is_last and step != value.get("type"))):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step] if step < len(value) else None
        else:
            continue
        pointer += f"/{step}"
    return pointer


def _rule_problems(blocks: list[dict[str, Any]], surface: Surface, root: str) -> list[str]:
    """What no single block can tell: ids that stand twice, blocks and elements that this surface does not have."""
    problems = []
    ids: set[str] = set()
    focused = 0
    for index, block in enumerate(blocks):
        at = f"{root}/{index}"
        if block["type"] in _NOT_ON[surface]:
            problems.append(f"[ERROR] unsupported type: {block['type']} [json-pointer:{at}/type]")
        if block.get("block_id") in ids:
            problems.append(f"[ERROR] `block_id` already exists [json-pointer:{at}/block_id]")
        if block.get("block_id"):
            ids.add(block["block_id"])
        actions: set[str] = set()
        for below, element in elements_of(block):
            focused += bool(element.get("focus_on_load"))
            if element.get("action_id") in actions:
                problems.append(f"[ERROR] `action_id` already exists [json-pointer:{at}{below}/action_id]")
            if element.get("action_id"):
                actions.add(element["action_id"])
            problems += _element_problems(block, element, surface, at + below)
    if focused > 1:
        problems.append(f"[ERROR] only one element can have focus_on_load [json-pointer:{root}]")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > 12_000:
        problems.append(f"[ERROR] markdown blocks must be less than 12001 characters together [json-pointer:{root}]")
    if sum(block["type"] == "table" for block in blocks) > 1:
        problems.append(f"[ERROR] only one table is allowed [json-pointer:{root}]")
    return problems


def _element_problems(block: dict[str, Any], element: dict[str, Any], surface: Surface, at: str) -> list[str]:
    if element["type"] == "file_input" and surface != "modal":
        return [f"[ERROR] unsupported type: file_input [json-pointer:{at}/type]"]
    if element.get("response_url_enabled") and (surface != "modal" or block["type"] != "input"):
        return [f"[ERROR] response_url_enabled works in input blocks of modals only [json-pointer:{at}]"]
    return []
