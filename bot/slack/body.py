"""Reads the body of a request that was proved to be Slack's, so that nothing in it can hurt what comes after."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json

from bot.slack.limits import DEPTH

_FIELDS = 200
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unreadable(Exception):
    """A body that is not what Slack sends."""


def parse(raw: bytes, content_type: bytes) -> dict[str, Any]:
    """The object in a body that was proved to be Slack's.

    A form's ``payload`` field is JSON; any other form is the object itself (a slash command), whatever words it holds.

    Raises:
        Unreadable: it is neither, or nested too deeply.
    """
    try:
        if b"json" in content_type:
            return _quickly(raw) or _object(raw.decode())
        text = raw.decode()
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError as error:  # UnicodeDecodeError is one
        raise Unreadable("The body cannot be read.") from error
    if "payload" in form:
        return _object(form["payload"])
    if not form:
        raise Unreadable("The body is empty.")
    return form


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _quickly(raw: bytes) -> dict[str, Any] | None:
    """The object in *raw*, read in a third of the time; None for what only `_object` reads or refuses in words."""
    try:
        value = from_json(raw, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return None
    shallow = raw.count(b"[") + raw.count(b"{") <= DEPTH or not is_too_deep(value)
    return value if isinstance(value, dict) and shallow else None


def _object(text: str) -> dict[str, Any]:
    try:
        value = _decode(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not JSON that can be read.") from error
    if not isinstance(value, dict):
        raise Unreadable("The body is not an object.")
    if text.count("[") + text.count("{") > DEPTH and is_too_deep(value):
        raise Unreadable("The body is nested too deeply.")
    return clean(value) if "\\ud" in text or "\\uD" in text else value


def is_too_deep(value: Any) -> bool:
    """Whether *value* is nested deeper than `limits.DEPTH`."""
    level = [value]
    for _ in range(DEPTH):
        inner: list[Any] = []
        for node in level:
            inner.extend(node.values() if isinstance(node, dict) else node)
        level = [node for node in inner if isinstance(node, dict | list)]
        if not level:
            return False
    return True


def clean(value: Any) -> Any:
    """*value* with halves of characters replaced, which no store and no helpdesk could encode."""
    if isinstance(value, str):
        if not _SURROGATE.search(value):
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {clean(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [clean(inner) for inner in value]
    return value
