"""Brings the desk's words and files into a thread."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from yarl import URL

from bot.conversion.ports import FromDesk, SlackOutcomeUnknown, SlackRefused, SlackTrouble
from bot.conversion.records import ThreadKey
from bot.conversion.text.clean import clean_filename, clean_subject, parts
from bot.conversion.text.tree import Document, Paragraph, Run, Style
from bot.slack.limits import API_URL, METADATA_EVENT
from bot.slack.refusals import refusal
from bot.slack.text.names import NAME_LIMIT
from bot.slack.text.write_rich_text import BLOCK_TEXT, to_rich_text
from bot.slack.views.elements import Json, Said, lines, section, spoken
from bot.slack.web import Web
from bot.words import _

log = logging.getLogger(__name__)

QUIET: Final[dict[str, Any]] = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
"""So that Slack makes nothing of a post's text: no preview, no mention."""
_BOLD = Style(bold=True)
_LAYOUT: Final = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
"""What Slack calls blocks that it does not take (chat.postMessage); it posted nothing then. Its text is cut already."""
_LOOKS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each look where a file came to stand; Slack shares it some time after its answer."""


def posts(message: FromDesk) -> tuple[Said, ...]:
    """*message* as one or several posts: rich_text, in which nothing can mention or link by itself, and its text."""
    blocks = message.document.blocks
    if author := clean_subject(message.author, NAME_LIMIT):
        name, first = Run(author, _BOLD), blocks[:1]
        if first and isinstance(first[0], Paragraph):
            blocks = (Paragraph((name, Run("\n"), *first[0].content)), *blocks[1:])
        else:
            blocks = (Paragraph((name,)), *blocks)
    return tuple((part, spoken(part)) for part in to_rich_text(Document(blocks)))


async def post(web: Web, thread: ThreadKey, said: Said, marker: str, *, broadcast: bool = False) -> Mapping[str, Any]:
    """Write in a thread; the answer of chat.postMessage. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown.

    Where Slack refuses the layout, the same words go without it: they must not hold up what comes after them.
    """
    try:
        return await _post(web, thread, said, marker, broadcast=broadcast)
    except SlackRefused as refused:
        if refused.code not in _LAYOUT:
            raise
        log.warning("Slack refused the layout of a post, which goes without it (%s)", refused.code)
    blocks, text = said
    unformatted = [section(part) for part in parts("\n".join(lines(blocks)), BLOCK_TEXT)]
    return await _post(web, thread, (unformatted, text), marker, broadcast=broadcast)


async def _post(web: Web, thread: ThreadKey, said: Said, marker: str, *, broadcast: bool) -> Mapping[str, Any]:
    blocks, text = said
    return await web.call(
        "chat.postMessage",
        channel=thread.channel,
        thread_ts=thread.ts,
        reply_broadcast=True if broadcast else None,
        text=text,
        blocks=blocks,
        metadata={"event_type": METADATA_EVENT, "event_payload": {"marker": marker}},
        **QUIET,
    )


async def upload(web: Web, thread: ThreadKey, name: str, content: bytes) -> None:
    """Share a file in a thread, in Slack's three steps; nobody sees it before the last.

    Slack shares it a moment after its answer, and in the channel itself where the thread is gone by then: so we look
    where it came to stand, and take it away from there.

    Raises:
        SlackTrouble: nothing is to be seen. SlackRefused: Slack does not take it, or the thread is gone.
        SlackOutcomeUnknown: it may have been shared.
    """
    shown = clean_filename(name)
    place = await web.call("files.getUploadURLExternal", filename=shown, length=len(content))
    await _send(web, str(place.get("upload_url", "")), content)
    file_id = str(place["file_id"])
    files = [{"id": file_id, "title": shown}]
    unknown: SlackOutcomeUnknown | None = None
    try:
        await web.call("files.completeUploadExternal", files=files, channel_id=thread.channel, thread_ts=thread.ts)
    except SlackOutcomeUnknown as error:
        unknown = error
    share = await _shared(web, thread.channel, file_id)
    if share and not share.get("thread_ts"):
        await delete(web, "files.delete", file=file_id)
        raise await take_back(web, thread.channel, str(share.get("ts", "")))
    if not share and unknown:
        raise unknown


async def _shared(web: Web, channel: str, file_id: str) -> Json | None:
    """Where a file came to stand in a channel (``ts``, and ``thread_ts`` in a thread); None while nothing is known."""
    for pause in _LOOKS:
        await asyncio.sleep(pause)
        try:
            file = (await web.call("files.info", file=file_id)).get("file") or {}
        except (SlackRefused, SlackTrouble):
            continue
        for shares in (file.get("shares") or {}).values():
            if found := shares.get(channel):
                return dict(found[0])
    return None


async def take_back(web: Web, channel: str, ts: str) -> SlackRefused:
    """Delete what went into the channel because the thread that it was for is gone; gives what to raise."""
    await delete(web, "chat.delete", channel=channel, ts=ts)
    return refusal("chat.postMessage", {"error": "thread_not_found"})


async def delete(web: Web, method: str, **which: Any) -> None:
    """Take back what must not stay, as far as Slack lets us."""
    try:
        await web.call(method, **which)
    except (SlackRefused, SlackTrouble) as error:
        # what the caller learns from us matters more than a post too many
        log.warning("%s did not take back what should not be in Slack: %s", method, error)


async def _send(web: Web, url: str, content: bytes) -> None:
    parts = URL(url)
    slacks = parts.scheme == "https" and parts.host is not None and parts.host.endswith(".slack.com")
    ours = web.api_url != API_URL and parts.host == URL(web.api_url).host
    if not (slacks or ours):
        raise SlackRefused("bad_upload_url", _("Slack named a place for the file that is not Slack's."))
    try:
        async with web.session.post(parts, data=content, allow_redirects=False, proxy=web.proxy) as response:
            if response.status != 200:  # noqa: PLR2004
                raise SlackTrouble(f"upload_http_{response.status}")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SlackTrouble("upload") from error  # an upload that nobody completes is never seen


async def find_upload(web: Web, thread: ThreadKey, name: str, size: int) -> bool:
    """Whether a file of that name and size was shared by us in a thread. Raises SlackTrouble, SlackRefused."""
    us, shown = await web.identity(), clean_filename(name)
    async for message in web.pages("conversations.replies", "messages", channel=thread.channel, ts=thread.ts):
        if us.wrote(message) and any(_is(file, shown, size) for file in message.get("files") or []):
            return True
    return False


def _is(file: Json, name: str, size: int) -> bool:
    return file.get("size") == size and name in {file.get("name"), file.get("title")}
