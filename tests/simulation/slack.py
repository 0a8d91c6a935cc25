"""A Slack in memory: threads that people write in, and our posts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.model import OutgoingFile
from bot.conversion.ports import (
    Author,
    Card,
    FromDesk,
    SlackFile,
    SlackOutcomeUnknown,
    SlackRefused,
    SlackTrouble,
    ThreadMessage,
)
from bot.conversion.records import Link, Receipt, ThreadKey
from bot.conversion.slack_nouns import Audience
from bot.conversion.text.plain import from_plain, to_plain
from tests.simulation.loop import EPOCH
from tests.simulation.network import Cut, Network, Rates

PATIENCE = 3.0
"""Seconds after which whoever calls Slack gives up."""

TEAM, CHANNEL, US = "T1", "C1", "UBOT"
ADA = Author(id="U1", name="Ada", email="ada@example.com")


@dataclass
class Post:
    """Something of ours in a thread."""

    ts: str
    text: str
    marker: str
    card: bool


@dataclass
class Thread:
    """A thread: people's messages and our posts."""

    root: str
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """What one person was told."""

    user: str
    text: str
    parked: str
    asks: bool


class SlackState:
    """The workspace. Each method is one moment."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0
        self.threads: dict[str, Thread] = {}
        self.told: list[Told] = []

    def ts(self) -> str:
        """A new timestamp."""
        self._last = max(self._last + 1, round((EPOCH + self._clock()) * 1e6))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def begin(self, text: str) -> str:
        """A new thread; its root's timestamp. What is in it was said a second ago."""
        ts = self.ts()
        self.threads[ts] = Thread(ts, {ts: _written(ts, ts, text)})
        return ts

    def say(self, root: str, text: str) -> dict[str, Any]:
        """A reply; the event that follows."""
        ts = self.ts()
        message = self.threads[root].messages[ts] = _written(ts, root, text)
        return dict(message) | {"channel": CHANNEL, "event_ts": ts}

    def edit(self, root: str, ts: str, text: str) -> dict[str, Any]:
        """An edit; the event that follows."""
        before = dict(self.threads[root].messages[ts])
        now = self.ts()
        edited = f"{now.partition('.')[0]}.000000"  # Slack gives whole seconds
        self.threads[root].messages[ts] |= {"text": text, "edited": {"user": ADA.id, "ts": edited}}
        after = dict(self.threads[root].messages[ts])
        shared = {"type": "message", "subtype": "message_changed", "channel": CHANNEL}
        return {**shared, "ts": now, "event_ts": now, "message": after, "previous_message": before}

    def delete(self, root: str, ts: str) -> dict[str, Any]:
        """A deletion; the event that follows."""
        before = self.threads[root].messages.pop(ts)
        now = self.ts()
        shared = {"type": "message", "subtype": "message_deleted", "channel": CHANNEL}
        return {**shared, "ts": now, "event_ts": now, "deleted_ts": ts, "previous_message": before}

    def post(self, root: str, text: str, marker: str, *, card: bool = False) -> str:
        """A post of ours."""
        ts = self.ts()
        self.threads[root].posts.append(Post(ts, text, marker, card))
        return ts


def _written(ts: str, root: str, text: str) -> dict[str, Any]:
    return {"type": "message", "user": ADA.id, "ts": ts, "thread_ts": root, "text": text, "team": TEAM}


def _understood(message: dict[str, Any]) -> ThreadMessage:
    ts = message["ts"]
    return ThreadMessage(
        ts=ts,
        author=ADA,
        at=datetime.fromtimestamp(float(ts), UTC),
        document=from_plain(message["text"]),
        edited=(message.get("edited") or {}).get("ts", ""),
    )


class SimThreads:
    """The port that reads."""

    def __init__(self, state: SlackState, network: Network, rates: Rates) -> None:
        self._state, self._network, self._rates = state, network, rates

    async def read(self, thread: ThreadKey) -> tuple[ThreadMessage, ...]:
        def serve() -> tuple[ThreadMessage, ...]:
            found = self._state.threads[thread.ts].messages
            return tuple(_understood(found[ts]) for ts in sorted(found))

        return await _cross(self._network, "read", serve, self._rates)  # type: ignore[no-any-return]

    async def understand(self, message: dict[str, Any], channel: str) -> ThreadMessage:
        return _understood(message)

    async def author(self, user: str) -> Author:
        return ADA

    async def file(self, file_id: str) -> SlackFile:
        raise SlackRefused("file_not_found", "there is none.")

    async def fetch(self, file: SlackFile, folder: Path, *, limit: int | None) -> OutgoingFile:
        raise SlackRefused("file_not_found", "there is none.")

    async def locale(self, user: str, *, patience: float = 1.0) -> str:
        return "en-GB"

    async def audience(self, channel: str) -> Audience:
        return Audience()

    async def permalink(self, channel: str, ts: str) -> str:
        return ""


class SimVoice:
    """The port that speaks."""

    receipts_are_words = receipts_are_silent = False
    longest = timedelta(seconds=PATIENCE)

    def __init__(self, state: SlackState, network: Network, rates: Rates) -> None:
        self._state, self._network, self._rates = state, network, rates

    async def post_card(self, channel: str, thread_ts: str, card: Card, marker: str) -> str:
        def serve() -> str:
            return self._state.post(thread_ts, "", marker, card=True)

        return await _cross(self._network, "post_card", serve, self._rates, posts=True)  # type: ignore[no-any-return]

    async def find_post(self, channel: str, thread_ts: str, marker: str) -> str | None:
        def serve() -> str | None:
            posts = self._state.threads[thread_ts].posts
            return next((post.ts for post in posts if post.marker == marker), None)

        return await _cross(self._network, "find_post", serve, self._rates)  # type: ignore[no-any-return]

    async def markers(self, thread: ThreadKey) -> frozenset[str]:
        return frozenset(post.marker for post in self._state.threads[thread.ts].posts)

    async def kept_by_another(self, thread: ThreadKey, number: str) -> bool:
        return False

    def question(self, text: str, parked: str) -> Any:
        return text

    async def rewrite(self, channel: str, ts: str, post: Any) -> None:
        raise SlackRefused("not_here", "nothing is rewritten in the simulation.")

    async def finish_step(self, step: str, outputs: dict[str, str], *, error: str = "") -> None:
        raise SlackRefused("not_here", "there are no workflows in the simulation.")

    async def update_card(self, card: Card) -> None:
        await _cross(self._network, "update_card", _nothing, self._rates)

    def posts(self, message: FromDesk) -> tuple[Any, ...]:
        return (to_plain(message.document),)

    async def post(self, thread: ThreadKey, post: Any, marker: str, *, broadcast: bool = False) -> str:
        def serve() -> str:
            return self._state.post(thread.ts, post, marker)

        return await _cross(self._network, "post", serve, self._rates, posts=True)  # type: ignore[no-any-return]

    async def upload(self, thread: ThreadKey, name: str, content: bytes) -> None:
        raise SlackRefused("not_here", "files are not simulated.")

    async def find_upload(self, thread: ThreadKey, name: str, size: int) -> bool:
        return False

    async def receipt(self, state: Receipt) -> None:
        await _cross(self._network, "receipt", _nothing, self._rates)

    def receipts_of(self, link: Link) -> Any:
        return ""

    async def tell(
        self, user: str, channel: str, thread_ts: str, text: str, *, parked: str = "", asks: bool = False
    ) -> None:
        def serve() -> None:
            self._state.told.append(Told(user, text, parked, asks))

        await _cross(self._network, "tell", serve, self._rates)

    async def direct_channel(self, user: str) -> str:
        return f"D{user}"


def _nothing() -> None:
    """A call whose effect nobody compares."""


async def _cross(network: Network, name: str, serve: Any, rates: Rates, *, posts: bool = False) -> Any:
    try:
        return await network.cross(f"slack.{name}", serve, rates, quick=0.15, patience=PATIENCE, settle=0.0)
    except Cut as cut:
        if cut.kind == "answers":
            raise SlackTrouble("ratelimited", retry_after=timedelta(seconds=2)) from None
        if posts and cut.kind != "refused":
            raise SlackOutcomeUnknown(name) from None
        raise SlackTrouble(cut.kind) from None
