"""Files that a person has chosen on the page and not sent yet."""

import mimetypes
import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.workspace import Workspace

LIMIT_BYTES = 200 * 1024 * 1024


class TooLarge(ValueError):
    """A file that the sandbox does not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A chosen file."""

    id: str
    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """What the name says it is."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class Uploads:
    """Keeps chosen files in memory for as long as the sandbox runs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._kept: dict[str, Upload] = {}
        self._at_slack: dict[tuple[str, str], str] = {}

    async def keep(self, name: str, body: AsyncIterable[bytes]) -> Upload:
        """Keep a file. Raises TooLarge."""
        content = bytearray()
        async for part in body:
            content += part
            if len(content) > LIMIT_BYTES:
                raise TooLarge(
                    f"{name} is too large: the sandbox takes {LIMIT_BYTES // 1024 // 1024} MB for each file."
                )
        kept = Upload(id=secrets.token_urlsafe(12), name=name, content=bytes(content))
        self._kept[kept.id] = kept
        return kept

    def get(self, upload_id: str) -> Upload:
        """A chosen file. Raises KeyError."""
        return self._kept[upload_id]

    async def in_values(self, user: str, values: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """A form's values in which each chosen file has become a file at the pretend Slack."""
        return {
            block: {action: await self.in_value(user, value) for action, value in actions.items()}
            for block, actions in values.items()
        }

    async def in_value(self, user: str, value: Any) -> Any:
        """The same for the value of one element."""
        if not isinstance(value, dict) or value.get("type") != "file_input":
            return value
        return {**value, "files": [await self._slack_id(user, file["upload"]) for file in value["files"]]}

    async def _slack_id(self, user: str, upload_id: str) -> str:
        if (user, upload_id) not in self._at_slack:
            kept = self.get(upload_id)
            made = await self._workspace.upload(user, kept.name, kept.content, kept.media_type)
            self._at_slack[user, upload_id] = made
        return self._at_slack[user, upload_id]
