"""An error of the Web API, by Slack's own code."""

from collections.abc import Mapping, Sequence
from typing import Any


class SlackError(Exception):
    """Answered as ``{"ok": false, "error": code}``; *messages* go to ``response_metadata.messages``."""

    def __init__(
        self,
        code: str,
        messages: Sequence[str] = (),
        *,
        more: Mapping[str, Any] | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.messages = list(messages)
        self.more = dict(more or {})
        self.status = status
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        answer: dict[str, Any] = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            answer["response_metadata"] = {"messages": self.messages}
        return answer
