"""Replays recorded exchanges to an adapter: a request that was not recorded fails, and so does one that is not made.

An exchange is a JSON file ``{"source": ..., "request": ..., "response": ...}``: the document that it was taken from,
what is sent and what comes back. Of the request, what is recorded must be there; the rest is free:

- ``method`` and ``path`` (the address without host and query),
- ``query``: parameters of the address,
- ``form``: fields of an urlencoded or multipart body; a field that is null must not be sent,
- ``json``: the body, of which objects may hold more than is recorded,
- ``headers``: by name; ``body``: words that the body holds.

Of the response: ``status`` (200), ``headers``, and ``json``, ``text`` or ``base64``. A desk's test sets
``desk.transport = Replay.of("whmcs", "open_ticket")`` before it enters the desk.
"""

import base64
import email.policy
import json
from collections.abc import Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx

FOLDER = Path(__file__).parent / "exchanges"


class Unrecorded(AssertionError):
    """The adapter sent something that no exchange holds."""


class Replay(httpx.MockTransport):
    """Answers each recorded request once, in any order."""

    def __init__(self, exchanges: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(self._answer)
        self.left = dict(exchanges)
        self.requests: list[httpx.Request] = []

    @classmethod
    def of(cls, kind: str, *names: str) -> Self:
        """The exchanges of these files, without ``.json``, in the folder of *kind*."""
        return cls({name: load(kind, name) for name in names})

    def finish(self) -> None:
        """Fail for exchanges that were not made."""
        assert {} == self.left

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        misses = {}
        for name, exchange in self.left.items():
            misses[name] = list(_differences(exchange["request"], request))
            if not misses[name]:
                del self.left[name]
                return _response(exchange["response"])
        raise Unrecorded(f"{request.method} {request.url.path} was not recorded: {misses}")


def load(kind: str, name: str) -> dict[str, Any]:
    """One exchange."""
    exchange: dict[str, Any] = json.loads((FOLDER / kind / f"{name}.json").read_text())
    assert {"source", "request", "response"} == set(exchange)
    assert exchange["source"]
    return exchange


def form_of(request: httpx.Request) -> dict[str, str]:
    """The fields of a request's body, urlencoded or multipart."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        message = BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + request.content)
        parts = {str(part.get_param("name", "", header="content-disposition")): part for part in message.iter_parts()}
        return {name: bytes(part.get_payload(decode=True) or b"").decode() for name, part in parts.items()}
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def _differences(recorded: Mapping[str, Any], request: httpx.Request) -> Any:
    """What is recorded and not in *request*."""
    plain = {"method": request.method, "path": request.url.path}
    for name, found in plain.items():
        if recorded.get(name, found) != found:
            yield f"{name} is {found}"
    tables = {"query": dict(request.url.params), "headers": request.headers, "form": form_of(request)}
    for table, given in tables.items():
        for name, wanted in recorded.get(table, {}).items():
            if given.get(name) != wanted:
                yield f"{table}: {name} is {given.get(name)!r}, not {wanted!r}"
    if "json" in recorded and not _holds(json.loads(request.content or b"null"), recorded["json"]):
        yield f"json is {request.content.decode()[:500]}"
    for words in recorded.get("body", ()):
        if words not in request.content.decode("utf-8", "replace"):
            yield f"body lacks {words!r}"


def _holds(found: Any, wanted: Any) -> bool:
    """Whether *found* is *wanted*, with perhaps more in its objects."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(found, list) and len(found) == len(wanted)
        return same and all(_holds(one, other) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _response(recorded: Mapping[str, Any]) -> httpx.Response:
    content = base64.b64decode(recorded["base64"]) if "base64" in recorded else recorded.get("text", "").encode()
    headers = {"content-type": "text/html", **recorded.get("headers", {})}
    if "json" in recorded:
        content = json.dumps(recorded["json"]).encode()
        headers = {"content-type": "application/json", **recorded.get("headers", {})}
    return httpx.Response(recorded.get("status", 200), headers=headers, stream=httpx.ByteStream(content))
