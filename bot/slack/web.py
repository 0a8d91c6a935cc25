"""Calls to Slack's Web API: one session, one pace, and the one place where Slack's errors get our names."""

import asyncio
import json
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

import aiohttp
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web.async_client import AsyncWebClient

from bot.conversion.ports import SlackOutcomeUnknown, SlackRefused, SlackTrouble
from bot.slack.limits import API_URL, CALLS_PER_MINUTE, MESSAGE_TEXT, PAGE, POSTS_PER_SECOND
from bot.slack.pace import Pace
from bot.slack.refusals import refusal

log = logging.getLogger(__name__)

POSTS: Final = frozenset({"chat.postMessage", "chat.meMessage", "chat.scheduleMessage", "files.completeUploadExternal"})
"""What people see twice when it is done twice: a lost answer leaves the outcome unknown."""
_NEVER_REPEATED: Final = POSTS | {"chat.postEphemeral", "views.open", "views.push"}
_TROUBLE: Final = frozenset(
    {"fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_REPLY: Final = 32_000_000  # bytes; the largest true answer is a page of 200 long messages
_PATIENCE: Final = 0.3  # seconds that a call may wait for its turn
_FOLLOWING: Final = 30.0  # the same of a page behind the first: who began anew each time would never come to the end
_TRIES: Final = 5  # of a call that may wait for longer, where Slack asks us to
_LONGEST: Final = 3600  # seconds; a Retry-After beyond it is not believed
_STEADY: Final = 0.8  # share of a tier that is used steadily
_AT_ONCE: Final = 0.17  # share that goes at once, so that no minute is above the tier, however unevenly calls arrive
_UNHURRIED: Final = ("chat.update", "reactions.add", "reactions.remove")
"""Nobody waits for these, and they are many: a process that starts takes it that the last one used the minute up."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are in Slack, as auth.test tells. ``url`` is the workspace's address and ends with a slash."""

    team_id: str
    user_id: str
    bot_id: str
    url: str = ""
    team: str = ""
    enterprise_id: str = ""

    def wrote(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is our own."""
        bot = message.get("bot_id")
        return bool(bot and bot == self.bot_id) or bool(self.user_id and message.get("user") == self.user_id)

    def address(self, channel: str, ts: str) -> str:
        """The address of a message, as chat.getPermalink would give it; empty where ours is not known."""
        return f"{self.url.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}" if self.url else ""


class Web:
    """Slack's Web API for one bot token. It is an async context manager that owns the HTTP session.

    Nothing is repeated here that people would see twice, no redirect is followed, and no answer is read without end.

    Args:
        token: the bot token.
        api_url: the base of the API: Slack's, or an emulator's or a gateway's.
        timeout: seconds for a call, connecting included.
        clock: seconds that only go up.

    Attributes:
        calls: how many calls of each method were sent.
        outcomes: how many calls that were sent, of each method, ended how: ``ok``, or the name of what was raised.
        timeout: as it was given.
        patience: seconds that each call may wait for its turn; more for a command, for which nobody waits.
        client: the SDK's client over the same session, for Bolt.
        scopes: the scopes of the token, once auth.test was answered.
        skew: how far this machine's clock was ahead of Slack's at that time.
    """

    client: AsyncWebClient
    session: aiohttp.ClientSession

    def __init__(
        self, token: str, *, api_url: str = API_URL, timeout: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.token = token
        self.api_url = api_url.rstrip("/") + "/"
        self.proxy = load_http_proxy_from_env() if self.api_url == API_URL else None
        self.calls: Counter[str] = Counter()
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.scopes: frozenset[str] = frozenset()
        self.patience = _PATIENCE
        self.timeout = timeout
        self._pace = Pace(clock)
        for method in _UNHURRIED:
            self._slow(method, {}, 0.0)
        self._identity: Identity | None = None
        self.skew = timedelta()

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_redirect.append(_refuse_redirect)  # the SDK's client would follow one
        self.session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.timeout, connect=min(5.0, self.timeout)),
            headers={"Accept-Encoding": "identity", "User-Agent": "Threadline"},  # no compression: no bombs
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[tracing],
        )
        self.client = AsyncWebClient(
            self.token, base_url=self.api_url, timeout=int(self.timeout) or 1, session=self.session, retry_handlers=[]
        )
        self.client.proxy = self.proxy
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def call(self, method: str, *, token: str = "", patience: float = 0.0, **args: Any) -> dict[str, Any]:
        """Call a method and return its answer.

        Args:
            method: such as ``chat.postMessage``.
            token: another token than the bot's.
            patience: seconds that it may wait for its turn, where that is more than those of all calls.
            args: the method's own; None leaves one out, lists and objects travel as JSON.

        Raises:
            SlackTrouble: Slack did not do it, for now, or repeating does no harm.
            SlackRefused: Slack will not do it, with words for people.
            SlackOutcomeUnknown: a method of `POSTS` may or may not have been carried out.
        """
        patience = max(self.patience, patience)
        left = _TRIES if patience > _PATIENCE else 1
        while True:
            left -= 1
            await self._turn(method, args, patience)
            try:
                answer = await self._call(method, args, token or self.token)
            except (SlackTrouble, SlackRefused, SlackOutcomeUnknown) as error:
                self.outcomes[method, type(error).__name__] += 1
                asked = error.retry_after if isinstance(error, SlackTrouble) else None
                if asked is None or asked.total_seconds() > patience or not left:
                    raise
                await asyncio.sleep(asked.total_seconds())
            else:
                self.outcomes[method, "ok"] += 1
                return answer

    async def pages(self, method: str, key: str, *, most: int = 0, **args: Any) -> AsyncIterator[Any]:
        """Each entry of what a method answers in pages, of which there may be *most* (0: as many as there are).

        A page behind the first waits for its turn. Raises SlackTrouble, SlackRefused.
        """
        cursor, number = "", 0
        while not number or (cursor and number != most):
            patience = _FOLLOWING if number else 0.0
            asked = {"limit": PAGE, **args, "cursor": cursor or None}
            answer = await self.call(method, patience=patience, **asked)
            for entry in answer.get(key) or []:
                yield entry
            cursor, number = str((answer.get("response_metadata") or {}).get("next_cursor") or ""), number + 1

    async def _call(self, method: str, args: Mapping[str, Any], token: str) -> dict[str, Any]:
        form = {name: _form_value(value) for name, value in args.items() if value is not None}
        if method.startswith("chat.") and "text" in form:
            form["text"] = clip(form["text"])
        status, headers, content = await self._send(method, form, token)
        if method == "auth.test" and "x-oauth-scopes" in headers:
            self.scopes = frozenset(re.split(r"[,\s]+", headers["x-oauth-scopes"].strip()))
        if method == "auth.test" and "date" in headers:
            self.skew = _ahead_of(headers["date"])
        return self._judge(method, args, status, headers, content)

    async def respond(self, address: str, answer: Mapping[str, Any]) -> bool:
        """Post *answer* to a response_url, which bears its own right and gets no token; whether Slack took it."""
        try:
            async with self.session.post(address, json=answer, allow_redirects=False, proxy=self.proxy) as response:
                return response.status == 200  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("a response_url did not answer: %s", type(error).__name__)
            return False

    async def identity(self) -> Identity:
        """Who we are; asked once. Raises SlackTrouble, SlackRefused."""
        if self._identity is None:
            answer = await self.call("auth.test")
            names = ("team_id", "user_id", "bot_id", "url", "team", "enterprise_id")
            self._identity = Identity(**{name: str(answer.get(name) or "") for name in names})
        return self._identity

    # --- pace ---

    def _rate(self, method: str, args: Mapping[str, Any]) -> tuple[str, float, float] | None:
        """The key, calls a minute and burst by which a call is paced."""
        if method == "chat.postMessage":
            return f"{method} {args.get('channel')}", POSTS_PER_SECOND * 60, 1.0
        per_minute = CALLS_PER_MINUTE.get(method)
        return None if per_minute is None else (method, per_minute * _STEADY, max(1, per_minute * _AT_ONCE))

    async def _turn(self, method: str, args: Mapping[str, Any], patience: float) -> None:
        rate = self._rate(method, args)
        if rate is None:
            return
        key, per_minute, burst = rate
        wait = self._pace.turn(key, per_minute=per_minute, burst=burst, patience=patience)
        if wait > patience:
            raise SlackTrouble("ratelimited", retry_after=timedelta(seconds=wait))
        if wait:
            await asyncio.sleep(wait)

    def _slow_down(self, method: str, args: Mapping[str, Any], headers: Mapping[str, str]) -> SlackTrouble:
        seconds = seconds_asked(headers.get("retry-after", ""))
        self._slow(method, args, seconds)
        return SlackTrouble("ratelimited", retry_after=timedelta(seconds=seconds))

    def _slow(self, method: str, args: Mapping[str, Any], seconds: float) -> None:
        """Let nobody go on with a method for so long, and nothing at once after it."""
        if (rate := self._rate(method, args)) is not None:
            self._pace.stop(rate[0], seconds, per_minute=rate[1], burst=rate[2])

    # --- the wire ---

    async def _send(self, method: str, form: dict[str, str], token: str) -> tuple[int, dict[str, str], bytes]:
        again = method not in _NEVER_REPEATED
        while True:
            self.calls[method] += 1
            try:
                return await self._post(method, form, token)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                raise SlackTrouble("unreachable") from error  # nothing was sent
            except aiohttp.ServerDisconnectedError as error:  # mostly a connection that idled for too long
                if not again:
                    raise _lost(method, "disconnected") from error
                again = False
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise _lost(method, type(error).__name__) from error

    async def _post(self, method: str, form: dict[str, str], token: str) -> tuple[int, dict[str, str], bytes]:
        async with self.session.post(
            self.api_url + method,
            data=form,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            proxy=self.proxy,
        ) as response:
            parts, size = [], 0
            async for chunk in response.content.iter_chunked(65_536):
                parts.append(chunk)
                size += len(chunk)
                if size > _REPLY:
                    raise aiohttp.ClientPayloadError("an answer without end")
            return response.status, {name.lower(): value for name, value in response.headers.items()}, b"".join(parts)

    def _judge(
        self, method: str, args: Mapping[str, Any], status: int, headers: Mapping[str, str], content: bytes
    ) -> dict[str, Any]:
        """The answer, or the error that it stands for."""
        if status == 429:  # noqa: PLR2004
            raise self._slow_down(method, args, headers)
        answer = _object(content)
        if answer is None or status >= 500:  # noqa: PLR2004
            if 400 <= status < 500:  # noqa: PLR2004
                raise refusal(method, {"error": f"http_{status}"})
            raise _lost(method, f"http_{status}")
        if answer.get("ok"):
            return answer
        code = str(answer.get("error"))
        if code in {"ratelimited", "rate_limited"}:
            raise self._slow_down(method, args, headers)
        if code in _TROUBLE:
            raise _lost(method, code)
        raise refusal(method, answer)


def seconds_asked(retry_after: str) -> int:
    """How long a Retry-After header asks us to wait: an hour at most, and half a minute where it is no number."""
    return min(int(retry_after[:9]), _LONGEST) if retry_after.isdecimal() else 30


def clip(text: str, length: int = MESSAGE_TEXT) -> str:
    """*text* cut to what Slack takes, never inside an escape or a link."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    kept = re.sub(r"&[a-z]{0,3}$", "", kept)
    if kept.rfind("<") > kept.rfind(">"):
        kept = kept[: kept.rfind("<")]
    return kept + "…"


def _ahead_of(date: str) -> timedelta:
    """How far our clock is ahead of a Date header; nothing where that cannot be read."""
    try:
        return datetime.now(UTC) - parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return timedelta()


def _lost(method: str, code: str) -> SlackTrouble | SlackOutcomeUnknown:
    return SlackOutcomeUnknown(f"{method}: {code}") if method in POSTS else SlackTrouble(code)


def _form_value(value: Any) -> str:
    """A form's spelling of *value*: every method takes a form, and some read nothing else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":"))


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestRedirectParams
) -> None:
    raise aiohttp.ClientError("Slack's API does not redirect")
