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
GONE = "[secret]"


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
        words = record.getMessage().replace("\n", " ")
        if self._json:
            line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "event": words, **fields}
            return without_secrets(json.dumps(line, default=str, ensure_ascii=False))
        tail = "".join(f" {key}={value}" for key, value in fields.items())
        return without_secrets(f"{at} {record.levelname.lower():7} {words}{tail}")


def start_logging(level: str, form: Literal["text", "json"]) -> None:
    """Log to standard error. Libraries only warn: some of them log whole requests otherwise."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for ours in ("threadline", "bot", "adapters"):
        logging.getLogger(ours).setLevel(level.upper())
    for chatty in ("httpx", "zeep", "slack_bolt", "slack_sdk", "uvicorn", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
