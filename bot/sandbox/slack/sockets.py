"""Socket Mode: connections, envelopes and acknowledgements (docs.slack.dev/apis/events-api/using-socket-mode)."""

import asyncio
import contextlib
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from typing_extensions import override

from bot.sandbox.slack.delivery import Delivery
from bot.sandbox.slack.outlet import Answer, Kind

_MAX_CONNECTIONS = 10
_ANSWERED_IN_ENVELOPE = frozenset({"view_submission", "block_suggestion"})


@dataclass(eq=False)
class _Connection:
    socket: WebSocket
    id: str = field(default_factory=lambda: secrets.token_hex(4))


class SocketDelivery(Delivery):
    """Envelopes to any one of the app's connections.

    ``cross_acks``: an acknowledgement counts on whichever connection it comes.
    ``approximate_connection_seconds`` is told in hello.
    """

    cross_acks = True
    approximate_connection_seconds = 3600

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections: list[_Connection] = []
        self._tickets: set[str] = set()
        self._waiting: dict[str, tuple[_Connection, asyncio.Future[Any]]] = {}
        self._turn = 0
        self._news = asyncio.Condition()

    # --- connections ---

    def address(self) -> str:
        """A new address for one connection, as ``apps.connections.open`` gives it."""
        ticket = str(uuid.uuid4())
        self._tickets.add(ticket)
        base = self.workspace.state.base_url.replace("http", "ws", 1)
        return f"{base}/link/?ticket={ticket}&app_id={self.workspace.app_id}"

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection until either side ends it."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(4001)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        connection = _Connection(socket)
        if len(self.connections) >= _MAX_CONNECTIONS:
            await self._say_disconnect(connection, "too_many_websockets")
            await socket.close()
            return
        self.connections.append(connection)
        try:
            await socket.send_json(self._hello())
            async with self._news:
                self._news.notify_all()
            while True:
                self._acknowledge(connection, await socket.receive_text())
        except WebSocketDisconnect:
            pass  # the app went away, which is its right
        finally:
            if connection in self.connections:
                self.connections.remove(connection)

    async def disconnect(self, reason: str = "refresh_requested", *, everyone: bool = True) -> None:
        """Tell the app to reconnect (``warning``, ``refresh_requested``, ``link_disabled``).

        A warning only announces; after the others the connection takes no more work and is closed soon after.
        """
        chosen = list(self.connections) if everyone else self.connections[:1]
        for connection in chosen:
            await self._say_disconnect(connection, reason)
            if reason != "warning":
                self.connections.remove(connection)
                self._keep(asyncio.create_task(self._close_soon(connection)))

    async def cut(self) -> None:
        """Break every connection without a word."""
        for connection in list(self.connections):
            self.connections.remove(connection)
            await _end(connection, 1011)

    @override
    async def stop(self) -> None:
        await super().stop()
        await self.cut()

    async def connected(self, at_least: int = 1) -> None:
        """Wait until the app has so many connections."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.connections) >= at_least)

    # --- envelopes ---

    @override
    async def attempt(self, body: dict[str, Any], number: int, reason: str) -> tuple[str, bool]:
        retry = {"retry_attempt": number, "retry_reason": "timeout" if number else ""}
        acknowledged, _, why = await self._exchange("events_api", body, accepts=False, more=retry)
        return ("" if acknowledged else why), False

    @override
    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        accepts = kind == "slash_commands" or payload.get("type") in _ANSWERED_IN_ENVELOPE
        acknowledged, answer, why = await self._exchange(kind, payload, accepts=accepts, more={})
        if not acknowledged:
            return Answer(status=0, error="operation_timeout" if why == "timeout" else "dispatch_failed")
        return Answer(body=answer if accepts else None)

    async def _exchange(
        self, kind: str, payload: dict[str, Any], *, accepts: bool, more: dict[str, Any]
    ) -> tuple[bool, Any, str]:
        """Send an envelope; gives whether it was acknowledged, with what payload, and else why not."""
        if not self.connections:
            return False, None, "connection_failed"
        self._turn += 1
        connection = self.connections[self._turn % len(self.connections)]
        envelope_id = str(uuid.uuid4())
        envelope = {"envelope_id": envelope_id, "payload": payload, "type": kind, "accepts_response_payload": accepts}
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = (connection, waiting)
        try:
            await connection.socket.send_text(json.dumps({**envelope, **more}))
            return True, await asyncio.wait_for(waiting, self.ack_seconds), ""
        except TimeoutError:
            return False, None, "timeout"
        except (RuntimeError, WebSocketDisconnect):
            return False, None, "connection_failed"
        finally:
            del self._waiting[envelope_id]

    def _acknowledge(self, connection: _Connection, raw: str) -> None:
        try:
            said = json.loads(raw)
        except ValueError:
            self.counts["nonsense"] += 1
            return
        on, waiting = self._waiting.get(said.get("envelope_id", ""), (None, None))
        if waiting is None or waiting.done() or (on is not connection and not self.cross_acks):
            self.counts["late acks"] += 1
            return
        waiting.set_result(said.get("payload"))

    def _hello(self) -> dict[str, Any]:
        about = {"host": "applink-sandbox-1", "build_number": 1}
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {**about, "approximate_connection_time": self.approximate_connection_seconds},
            "connection_info": {"app_id": self.workspace.app_id},
        }

    async def _say_disconnect(self, connection: _Connection, reason: str) -> None:
        said = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox-1"}}
        await connection.socket.send_json(said)

    async def _close_soon(self, connection: _Connection) -> None:
        await asyncio.sleep(0.5)
        await _end(connection, 1000)


async def _end(connection: _Connection, code: int) -> None:
    """Close a connection, which the app may have closed already."""
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await connection.socket.close(code)
