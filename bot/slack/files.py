"""Brings files from Slack to our disk: from Slack's hosts only, with the token for nobody else, checked on arrival."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from adapters.model import OutgoingFile
from bot.conversion.ports import SlackFile, SlackRefused, SlackTrouble
from bot.conversion.text.clean import clean_filename
from bot.slack.limits import API_URL, FILE, FILES_HOST, FILES_PATHS, FILES_REDIRECTS
from bot.slack.web import Web, seconds_asked
from bot.words import _

_HOPS: Final = 3
_CHUNK: Final = 262_144
_HEAD: Final = 1024
_SECONDS: Final = 900.0
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without space and backslash: what every parser of addresses agrees on
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_TYPE = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}", re.ASCII)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CANVASES: Final = frozenset({"quip", "canvas", "docs", "list", "space"})


def describe(file: Mapping[str, Any]) -> SlackFile:
    """A file as Slack's JSON has it, with the reason in ``trouble`` where it cannot be fetched."""
    mode = str(file.get("mode") or "")
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    size = file.get("size")
    outside = mode == "external" or bool(file.get("is_external"))
    permalink, trouble = str(file.get("permalink") or ""), ""
    if mode == "tombstone":
        permalink, trouble = "", _("it was deleted in Slack.")
    elif mode == "hidden_by_limit":
        trouble = _("it is older than what the workspace's plan of Slack shows.")
    elif outside:
        permalink, trouble = str(file.get("url_private") or permalink), _("it is kept outside of Slack.")
    elif mode in _CANVASES:
        trouble = _("it is a canvas or a list, which can only be read in Slack.")
    elif not url and not needs_info(file):
        trouble = _("Slack gives no address for it.")
    return SlackFile(
        id=str(file.get("id") or ""),
        name=clean_filename(str(file.get("name") or file.get("title") or "file")),
        media_type=str(file.get("mimetype") or ""),
        size=size if isinstance(size, int) and size > 0 else 0,
        url=url,
        permalink=permalink,
        outside=outside,
        trouble=trouble,
    )


def needs_info(file: Mapping[str, Any]) -> bool:
    """Whether Slack gave only the id, as it does for files shared from another organisation."""
    return file.get("mode") == "file_access" or file.get("file_access") == "check_file_info"


class Files:
    """Fetches files with the bot's token over the session of *web*."""

    def __init__(self, web: Web, *, most: int = FILE) -> None:
        self._web = web
        self._most = most  # bytes, whatever the desk would take
        self._own = URL(web.api_url).origin() if web.api_url != API_URL else None

    async def fetch(self, file: SlackFile, folder: Path, *, limit: int | None) -> OutgoingFile:
        """Bring *file* to *folder*; nothing is left there when it fails.

        Raises:
            SlackTrouble: try again.
            SlackRefused: it cannot be had, with the reason for people.
        """
        if file.trouble:
            raise SlackRefused("file_unavailable", file.trouble)
        most = self._most if limit is None else min(limit, self._most)
        if file.size > most:
            raise _too_large(most)
        with suppress(_Incomplete):  # a transfer that broke off is tried once more
            return await self._once(file, folder, most)
        try:
            return await self._once(file, folder, most)
        except _Incomplete as error:
            words = _("Slack says it has {size:,} bytes, and sent {sent:,}.", size=file.size, sent=error.size)
            raise SlackRefused("file_incomplete", words) from error

    async def _once(self, file: SlackFile, folder: Path, most: int) -> OutgoingFile:
        path = folder / f"{secrets.token_hex(8)}.file"
        try:
            return await self._bring(file, path, most)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def _bring(self, file: SlackFile, path: Path, limit: int) -> OutgoingFile:
        try:
            async with asyncio.timeout(_SECONDS):
                response = await self._open(file)
                try:
                    size, digest, head = await _store(response, path, limit)
                finally:
                    response.close()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SlackTrouble(type(error).__name__) from error
        except OSError as error:
            raise SlackTrouble("disk") from error
        _check(file, size, head, media_type=response.content_type)
        kind = file.media_type if _TYPE.fullmatch(file.media_type) else "application/octet-stream"
        return OutgoingFile(name=file.name, media_type=kind, size=size, sha256=digest, path=path)

    async def _open(self, file: SlackFile) -> aiohttp.ClientResponse:
        """The response that holds the file, after redirects."""
        url = self._start(file)
        for _hop in range(_HOPS + 1):
            response = await self._get(url)
            if response.status not in _REDIRECTS:
                try:
                    _judge(response)
                except BaseException:
                    response.close()
                    raise
                return response
            target = response.headers.get("Location", "")
            response.close()
            url = self._next(url, target)
        raise SlackRefused("file_redirects", _("Slack sent us from address to address for it."))

    async def _get(self, url: URL) -> aiohttp.ClientResponse:
        headers = {"Accept-Encoding": "identity"}
        if self._may_have_token(url):
            headers["Authorization"] = f"Bearer {self._web.token}"
        return await self._web.session.get(
            url,
            headers=headers,
            allow_redirects=False,
            proxy=self._web.proxy,
            timeout=aiohttp.ClientTimeout(total=None, connect=10, sock_read=30),
        )

    # --- which addresses ---

    def _start(self, file: SlackFile) -> URL:
        """The address of *file*, if it is one of Slack's own: a message can name any address in the world."""
        url = _url(file.url)
        if url is not None and (self._is_own(url) or (_is_https(url) and url.raw_host == FILES_HOST and _is_file(url))):
            return url
        raise SlackRefused("file_elsewhere", _("Slack names a place for it that is not Slack's."))

    def _next(self, url: URL, target: str) -> URL:
        following = _url(str(url.join(URL(target))) if _PRINTABLE.fullmatch(target) else "")
        if following is not None and (self._is_own(following) or (_is_https(following) and _is_slacks(following))):
            return following
        raise SlackRefused("file_elsewhere", _("Slack sent us to another place for it."))

    def _is_own(self, url: URL) -> bool:
        """Whether it is at the host that the settings name instead of Slack's."""
        return self._own is not None and url.origin() == self._own

    def _may_have_token(self, url: URL) -> bool:
        return self._is_own(url) or (_is_https(url) and url.raw_host == FILES_HOST)


def _url(text: str) -> URL | None:
    """An absolute http address without user, as the HTTP client will read it; None for anything else."""
    if not _PRINTABLE.fullmatch(text):
        return None
    try:
        url = URL(text)
        url.origin()  # the port is looked at here
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and url.user is None and url.password is None else None


def _is_https(url: URL) -> bool:
    return url.scheme == "https" and url.explicit_port is None


def _is_file(url: URL) -> bool:
    return url.path.startswith(FILES_PATHS)


def _is_slacks(url: URL) -> bool:
    host = url.raw_host or ""
    return any(host == name or host.endswith("." + name) for name in FILES_REDIRECTS)


# --- what arrived -----------------------------------------------------------------------------------------------------


class _Incomplete(Exception):
    """Fewer or more bytes came than Slack had said."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def _judge(response: aiohttp.ClientResponse) -> None:
    """Raise what a status other than 200 means."""
    match response.status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise _login()
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            raise SlackRefused("file_not_found", _("it is not in Slack any more."))
        case HTTPStatus.TOO_MANY_REQUESTS:
            seconds = seconds_asked(response.headers.get("Retry-After", ""))
            raise SlackTrouble("ratelimited", retry_after=timedelta(seconds=seconds))
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SlackTrouble(f"http_{status}")
        case status:
            raise SlackRefused(f"http_{status}", _("Slack answered {status} when asked for it.", status=status))


async def _store(response: aiohttp.ClientResponse, path: Path, limit: int) -> tuple[int, str, bytes]:
    """Write the body to *path*; gives its size, its SHA-256 and its first bytes."""
    digest, size, head = hashlib.sha256(), 0, b""
    handle = await asyncio.to_thread(path.open, "xb")
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            if len(head) < _HEAD:
                head += chunk[:_HEAD]
            digest.update(chunk)
            await asyncio.to_thread(handle.write, chunk)
    finally:
        await asyncio.to_thread(handle.close)
    return size, digest.hexdigest(), head


def _check(file: SlackFile, size: int, head: bytes, *, media_type: str) -> None:
    """Refuse what is not the file: Slack answers 200 with its login page where the token is not enough."""
    if size == file.size:
        return
    is_page = "html" in file.media_type or file.name.lower().endswith((".html", ".htm"))
    if not is_page and media_type == "text/html" and _PAGE.match(head):
        raise _login()
    if file.size:
        raise _Incomplete(size)


def _login() -> SlackRefused:
    return SlackRefused(
        "file_denied",
        _(
            "Slack does not let Threadline read it. An operator must add the permission files:read "
            "under OAuth & Permissions and reinstall the app."
        ),
    )


def _too_large(limit: int) -> SlackRefused:
    return SlackRefused("file_too_large", _("it is larger than the {limit:,} bytes that may go.", limit=limit))
