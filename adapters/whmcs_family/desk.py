"""What the desks of WHMCS's family do alike: limits, files, custom fields and texts, whatever the call they go with."""

import html
import re
from collections.abc import Mapping
from typing import TypeVar

from typing_extensions import override

from adapters.contract import Limits
from adapters.errors import Rejected, UnexpectedReply
from adapters.http import HttpDesk
from adapters.model import Body, Field, FieldKind, Message, OutgoingFile
from adapters.settings import fields_in
from adapters.whmcs_family.letters import FOUR_BYTES
from adapters.whmcs_family.reading import Row, messages_of
from adapters.whmcs_family.settings import FamilySettings

ENCODED = 16 / 9
"""A file is base64 in JSON in base64."""
ENTITY = 6
"""Bytes that a character takes at most: ``&quot;``."""
NAME_LINE = 400
"""Characters that we may put before a text to say whose it is: a name and an e-mail address."""

S = TypeVar("S", bound=FamilySettings)


class FamilyDesk(HttpDesk[S]):
    """A desk behind PHP that takes WHMCS's ticket parameters."""

    @property
    @override
    def limits(self) -> Limits:
        return Limits(
            subject=None,
            body=self.settings.max_message // ENTITY - NAME_LINE,
            request=self.settings.post_max_size - 2 * self.settings.max_message,
            file_overhead=ENCODED,
        )

    @override
    async def custom_fields(self, department: str | None = None) -> tuple[Field, ...]:
        return fields_in(self.settings.fields, department)

    def messages_in(self, answer: Row, *, after: str = "") -> tuple[Message, ...]:
        """`messages_of` an answer. Raises UnexpectedReply."""
        try:
            return messages_of(answer, self.settings, after=after)
        except ValueError as error:
            cause = f"{self.system} names a message by something that is no number."
            remedy = "Look at the ticket there; a module may have changed the API's answers."
            raise UnexpectedReply(self.name, cause, remedy=remedy, code="replyid") from error

    def too_large(self, size: int) -> Rejected:
        """The error for a request that PHP would silently empty, or that a server in front has refused."""
        return Rejected(
            self.name,
            f"the message with its files takes {size:,} bytes, more than {self.system} accepts in one request.",
            remedy="Send fewer or smaller files, or raise the limit: post_max_size in PHP and in the settings, or that"
            " of a proxy.",
            field="files",
        )

    async def contents(self, files: tuple[OutgoingFile, ...]) -> list[tuple[str, bytes]]:
        """Names and bytes of the files, once it is known that one request can carry them."""
        encoded = int(sum(file.size for file in files) * ENCODED)
        if encoded > (self.limits.request or 0):
            raise self.too_large(encoded)
        return [(self.settings.kept(file.name), await self.content(file)) for file in files]

    def redacted(self, message: str) -> str:
        """*message* of the desk without our secrets, and short enough to be shown."""
        return self.without_secrets(message)[:300].rstrip(". ")


def message_of(body: Body, settings: FamilySettings, *, desk: str, system: str) -> tuple[str, bool]:
    """The text to be sent, and whether it is Markdown. The desk's column holds bytes of text with HTML entities.

    Raises:
        Rejected: the column would cut it.
    """
    markdown = settings.markdown and body.markdown is not None
    written = (body.markdown if markdown else body.plain) or ""
    message = settings.kept(written)
    size = _size(message)
    if size > settings.max_message and message != written:  # names are longer than what we promised to have room for
        message = FOUR_BYTES.sub("?", written)
        size = _size(message)
    if size > settings.max_message:
        cause = f"the text takes {size:,} bytes, more than the {settings.max_message:,} that {system} keeps."
        raise Rejected(desk, cause, remedy="Send it in parts or as a file.", field="body")
    return message, markdown


def _size(message: str) -> int:
    """Bytes that a text takes in the desk's column."""
    return len(html.escape(message).encode())


def by_number(values: Mapping[str, str], settings: FamilySettings, *, desk: str) -> dict[str, str]:
    """Custom fields by their numbers; a ticked box is kept as "on".

    Raises:
        Rejected: the settings name no such field.
    """
    known = {field.key: field for field in settings.fields}
    for key in values.keys() - known.keys():
        raise Rejected(desk, f"its settings name no custom field {key!r}.", remedy="Add it to fields.", field=key)
    ticked = {"yes": "on", "no": ""}
    return {
        known[key].at_desk: ticked.get(value, value) if known[key].kind is FieldKind.YES_NO else settings.kept(value)
        for key, value in values.items()
    }


def escaped(name: str) -> str:
    """*name* so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>#~|])", r"\\\1", name)
