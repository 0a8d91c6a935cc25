"""Finds our cards in Slack: what is left of the links between threads and tickets when the store is lost."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from adapters.model import Visibility
from bot.conversion.ports import FoundCard, SlackRefused
from bot.conversion.records import ThreadKey
from bot.slack.voice import our_metadata
from bot.slack.web import Identity, Web

_KINDS = "public_channel,private_channel,mpim,im"
_METADATA = {"include_all_metadata": True}


async def found_cards(web: Web, *, since: datetime) -> AsyncIterator[FoundCard]:
    """Our cards in all conversations that we are in, in threads that began after *since*; in no certain order.

    It goes at Slack's pace: 200 messages of a channel, or one thread of ours, each 1.5 seconds where *web* is patient.

    Raises:
        SlackTrouble: Slack does not answer just now.
    """
    us = await web.identity()
    async for channel in web.pages("users.conversations", "channels", types=_KINDS):
        ident = str(channel.get("id", ""))
        try:
            oldest = f"{since.timestamp():.6f}"
            async for root in web.pages("conversations.history", "messages", channel=ident, oldest=oldest, **_METADATA):
                async for card in _cards_under(web, us, ident, root):
                    yield card
        except SlackRefused:  # archived, or we were just taken out: nothing can be mirrored there
            continue


async def _cards_under(web: Web, us: Identity, channel: str, root: Mapping[str, Any]) -> AsyncIterator[FoundCard]:
    """The card that begins a thread, or those that stand in it; a thread where we said nothing is not read."""
    if us.wrote(root) and (card := _card(us, channel, root)):
        yield card
    elif _may_hold_ours(us, root):
        ts = str(root.get("ts", ""))
        async for message in web.pages("conversations.replies", "messages", channel=channel, ts=ts, **_METADATA):
            if us.wrote(message) and (card := _card(us, channel, message)):
                yield card


def _may_hold_ours(us: Identity, root: Mapping[str, Any]) -> bool:
    """Whether we may have written in a thread; Slack names only the first five who did."""
    writers = root.get("reply_users") or []
    return us.user_id in writers or len(writers) < int(root.get("reply_users_count") or 0)


def _card(us: Identity, channel: str, message: Mapping[str, Any]) -> FoundCard | None:
    told = our_metadata(message)
    if not (told.get("desk") and told.get("ticket_id")):
        return None
    ts = str(message.get("ts", ""))
    visible = told.get("visibility") == Visibility.PUBLIC
    return FoundCard(
        thread=ThreadKey(team=us.team_id, channel=channel, ts=str(message.get("thread_ts") or ts)),
        ts=ts,
        desk=str(told["desk"]),
        ticket_id=str(told["ticket_id"]),
        number=str(told.get("number") or told["ticket_id"]),
        opened_by=str(told.get("opened_by") or ""),
        visibility=Visibility.PUBLIC if visible else Visibility.INTERNAL,
        follows="marker" not in told,  # which only a post has
    )
