"""The page's server: its static files, what it shows as JSON, files up and down, and the desk beside it."""

import asyncio
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bot.sandbox.desks.base import AgentDesk
from bot.sandbox.page.acts import ACTS, Act
from bot.sandbox.page.guard import SafeHeaders, SameOrigin
from bot.sandbox.page.screen import screen, start
from bot.sandbox.page.uploads import TooLarge, Uploads
from bot.sandbox.slack.workspace import NotOffered, Workspace

STATIC = Path(__file__).parent / "static"
LOOPBACK = ("127.0.0.1", "localhost")
_POLL_SECONDS = 20.0
_SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

Handler = Callable[[Request], Awaitable[Response]]


class _DeskReply(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticket: str
    text: str
    internal: bool
    files: tuple[str, ...] = ()


class _DeskClosed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ticket: str
    closed: bool


def page_app(workspace: Workspace, agent_desk: AgentDesk, *, hosts: tuple[str, ...] = LOOPBACK) -> ASGIApp:
    """The page as an ASGI application of one origin.

    *hosts* are the names under which it may be asked for (the Host header): a name of somebody else's that resolves to
    this machine must not reach it.
    """
    page = _Page(workspace, agent_desk)
    return Starlette(
        routes=[
            Route("/", page.index),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/sandbox/api/start", page.start),
            Route("/sandbox/api/screen", page.screen),
            Route("/sandbox/api/changes", page.changes),
            Route("/sandbox/api/act/{name}", page.act, methods=["POST"]),
            Route("/sandbox/api/uploads", page.upload, methods=["POST"]),
            Route("/sandbox/api/file/{id}", page.file),
            Route("/sandbox/api/desk", page.tickets),
            Route("/sandbox/api/desk/ticket", page.ticket),
            Route("/sandbox/api/desk/file", page.desk_file),
            Route("/sandbox/api/desk/reply", page.desk_reply, methods=["POST"]),
            Route("/sandbox/api/desk/closed", page.desk_closed, methods=["POST"]),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            Middleware(SameOrigin),
            Middleware(SafeHeaders),
        ],
        exception_handlers={
            NotOffered: _says(409),
            TooLarge: _says(413),
            ValidationError: _unreadable,
            LookupError: _gone,
        },
    )


class _Page:
    """The handlers, with what they are about."""

    def __init__(self, workspace: Workspace, desk: AgentDesk) -> None:
        self.workspace, self.desk = workspace, desk
        self.uploads = Uploads(workspace)

    async def index(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def start(self, _: Request) -> Response:
        return JSONResponse({**start(self.workspace), "desk": self.desk.system})

    async def screen(self, request: Request) -> Response:
        asked = request.query_params
        shown = screen(
            self.workspace,
            asked["user"],
            channel=asked.get("channel", ""),
            thread=asked.get("thread", ""),
            limit=int(asked.get("limit") or 200),
        )
        return JSONResponse(shown)

    async def changes(self, request: Request) -> Response:
        asked = int(request.query_params["cursor"])
        cursor, notices = await self.workspace.wait_change(asked, _POLL_SECONDS)
        # A burst of changes becomes one answer: the page draws everything anew anyway.
        await asyncio.sleep(0.03 if notices else 0)
        cursor, notices = self.workspace.changed(asked)
        return JSONResponse({"cursor": cursor, "notices": notices})

    async def act(self, request: Request) -> Response:
        wanted: type[Act] | None = ACTS.get(request.path_params["name"])
        if wanted is None:
            return _error(404, "The page does not know this act.")
        act = wanted.model_validate_json(await request.body())
        return JSONResponse(await act.do(self.workspace, self.uploads))

    async def upload(self, request: Request) -> Response:
        kept = await self.uploads.keep(request.query_params["name"], request.stream())
        return JSONResponse({"upload": kept.id, "name": kept.name, "size": len(kept.content)})

    async def file(self, request: Request) -> Response:
        file_id = request.path_params["id"]
        content = self.workspace.file_bytes(file_id)
        info = self.workspace.state.files[file_id].info
        return _download(content, info["name"], info["mimetype"])

    async def tickets(self, _: Request) -> Response:
        return JSONResponse({"tickets": [asdict(ticket) for ticket in await self.desk.tickets()]})

    async def ticket(self, request: Request) -> Response:
        return JSONResponse({"ticket": asdict(await self.desk.ticket(request.query_params["id"]))})

    async def desk_file(self, request: Request) -> Response:
        name = request.query_params["name"]
        return _download(await self.desk.file(request.query_params["id"]), name, mimetypes.guess_type(name)[0] or "")

    async def desk_reply(self, request: Request) -> Response:
        wish = _DeskReply.model_validate_json(await request.body())
        files = tuple((kept.name, kept.content) for kept in map(self.uploads.get, wish.files))
        await self.desk.reply(wish.ticket, wish.text, internal=wish.internal, files=files)
        return JSONResponse({})

    async def desk_closed(self, request: Request) -> Response:
        wish = _DeskClosed.model_validate_json(await request.body())
        await self.desk.set_closed(wish.ticket, closed=wish.closed)
        return JSONResponse({})


def _download(content: bytes, name: str, media_type: str) -> Response:
    """A file as itself only where it is a picture; all else is saved, never shown."""
    inline = media_type in _SHOWN_INLINE
    response = Response(content, media_type=media_type if inline else "application/octet-stream")
    quoted = "".join(sign if sign.isalnum() or sign in "._- " else "_" for sign in name).encode("ascii", "replace")
    kind = "inline" if inline else "attachment"
    response.headers["Content-Disposition"] = f'{kind}; filename="{quoted.decode().replace("?", "_")}"'
    return response


def _error(status: int, words: str) -> Response:
    return JSONResponse({"error": words}, status_code=status)


def _says(status: int) -> Callable[[Request, Exception], Response]:
    """An answer with the error's own words, which are written for people."""
    return lambda _, error: _error(status, str(error))


def _gone(_: Request, __: Exception) -> Response:
    return _error(404, "That is no longer there. Reload the page if it still shows it.")


def _unreadable(_: Request, error: Exception) -> Response:
    fields = (
        ", ".join(".".join(map(str, part["loc"])) for part in error.errors())
        if isinstance(error, ValidationError)
        else ""
    )
    return _error(400, f"The page sent something that its server cannot read: {fields}")
