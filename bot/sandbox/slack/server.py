"""Serves a pretend workspace: the Web API, files, response addresses and sockets, with faults on demand."""

from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.serving import serving
from bot.sandbox.slack.api_files import FileTransfers
from bot.sandbox.slack.delivery import Delivery, HttpDelivery
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.outlet import NoApp
from bot.sandbox.slack.rates import Rates, rate_limit
from bot.sandbox.slack.sockets import SocketDelivery
from bot.sandbox.slack.web_api import WebApi
from bot.sandbox.slack.workspace import Workspace


class SlackServer:
    """A workspace over the wire.

    ``delivery`` is how the app is told: ``socket`` (it connects) or ``http`` (signed requests to *request_url*).
    ``scale`` multiplies the waits of Slack's retry schedule. ``deliveries`` is the way to the app: its ``trouble`` and
    ``counts`` are there for tests.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        delivery: Literal["socket", "http"] = "socket",
        request_url: str = "",
        scale: float = 1.0,
        ack_seconds: float = 3.0,
    ) -> None:
        self.workspace = workspace
        self.address = ""
        self.transfers = FileTransfers(workspace)
        self.deliveries: Delivery = (
            SocketDelivery(workspace, scale=scale, ack_seconds=ack_seconds)
            if delivery == "socket"
            else HttpDelivery(workspace, request_url, scale=scale, ack_seconds=ack_seconds)
        )
        connect = self.deliveries.address if isinstance(self.deliveries, SocketDelivery) else str
        self.api = WebApi(workspace, self.transfers, connect)
        self._plans: dict[str, deque[Fault]] = {}
        self._routes = Starlette(
            routes=[
                Route("/api/{method}", self.api.answer, methods=["GET", "POST"]),
                Route("/upload/v1/{token}", self.transfers.receive, methods=["POST"]),
                Route("/files-pri/{path:path}", self.transfers.send, methods=["GET"]),
                Route("/commands/{team}/{number}/{token}", self._respond, methods=["POST"]),
                Route("/actions/{team}/{number}/{token}", self._respond, methods=["POST"]),
                Route("/app/{team}/{number}/{token}", self._respond, methods=["POST"]),
                WebSocketRoute("/link/", self._link),
            ]
        )

    # --- running ---

    @property
    def api_url(self) -> str:
        """The base of the Web API, for ``AsyncWebClient(base_url=...)``."""
        return f"{self.address}/api/"

    @property
    def sockets(self) -> SocketDelivery:
        """The app's connections. Raises TypeError when it is told over HTTP."""
        if isinstance(self.deliveries, SocketDelivery):
            return self.deliveries
        raise TypeError("this workspace delivers over HTTP")

    @property
    def http(self) -> HttpDelivery:
        """The way to the app's request URL. Raises TypeError in Socket Mode."""
        if isinstance(self.deliveries, HttpDelivery):
            return self.deliveries
        raise TypeError("this workspace delivers through sockets")

    @asynccontextmanager
    async def serve(self, *, port: int = 0) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 until the block ends; gives the address."""
        async with serving(self, port=port) as address:
            self.address = address
            self.workspace.state.set_base_url(address)
            self.workspace.outlet = self.deliveries
            try:
                yield address
            finally:
                self.workspace.outlet = NoApp()
                await self.deliveries.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with the fault that is planned for its method."""
        name = str(scope.get("path", "")).removeprefix("/api/")
        plan = self._plans.get(name)
        if scope["type"] == "http" and plan:
            await Faults(self._routes, deque([plan.popleft()]), stall=10.0)(scope, receive, send)
        else:
            await self._routes(scope, receive, send)

    # --- what tests look at and turn ---

    @property
    def calls(self) -> Counter[str]:
        """Calls for each method."""
        return self.api.calls

    @property
    def rates(self) -> Rates:
        """Calls by the minute, and whether those above Slack's tiers are refused."""
        return self.api.rates

    @property
    def scopes(self) -> set[str]:
        """The bot token's scopes; change them in place."""
        return self.workspace.events.scopes

    def fail(self, method: str, error: str, *, times: int = 1) -> None:
        """Let the next calls of *method* be refused with one of Slack's errors."""
        self.api.planned.setdefault(method, deque()).extend(SlackError(error) for _ in range(times))

    def limit_rate(self, method: str, *, retry_after: int = 1, times: int = 1) -> None:
        """Let the next calls of *method* be refused with 429."""
        self.api.planned.setdefault(method, deque()).extend(rate_limit(retry_after) for _ in range(times))

    def break_next(self, method: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next calls of *method* end in *fault*; the path of another route works, too."""
        self._plans.setdefault(method, deque()).extend([fault] * times)

    def lose_answer(self, method: str = "chat.postMessage", *, times: int = 1) -> None:
        """Let the next calls of *method* be carried out, and cut the connection instead of answering."""
        self.break_next(method, Fault.CUT_AFTER, times=times)

    # --- routes ---

    async def _link(self, socket: WebSocket) -> None:
        if isinstance(self.deliveries, SocketDelivery):
            await self.deliveries.serve(socket)
        else:
            await socket.close(4000)

    async def _respond(self, request: Request) -> Response:
        """What an app posts to a response_url."""
        try:
            body = await request.json()
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        try:
            self.workspace.response_urls.use(str(request.path_params["token"]), body)
        except SlackError as error:
            status = error.status if error.status != 200 else 400
            return JSONResponse(error.body(), status)
        return PlainTextResponse("ok")
