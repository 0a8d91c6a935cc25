"""Brings the desk's words and files into a thread."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from bot.conversion.ports import FromDesk, SlackRefused, SlackTrouble
from bot.conversion.records import ThreadKey
from bot.conversion.text.clean import clean_filename
from bot.conversion.text.tree import Document, Paragraph, Run, Style
from bot.slack.limits import API_URL, METADATA_EVENT, PAGE
from bot.slack.text.write_rich_text import to_rich_text
from bot.slack.views.elements import Json, Said, spoken
from bot.slack.web import Web
from bot.words import _

_BOLD = Style(bold=True)


def posts(message: FromDesk) -> tuple[Said, ...]:
    """*message* as one or several posts: rich_text, in which nothing can mention or link by itself, and its text."""
    blocks = message.document.blocks
    if message.author:
        name, first = Run(message.author, _BOLD), blocks[:1]
        if first and isinstance(first[0], Paragraph):
            blocks = (Paragraph((name, Run("\n"), *first[0].content)), *blocks[1:])
        else:
            blocks = (Paragraph((name,)), *blocks)
    return tuple((part, spoken(part)) for part in to_rich_text(Document(blocks)))


async def post(web: Web, thread: ThreadKey, said: Said, marker: str, *, broadcast: bool = False) -> Mapping[str, Any]:
    """Write in a thread; the answer of chat.postMessage. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown."""
    blocks, text = said
    return await web.call(
        "chat.postMessage",
        channel=thread.channel,
        thread_ts=thread.ts,
        reply_broadcast=True if broadcast else None,
        text=text,
        blocks=blocks,
        metadata={"event_type": METADATA_EVENT, "event_payload": {"marker": marker}},
        unfurl_links=False,
        unfurl_media=False,
        link_names=False,
        parse="none",
    )


async def upload(web: Web, thread: ThreadKey, name: str, content: bytes) -> None:
    """Share a file in a thread, in Slack's three steps; nobody sees it before the last.

    Raises:
        SlackTrouble: nothing is to be seen. SlackRefused: Slack does not take it.
        SlackOutcomeUnknown: it may have been shared.
    """
    shown = clean_filename(name)
    place = await web.call("files.getUploadURLExternal", filename=shown, length=len(content))
    await _send(web, str(place.get("upload_url", "")), content)
    files = [{"id": place["file_id"], "title": shown}]
    await web.call("files.completeUploadExternal", files=files, channel_id=thread.channel, thread_ts=thread.ts)


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
    us, shown, cursor = await web.identity(), clean_filename(name), None
    while True:
        page = await web.call("conversations.replies", channel=thread.channel, ts=thread.ts, limit=PAGE, cursor=cursor)
        for message in page.get("messages") or []:
            if us.wrote(message) and any(_is(file, shown, size) for file in message.get("files") or []):
                return True
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "") or None
        if cursor is None:
            return False


def _is(file: Json, name: str, size: int) -> bool:
    return file.get("size") == size and name in {file.get("name"), file.get("title")}
