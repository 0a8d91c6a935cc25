"""The Web API's files.* methods, and the addresses by which files come and go."""

import asyncio
import copy
import mimetypes
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.files import LOGIN_PAGE, new_file, share_file
from bot.sandbox.slack.posting import bot_message, normalised
from bot.sandbox.slack.state import SandboxChannel
from bot.sandbox.slack.workspace import Workspace


class FileTransfers:
    """Uploads that wait for their bytes or for being completed, and downloads.

    ``redirect_to``: the base address to which downloads are redirected, as Slack does to its CDN; empty: they are not.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.pending: dict[str, tuple[str, int]] = {}
        self.unshared: set[str] = set()
        self.refused_downloads = 0
        self.redirect_to = ""
        self._sharing: set[asyncio.Task[None]] = set()

    # --- over the wire ---

    async def receive(self, request: Request) -> Response:
        """The bytes of an upload, as the body itself."""
        token = str(request.path_params["token"])
        found = self.pending.get(token)
        if found is None:
            return PlainTextResponse("upload_url is not valid", 404)
        file_id, length = found
        content = await request.body()
        if len(content) != length:
            return PlainTextResponse(f"expected {length} bytes and got {len(content)}", 500)
        self.workspace.state.files[file_id].content = content
        del self.pending[token]
        return PlainTextResponse(f"OK - {length}")

    async def send(self, request: Request) -> Response:
        """A file's bytes; without a good token, or without ``files:read``, the login page with status 200."""
        if self.redirect_to:
            return RedirectResponse(self.redirect_to + request.url.path, 302)
        file_id = str(request.path_params["path"]).split("/")[0].partition("-")[2]
        token = request.headers.get("authorization", "")
        allowed = "files:read" in self.workspace.events.scopes and token == f"Bearer {self.workspace.bot_token}"
        if not allowed:
            self.refused_downloads += 1
            return HTMLResponse(LOGIN_PAGE)
        kept = self.workspace.state.files.get(file_id)
        if kept is None or not self._sees(file_id):
            return PlainTextResponse("Not found", 404)
        return Response(kept.content, media_type=kept.info["mimetype"])

    def _sees(self, file_id: str) -> bool:
        """Whether the bot may have the file: its own, or shown in a public channel or one in which it is."""
        info, state = self.workspace.state.files[file_id].info, self.workspace.state
        shown_in = [state.channels[channel] for key in ("channels", "groups", "ims") for channel in info[key]]
        return info["user"] == state.bot_user_id or any(
            channel.bot_in or channel.kind == "channel" for channel in shown_in
        )

    # --- methods ---

    async def info(self, call: Call) -> dict[str, Any]:
        """A file's object."""
        file_id = call.need("file")
        kept = call.state.files.get(file_id)
        if kept is None or not self._sees(file_id):
            raise SlackError("file_not_found")
        return {"file": copy.deepcopy(kept.info), "comments": [], "response_metadata": {"next_cursor": ""}}

    async def delete(self, call: Call) -> dict[str, Any]:
        """Delete a file of the app's own; messages keep a tombstone of it."""
        file_id = call.need("file")
        kept = call.state.files.get(file_id)
        if kept is None:
            raise SlackError("file_not_found")
        if kept.info.get("user") != call.state.bot_user_id:
            raise SlackError("cant_delete_file")
        await self.workspace.delete_file(file_id)
        return {}

    async def upload_url(self, call: Call) -> dict[str, Any]:
        """Where to send the bytes of a file of a given name and length."""
        name = call.need("filename")
        length = call.number("length", 0)
        if not length:
            raise SlackError("invalid_arguments", ["[ERROR] missing required field: length"])
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kept = new_file(call.state, call.state.bot_user_id, name, b"", media_type=media_type)
        kept.info["size"] = length
        token = secrets.token_urlsafe(24)
        self.pending[token] = (kept.info["id"], length)
        self.unshared.add(kept.info["id"])
        return {"upload_url": f"{call.state.base_url}/upload/v1/{token}", "file_id": kept.info["id"]}

    async def complete(self, call: Call) -> dict[str, Any]:
        """Finish uploads; the message that shows them appears a moment after the answer."""
        files = call.structure("files")
        if not isinstance(files, list) or not files:
            raise SlackError("invalid_arguments", ["[ERROR] missing required field: files"])
        waiting = {file_id for file_id, _ in self.pending.values()}
        for item in files:
            if not isinstance(item, dict) or item.get("id") not in self.unshared - waiting:
                raise SlackError("file_not_found")
        channel = None
        if call.text("channel_id"):
            channel = call.channel(name="channel_id")
            if not channel.bot_in:
                raise SlackError("not_in_channel")
            call.thread(channel)
        for item in files:
            self.unshared.discard(item["id"])
            call.state.files[item["id"]].info["title"] = item.get("title") or call.state.files[item["id"]].info["name"]
        if channel is not None:
            ids = [item["id"] for item in files]
            task = asyncio.create_task(self._share(channel, ids, call.text("initial_comment"), call.text("thread_ts")))
            self._sharing.add(task)
            task.add_done_callback(self._sharing.discard)
        return {"files": [copy.deepcopy(call.state.files[item["id"]].info) for item in files]}

    async def _share(self, channel: SandboxChannel, ids: list[str], comment: str, thread_ts: str) -> None:
        await asyncio.sleep(0.05)
        state = self.workspace.state
        message = bot_message(state, {"text": normalised(comment), "files": [state.files[one].info for one in ids]})
        message |= {"subtype": "file_share", "upload": True}
        if root := state.place_in(channel.id, thread_ts):
            message["thread_ts"] = root
        for file_id in ids:
            share_file(state, file_id, channel, message)
        self.workspace.messages.add(channel.id, message)

    def methods(self) -> dict[str, Method]:
        """The methods, bound to this workspace's transfers."""
        return {
            "files.delete": method(self.delete, ["files:write"], per_minute=50),
            "files.info": method(self.info, ["files:read"], per_minute=100),
            "files.getUploadURLExternal": method(self.upload_url, ["files:write"], per_minute=100),
            "files.completeUploadExternal": method(self.complete, ["files:write"], per_minute=100, takes_json=True),
        }
