"""Logs: one line for each event, as text or JSON, with secrets taken out wherever they come from."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

from typing_extensions import override

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|xoxe[\w.-]+|(?i:bearer|basic|soticket)\s+[\w.+/=:-]{8,}|(?<=://)[^/@\s]+(?=@)"
    r"|(?i:(?:secret|password|token|accesskey|sessionkey|signature)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;]+"
)
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
"""What would begin a line of its own, or steer the terminal of whoever reads it."""
GONE = "[secret]"


def _shown(key: str, value: object) -> object:
    """*value* of a field, as a line may show it; what *key* calls a secret is none."""
    if value is None or isinstance(value, int | float):
        return value
    said = without_secrets(f"{key}={_UNSHOWN.sub(' ', str(value))}")
    return said.removeprefix(f"{key}=") if said.startswith(f"{key}=") else GONE


def without_secrets(text: str) -> str:
    """*text* with everything taken out that looks like a credential."""
    return _SECRETS.sub(GONE, text)


class _Line(logging.Formatter):
    """One line for a record: when, how grave, what, and its fields."""

    def __init__(self, form: Literal["text", "json"]) -> None:
        super().__init__()
        self._json = form == "json"

    @override
    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0]:  # its type is enough: a traceback may hold texts
            fields["error"] = record.exc_info[0].__name__
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        words = record.getMessage()
        if self._json:
            about = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": words, **fields}
            return json.dumps({key: _shown(key, value) for key, value in about.items()}, ensure_ascii=False)
        tail = "".join(f" {key}={value}" for key, value in fields.items())
        return without_secrets(_UNSHOWN.sub(" ", f"{at} {record.levelname.lower():7} {words}{tail}"))


def start_logging(level: str, form: Literal["text", "json"]) -> None:
    """Log to standard error. Libraries only warn: some of them log whole requests otherwise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for ours in ("threadline", "bot", "adapters"):
        logging.getLogger(ours).setLevel(level.upper())
    for chatty in ("httpx", "zeep", "slack_bolt", "slack_sdk", "uvicorn", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
