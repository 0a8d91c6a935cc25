"""Speaks in Slack: cards that can be found again, receipts as reactions, and words to one person."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias

from bot.conversion.ports import Card, FromDesk, SlackRefused, SlackTrouble
from bot.conversion.records import Link, Receipt, ThreadKey
from bot.slack import replies
from bot.slack.limits import METADATA_EVENT
from bot.slack.views.notices import closed_question
from bot.slack.views.receipts import receipts as receipts_view
from bot.slack.web import Web

Said: TypeAlias = tuple[list[dict[str, Any]], str]
State: TypeAlias = Literal["waiting", "delivered", "failed"]

_HISTORY_PAGES: Final = 3
_REMEMBERED: Final = 5000
SUSPENDED: Final = 5.0
"""Seconds for a post after which this process may have stood still, and another have taken over its work."""
_HARMLESS: Final = frozenset(
    {"already_reacted", "no_reaction", "message_not_found", "too_many_emoji", "too_many_reactions"}
)
"""A receipt that is there already, or has nowhere to be."""


class NoticeView(Protocol):
    """How words to one person look; *parked* adds the buttons that decide about work that waits.

    *asks*: the decision is the answer to the question whether it is there.
    """

    def __call__(self, text: str, *, parked: str = "", asks: bool = False) -> Said:
        """Blocks and the same as text."""
        ...


@dataclass(frozen=True, slots=True)
class Receipts:
    """The emoji that show how far a message got; the workspace must have them. An empty name shows nothing.

    ``words``: one post in the thread says it instead.
    """

    words: bool = False
    waiting: str = "hourglass_flowing_sand"
    delivered: str = "white_check_mark"
    failed: str = "warning"

    @property
    def silent(self) -> bool:
        """Whether no state shows anything."""
        return not (self.words or self.waiting or self.delivered or self.failed)

    def name(self, state: State) -> str:
        """The emoji of a state."""
        return {"waiting": self.waiting, "delivered": self.delivered, "failed": self.failed}[state]


class SlackVoice:
    """`bot.conversion.ports.Voice` over the Web API.

    Args:
        web: the calls.
        card_view: a card's blocks and the same as text.
        failure_view: the same for words to one person.
        receipts: which emoji to use.
    """

    def __init__(
        self, web: Web, *, card_view: Callable[[Card], Said], failure_view: NoticeView, receipts: Receipts | None = None
    ) -> None:
        self._web = web
        self._card_view = card_view
        self._failure_view = failure_view
        self._receipts = receipts or Receipts()
        self.longest = timedelta(seconds=web.timeout)
        self.receipts_are_words = self._receipts.words
        self.receipts_are_silent = self._receipts.silent
        self._shown: OrderedDict[tuple[str, str], State] = OrderedDict()
        self._direct: OrderedDict[str, str] = OrderedDict()

    # --- cards ---

    async def post_card(self, channel: str, thread_ts: str, card: Card, marker: str) -> str:
        """Post a card and return its timestamp. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown."""
        blocks, text = self._card_view(card)
        link = card.link
        answer = await self._web.call(
            "chat.postMessage",
            channel=channel,
            thread_ts=thread_ts or None,
            text=text,
            blocks=blocks,
            metadata=_trace(link, marker=marker),
            **replies.QUIET,
        )
        ts = str(answer.get("ts", ""))
        if thread_ts and _went_astray(answer):
            raise await replies.take_back(self._web, channel, ts)
        return ts

    async def find_post(self, channel: str, thread_ts: str, marker: str) -> str | None:
        """The timestamp of our post with this marker, in a thread (or, without one, lately in the channel).

        Other apps can write metadata like ours, so only what we posted counts. Raises SlackTrouble, SlackRefused.
        """
        us = await self._web.identity()
        async for message in self._messages(channel, thread_ts):
            if us.wrote(message) and our_metadata(message).get("marker") == marker:
                return str(message.get("ts", ""))
        return None

    async def markers(self, thread: ThreadKey) -> frozenset[str]:
        """The markers of all that we posted in a thread. Raises SlackTrouble, SlackRefused."""
        us = await self._web.identity()
        ours = [our_metadata(one) async for one in self._messages(thread.channel, thread.ts) if us.wrote(one)]
        return frozenset(str(one["marker"]) for one in ours if "marker" in one)

    async def kept_by_another(self, thread: ThreadKey, number: str) -> bool:
        """Whether another Threadline has its card for the ticket of this number in the thread. Raises SlackTrouble."""
        us = await self._web.identity()
        try:
            async for message in self._messages(thread.channel, thread.ts):
                if message.get("bot_id") and not us.wrote(message) and our_metadata(message).get("number") == number:
                    return True
        except SlackRefused:  # a thread that we cannot read
            return False
        return False

    async def update_card(self, card: Card) -> None:
        """Bring the card up to date, in place; its metadata stays, unless the thread goes with another ticket by now.

        Raises SlackTrouble, SlackRefused.
        """
        blocks, text = self._card_view(card)
        link = card.link
        await self._web.call(
            "chat.update",
            channel=link.thread.channel,
            ts=link.card_ts,
            text=text,
            blocks=blocks,
            link_names=False,
            metadata=_trace(link) if link.follows else None,
        )

    def _messages(self, channel: str, thread_ts: str) -> AsyncIterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {"channel": channel, "include_all_metadata": True}
        if thread_ts:
            return self._web.pages("conversations.replies", "messages", ts=thread_ts, **asked)
        return self._web.pages("conversations.history", "messages", most=_HISTORY_PAGES, **asked)

    # --- what the desk says ---

    def posts(self, message: FromDesk) -> tuple[Said, ...]:
        """*message* as one or several posts that Slack takes."""
        return replies.posts(message)

    def question(self, text: str, parked: str) -> Said:
        """How a reply to a closed ticket goes on, as a post with the choices."""
        return closed_question(text, parked)

    async def post(self, thread: ThreadKey, post: Said, marker: str, *, broadcast: bool = False) -> str:
        """Write in a thread; *broadcast* shows it in the channel too.

        Raises:
            SlackTrouble, SlackRefused, SlackOutcomeUnknown: as their names say.
        """
        began = time.time()
        answer = await replies.post(self._web, thread, post, marker, broadcast=broadcast)
        ts = str(answer.get("ts", ""))
        if _went_astray(answer):
            raise await replies.take_back(self._web, thread.channel, ts)
        return ts if time.time() - began < SUSPENDED else await self._only(thread, marker, ts)

    async def _only(self, thread: ThreadKey, marker: str, ts: str) -> str:
        """Take a post away again that another process made before; the timestamp of the one that stays."""
        try:
            first = await self.find_post(thread.channel, thread.ts, marker)
        except (SlackRefused, SlackTrouble):  # the post was made, and whoever asked for it must hear so
            return ts
        if first is None or float(first) >= float(ts):
            return ts
        await replies.delete(self._web, "chat.delete", channel=thread.channel, ts=ts)
        return first

    async def rewrite(self, channel: str, ts: str, post: Said) -> None:
        """Put another text in the place of a post of ours. Raises SlackTrouble, SlackRefused."""
        blocks, text = post
        await self._web.call("chat.update", channel=channel, ts=ts, text=text, blocks=blocks, link_names=False)

    async def upload(self, thread: ThreadKey, name: str, content: bytes) -> None:
        """Share a file in a thread, never beside it. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown."""
        await replies.upload(self._web, thread, name, content)

    async def find_upload(self, thread: ThreadKey, name: str, size: int) -> bool:
        """Whether we shared such a file in a thread. Raises SlackTrouble, SlackRefused."""
        return await replies.find_upload(self._web, thread, name, size)

    # --- receipts ---

    async def receipt(self, state: Receipt) -> None:
        """Show how far a message got: one reaction, which takes the place of the one before.

        Raises:
            SlackTrouble: not all of it was done; doing it again does no harm.
            SlackRefused: we may not react there, or have no such emoji.
        """
        place = (state.channel, state.ts)
        now, before = self._receipts.name(state.state), self._shown.get(place)
        if before == state.state:
            return
        if now:
            await self._react("reactions.add", state, now)
        for other in self._others(state, before):
            if other and other != now:
                await self._react("reactions.remove", state, other)
        _remember(self._shown, place, state.state)

    def receipts_of(self, link: Link) -> Said:
        """The post that says how far the messages of a thread got."""
        return receipts_view(link)

    def _others(self, state: Receipt, before: State | None) -> tuple[str, ...]:
        """What to take away: what we showed before, or all else where another process did.

        Most messages never show anything but that they were delivered, and reactions.remove has a low rate.
        """
        if before is not None:
            return (self._receipts.name(before),)
        return (self._receipts.waiting, self._receipts.failed) if state.again else ()

    async def _react(self, method: str, state: Receipt, name: str) -> None:
        try:
            await self._web.call(method, channel=state.channel, timestamp=state.ts, name=name)
        except SlackRefused as refused:
            if refused.code not in _HARMLESS:
                raise

    # --- one person ---

    async def tell(
        self, user: str, channel: str, thread_ts: str, text: str, *, parked: str = "", asks: bool = False
    ) -> None:
        """Say something to one person: in the thread where only they see it, else in a direct message.

        Raises:
            SlackTrouble: it was not said. SlackRefused: it cannot be. SlackOutcomeUnknown: it may have been.
        """
        blocks, words = self._failure_view(text, parked=parked, asks=asks)
        if channel:
            try:
                await self._web.call(
                    "chat.postEphemeral",
                    channel=channel,
                    user=user,
                    thread_ts=thread_ts or None,
                    text=words,
                    blocks=blocks,
                    link_names=False,
                )
            except SlackRefused:  # they, or we, are not in that channel, or it is archived
                channel = ""
        if not channel:
            direct = await self.direct_channel(user)
            await self._web.call("chat.postMessage", channel=direct, text=words, blocks=blocks, **replies.QUIET)

    async def finish_step(self, step: str, outputs: dict[str, str], *, error: str = "") -> None:
        """End a workflow's step with what it gives, or with an error. Raises SlackTrouble, SlackRefused."""
        if error:
            await self._web.call("functions.completeError", function_execution_id=step, error=error)
        else:
            await self._web.call("functions.completeSuccess", function_execution_id=step, outputs=outputs)

    async def direct_channel(self, user: str) -> str:
        """The id of our direct-message channel with a person. Raises SlackTrouble, SlackRefused."""
        if user not in self._direct:
            answer = await self._web.call("conversations.open", users=user)
            _remember(self._direct, user, str((answer.get("channel") or {}).get("id") or ""))
        return self._direct[user]


def _trace(link: Link, **more: str) -> dict[str, Any]:
    """A card's metadata, from which the link can be made again, should the store be lost: bot/slack/traces.py."""
    told = {
        "desk": link.desk,
        "ticket_id": link.ticket_id,
        "number": link.number,
        "opened_by": link.opened_by,
        "visibility": str(link.visibility),
    }
    return {"event_type": METADATA_EVENT, "event_payload": told | more}


def _went_astray(answer: Mapping[str, Any]) -> bool:
    """Whether a reply was taken for a new message, as Slack does when the thread's first message is gone."""
    message = answer.get("message")
    return isinstance(message, dict) and not message.get("thread_ts")


def our_metadata(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Threadline wrote beside a message; empty where it wrote nothing. Other apps can write the like."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA_EVENT:
        return {}
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, dict) else {}


def _remember(known: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    known[key] = value
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
