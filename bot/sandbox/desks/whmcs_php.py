"""How PHP reads a request and its own serialised data: what WHMCS sees of a form."""

import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from typing import TypeAlias
from urllib.parse import unquote_plus

Value: TypeAlias = "str | dict[str, str]"


@dataclass
class Form:
    """``$_POST``, and the files of ``$_FILES`` by their field."""

    values: dict[str, Value] = field(default_factory=dict)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A value as a string; an array is none."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""


def read_form(content_type: str, body: bytes, *, post_max_size: int, max_input_vars: int = 1000) -> Form:
    """What a script finds in ``$_POST``: nothing at all where the body is larger than ``post_max_size``."""
    form = Form()
    kind = content_type.partition(";")[0].strip().lower()
    if len(body) > post_max_size:
        return form
    if kind == "application/x-www-form-urlencoded":
        pairs = [pair.partition("=") for pair in body.decode("latin-1").split("&") if pair]
        for name, _, value in pairs[:max_input_vars]:
            _assign(form.values, unquote_plus(name), unquote_plus(value))
    elif kind == "multipart/form-data" and "boundary=" in content_type:
        _read_multipart(form, content_type, body, max_input_vars=max_input_vars)
    return form


def truthy(value: str) -> bool:
    """Whether PHP takes a string for true: all but "" and "0"; "false" is true."""
    return value not in {"", "0"}


def unserialize(data: bytes) -> dict[str, str]:
    """A flat PHP array of strings.

    Raises:
        ValueError: PHP's ``unserialize`` would return false.
    """
    reader = _Reader(data)
    count = int(reader.between(b"a:", b":{"))
    found = {}
    for _ in range(count):
        key = reader.scalar()
        found[key] = reader.scalar()
    reader.expect(b"}")
    if reader.at != len(data):
        raise ValueError("there is something behind the array")
    return found


class _Reader:
    """Walks over serialised data byte by byte, since PHP's lengths count bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def expect(self, token: bytes) -> None:
        if not self.data.startswith(token, self.at):
            raise ValueError(f"at byte {self.at} there is no {token!r}")
        self.at += len(token)

    def between(self, before: bytes, after: bytes) -> bytes:
        self.expect(before)
        end = self.data.index(after, self.at)
        found = self.data[self.at : end]
        self.at = end + len(after)
        return found

    def scalar(self) -> str:
        if self.data.startswith(b"i:", self.at):
            return str(int(self.between(b"i:", b";")))
        length = int(self.between(b"s:", b':"'))
        found = self.data[self.at : self.at + length]
        self.at += length
        self.expect(b'";')
        return found.decode("utf-8", "strict")


def _assign(values: dict[str, Value], name: str, value: str) -> None:
    """PHP's rules for names: dots and spaces become underscores, ``a[0]`` is an element of the array ``a``."""
    base, bracket, rest = name.partition("[")
    base = base.lstrip(" ").replace(".", "_").replace(" ", "_")
    if not base:
        return
    if not bracket or "]" not in rest:
        values[base] = value
        return
    array = values.get(base)
    if not isinstance(array, dict):
        array = values[base] = {}
    array[rest.partition("]")[0] or str(len(array))] = value


def _read_multipart(form: Form, content_type: str, body: bytes, *, max_input_vars: int) -> None:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + body)
    for part in list(message.iter_parts())[:max_input_vars]:
        name = str(part.get_param("name", "", header="content-disposition"))
        data = part.get_payload(decode=True)
        content = data if isinstance(data, bytes) else b""
        filename = part.get_filename()
        if filename is None:
            _assign(form.values, name, content.decode("utf-8", "replace"))
        else:
            form.files.append((name, filename, content))
