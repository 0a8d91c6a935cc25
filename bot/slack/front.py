"""The door for HTTP mode: proves that a request is Slack's, reads it, and answers only for what is stored or done.

Bolt's own door is not used: it parses before it verifies, answers 500 to garbage, loses commands whose text holds the
word "payload", and acknowledges events before anything is stored. Events go to the store without Bolt; everything
that a person waits for goes to Bolt as a dict that was verified and parsed here.
"""

import asyncio
import hmac
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeAlias

from bot.conversion.ports import StoreAway
from bot.slack.body import Unreadable, parse
from bot.slack.limits import ANSWER, BODY, CLOCK_SKEW, EVENTS_PATH
from bot.words import _

log = logging.getLogger(__name__)

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Once: TypeAlias = Callable[[str, timedelta], Awaitable[bool]]
"""Whether a key is seen for the first time within a span, for all processes together."""

_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")
_DIGITS = 12
_READ = frozenset(
    {b"content-length", b"content-type", b"x-slack-request-timestamp", b"x-slack-retry-num", b"x-slack-signature"}
)
_SLOW_BODY = 10.0
_ONCE = 0.5
_QUIET = 60.0
"""Seconds for which the log says nothing more of what is not signed: anybody may send that."""


class Answer(NamedTuple):
    """What goes back to Slack."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Deliver(Protocol):
    """Takes what came in, by HTTP or by Socket Mode."""

    async def event(self, body: dict[str, Any], retry: int) -> None:
        """Store an event in Slack's three seconds; *retry* is how often Slack sent it before.

        Whatever is raised makes Slack send it again.
        """
        ...

    async def interaction(self, body: dict[str, Any]) -> Answer:
        """Answer a command, shortcut, action, form or request for options, in Slack's three seconds."""
        ...


def _plain(status: int, words: str) -> Answer:
    return Answer(status, {"content-type": "text/plain; charset=utf-8"}, words.encode())


OK = Answer(200, {}, b"")
UNREADABLE = _plain(400, "This is no interaction of Slack's.")
_UNSIGNED = _plain(401, "Not signed by Slack.")
_NOT_STORED = _plain(503, "Not stored. Please send it again.")
_TOO_LARGE = _plain(413, "Too large for a request of Slack's.")


class Front:
    """The ASGI application that answers ``POST /slack/events`` and nothing else.

    What a stranger sends gets a 4xx, whatever it is; a 5xx only ever asks Slack to send a proved event again.

    Args:
        signing_secret: of the Slack app.
        deliver: where verified bodies go.
        once: tells replays of interactions; without it each is taken once per arrival.
        clock: seconds since the epoch.
        budget: seconds within which a person gets an answer.
        counts: how much was ``refused`` since it was not signed is counted here.
    """

    def __init__(
        self,
        signing_secret: str,
        deliver: Deliver,
        *,
        once: Once | None = None,
        clock: Callable[[], float] = time.time,
        budget: float = ANSWER,
        counts: Counter[str] | None = None,
    ) -> None:
        if not signing_secret:
            raise ValueError("without a signing secret anybody could speak as Slack")
        self._signing = hmac.new(signing_secret.encode(), b"v0:", "sha256")
        self._deliver = deliver
        self._once = once
        self._clock = clock
        self._interactions = Interactions(deliver, budget=budget)
        self._counts: Counter[str] = Counter() if counts is None else counts
        self._complained = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            answer = await self._answer(scope, receive)
            if answer is not None:
                await _reply(send, answer)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def drain(self, seconds: float) -> None:
        """Wait up to *seconds* for interactions that took longer than Slack waits."""
        await self._interactions.drain(seconds)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """What the caller gets; None where they have gone."""
        headers = _Headers(scope["headers"])
        refusal = _misplaced(scope, headers)
        if refusal is not None:
            return refusal
        proof = self._proof(headers)
        if proof is None:
            return self._unsigned()
        raw = await _read(receive)
        if not isinstance(raw, bytes):
            return raw
        stamp, signature = proof
        signing = self._signing.copy()  # the key is in it already; setting that up takes a quarter of the time
        signing.update(stamp + b":" + raw)
        if not hmac.compare_digest(b"v0=" + signing.hexdigest().encode(), signature):
            return self._unsigned()
        return await self._take(raw, headers, signature)

    def _unsigned(self) -> Answer:
        """Refuse what is not signed; from a wrong secret or clock nothing else comes, so the operator is told."""
        self._counts["refused"] += 1
        if abs(self._clock() - self._complained) >= _QUIET:  # a clock that is put right may go back
            self._complained = self._clock()
            log.warning(
                "requests to %s are refused: they are not signed with SLACK_SIGNING_SECRET, or this machine's clock "
                "and Slack's differ by more than five minutes",
                EVENTS_PATH,
            )
        return _UNSIGNED

    def _proof(self, headers: "_Headers") -> tuple[bytes, bytes] | None:
        """Timestamp and signature, where both are of the right form and the time is near."""
        stamp = headers.one(b"x-slack-request-timestamp")
        signature = headers.one(b"x-slack-signature")
        if stamp is None or signature is None or not _SIGNATURE.fullmatch(signature):
            return None
        if not stamp.isdigit() or len(stamp) > _DIGITS or abs(self._clock() - int(stamp)) > CLOCK_SKEW:
            return None
        return stamp, signature

    async def _take(self, raw: bytes, headers: "_Headers", signature: bytes) -> Answer:
        """Answer a request that is Slack's."""
        try:
            body = parse(raw, headers.one(b"content-type", default=b"") or b"")
        except Unreadable as error:
            return _plain(400, str(error))
        if is_event(body):
            retry = (headers.one(b"x-slack-retry-num") or b"")[:3]
            stored = await store_event(self._deliver, body, int(retry) if retry.isdigit() else 0)
            return OK if stored else _NOT_STORED
        return await self._respond(body, signature)

    async def _respond(self, body: dict[str, Any], signature: bytes) -> Answer:
        """Answer a body that is not an event."""
        match body.get("type"):
            case "url_verification":
                return answer_json({"challenge": str(body.get("challenge", ""))})
            case "event_callback":
                return _plain(400, "An event without an event.")
            case "block_suggestion":  # it only reads, so a replay of it may be answered once more
                return await self._interactions.answer(body)
        if "ssl_check" in body or await self._is_replay(signature):
            return OK
        return await self._interactions.answer(body)

    async def _is_replay(self, signature: bytes) -> bool:
        """Whether this very request came before: a replay is the same bytes, so it has the same signature.

        While the store is away each is taken as new: what an interaction stores is deduplicated once more by what it
        is, and a person would wait in vain.
        """
        if self._once is None:
            return False
        try:
            async with asyncio.timeout(_ONCE):
                return not await self._once("request:" + signature.decode(), timedelta(seconds=2 * CLOCK_SKEW))
        except Exception as error:  # noqa: BLE001  the store's errors are not known in this room
            log.warning("replays cannot be told for now: %s", type(error).__name__)
            return False


class Interactions:
    """Answers interactions in time, in words where a person waits, and lets slow ones finish behind the answer."""

    def __init__(self, deliver: Deliver, *, budget: float = ANSWER) -> None:
        self._deliver = deliver
        self._budget = budget
        self._running: set[asyncio.Task[Answer | None]] = set()

    async def answer(self, body: dict[str, Any]) -> Answer:
        """What Slack gets for an interaction; never an exception."""
        task = asyncio.create_task(self._try(body))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _waiting = await asyncio.wait({task}, timeout=self._budget)
        if not done:
            log.warning("an interaction took longer than Slack waits; it goes on")
            return sorry(body, _("Threadline is slow just now and is still working on it. Look again in a moment."))
        answer = task.result()
        if answer is None or answer.status >= 500:  # noqa: PLR2004
            return sorry(body, _("Threadline could not do that just now. Please try again in a moment."))
        return answer

    async def drain(self, seconds: float) -> None:
        """Wait up to *seconds* for what still runs."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)

    async def _try(self, body: dict[str, Any]) -> Answer | None:
        try:
            return await self._deliver.interaction(body)
        except Exception as error:  # noqa: BLE001  the person who waits gets words, whatever it was
            log.error("an interaction failed: %s", type(error).__name__)
            return None


async def store_event(deliver: Deliver, body: dict[str, Any], retry: int) -> bool:
    """Whether the event was stored, so that Slack may forget it."""
    try:
        await deliver.event(body, retry)
    except StoreAway as away:
        log.warning("an event was not stored, Slack will send it again: %s", away)
        return False
    except Exception as error:  # noqa: BLE001  whatever it was, Slack must send the event again
        log.error("an event was not stored, Slack will send it again: %s", type(error).__name__)
        return False
    return True


def is_event(body: Mapping[str, Any]) -> bool:
    """Whether this is for the store: an event, or Slack's word that it held events back."""
    kind = body.get("type")
    return kind == "app_rate_limited" or (kind == "event_callback" and isinstance(body.get("event"), dict))


def sorry(body: Mapping[str, Any], words: str) -> Answer:
    """Words for the person who waits, in the form that this kind of interaction can show."""
    if isinstance(body.get("command"), str):
        return answer_json({"response_type": "ephemeral", "text": words})
    match body.get("type"):
        case "view_submission" if block := _first_input(body.get("view")):
            return answer_json({"response_action": "errors", "errors": {block: words}})
        case "block_suggestion":
            return answer_json({"options": []})
        case _:  # Slack shows its own warning for an error, and nothing of what an answer says
            return _plain(503, words)


def _first_input(view: Any) -> str:
    blocks = view.get("blocks") if isinstance(view, dict) else None
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict) and block.get("type") == "input" and isinstance(block.get("block_id"), str):
            return str(block["block_id"])
    return ""


def answer_json(value: Any) -> Answer:
    """A 200 with JSON."""
    return Answer(200, {"content-type": "application/json; charset=utf-8"}, json.dumps(value).encode())


# --- reading ----------------------------------------------------------------------------------------------------------


def _misplaced(scope: Scope, headers: "_Headers") -> Answer | None:
    """The refusal for what is not sent to this door, or declares to be too much for it."""
    if scope["path"] != EVENTS_PATH:
        return _plain(404, "Not here: what Slack sends goes to " + EVENTS_PATH)
    if scope["method"] != "POST":
        return Answer(405, {"allow": "POST"}, b"")
    length = headers.one(b"content-length", default=b"0")
    if length is None or not length.isdigit():
        return _plain(400, "The length makes no sense.")
    if len(length) > _DIGITS or int(length) > BODY:
        return _TOO_LARGE
    return None


class _Headers:
    """The request headers that matter here, of which each must be there once. ASGI gives names in lower case."""

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, bytes | None] = {}
        for name, value in pairs:
            if name in _READ:
                self._values[name] = None if name in self._values else value

    def one(self, name: bytes, *, default: bytes | None = None) -> bytes | None:
        """The value; *default* where it is missing, None where it is there twice."""
        return self._values.get(name, default)


async def _read(receive: Receive) -> bytes | Answer | None:
    """The body; an answer where it is too large or too slow, None where the caller has gone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= BODY else _TOO_LARGE
    parts, size = [body], len(body)
    try:
        async with asyncio.timeout(_SLOW_BODY):
            while message.get("more_body"):
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > BODY:
                    return _TOO_LARGE
    except TimeoutError:
        return _plain(408, "The body did not arrive in time.")
    return b"".join(parts)


# --- answering --------------------------------------------------------------------------------------------------------


async def _reply(send: Send, answer: Answer) -> None:
    await send(_START_OF_OK if answer is OK else _start(answer))
    await send({"type": "http.response.body", "body": answer.content})


def _start(answer: Answer) -> MutableMapping[str, Any]:
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    headers = [pair for pair in headers if pair[0] != b"content-length"]
    headers.append((b"content-length", str(len(answer.content)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


_START_OF_OK = _start(OK)  # what almost every event gets


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
