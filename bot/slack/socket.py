"""The door for Socket Mode: connections that Slack sends through, acknowledged only for what is stored or done."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from typing_extensions import override

from bot.conversion.ports import SlackRefused, SlackTrouble
from bot.slack.body import clean, is_too_deep
from bot.slack.front import Answer, Deliver, Interactions, is_event, store_event
from bot.slack.limits import ANSWER
from bot.slack.web import Web

log = logging.getLogger(__name__)

Reconnected = Callable[[], Awaitable[None]]

_SDK: Final = logging.getLogger(f"{__name__}.sdk")
_SDK.setLevel(logging.CRITICAL + 1)  # it logs whole messages, and addresses that hold a ticket for the connection
_WATCH: Final = 5.0
_STRIKES: Final = 3
_HANDSHAKE: Final = 8.0
"""Seconds; after ten the SDK would try the same address again, which Slack takes once."""
_LONGEST_WAIT: Final = 60.0


class SocketMode:
    """Connections to Slack by Socket Mode.

    Args:
        app_token: the app-level token (xapp-).
        web: calls, whose API address is used.
        deliver: where envelopes go.
        connections: how many to hold; with two, one goes on while Slack renews the other. They are opened a minute
            apart, since Slack takes one apps.connections.open a minute.
        on_reconnect: called after a connection was renewed, because something may have been missed.
        watch: seconds between looks at the connections.
        budget: seconds within which a person gets an answer.
    """

    def __init__(
        self,
        app_token: str,
        web: Web,
        deliver: Deliver,
        *,
        connections: int = 1,
        on_reconnect: Reconnected | None = None,
        watch: float = _WATCH,
        budget: float = ANSWER,
    ) -> None:
        self._app_token = app_token
        self._web = web
        self._deliver = deliver
        self._interactions = Interactions(deliver, budget=budget)
        self._on_reconnect = on_reconnect
        self._watch = watch
        self._count = connections
        self._clients: list[_Client] = []
        self._strikes: list[int] = []
        self._in_hand: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()
        self._is_away = False

    async def start(self) -> None:
        """Open the first connection; `run` adds the others. It waits where one was opened less than a minute ago.

        Raises:
            SlackRefused: Slack does not let us, with words for the operator.
            SlackTrouble: Slack cannot be reached just now.
        """
        while not self._clients:
            try:
                self._clients.append(await self._connect())
            except SlackTrouble as trouble:
                if trouble.code != "ratelimited":
                    raise
                log.info("Slack wants a minute between two connections; waiting")
                await asyncio.sleep(self._watch)
        self._strikes.append(0)

    async def run(self) -> None:
        """Keep the connections until `stop`. Call `start` first.

        Raises:
            SlackRefused: Slack does not let us in any more, with words for the operator.
        """
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), self._watch)
            except TimeoutError:
                await self._look()
                self._say_once(away=not await self.is_connected())

    async def is_connected(self) -> bool:
        """Whether at least one connection stands."""
        return any([await client.is_connected() for client in self._clients])

    async def stop(self, seconds: float = 10.0) -> None:
        """Take nothing more in, finish for up to *seconds* what is in hand, and close the connections."""
        self._stopping.set()
        if self._in_hand:
            await asyncio.wait(set(self._in_hand), timeout=seconds)
        await self._interactions.drain(seconds)
        for client in self._clients:
            await client.close()
        self._clients.clear()

    # --- connections ---

    async def _connect(self) -> "_Client":
        client = _Client(self._app_token, self._web, self._renewed)
        client.socket_mode_request_listeners.append(self._receive)
        try:
            client.wss_uri = await client.issue_new_wss_url()
            async with asyncio.timeout(_HANDSHAKE):
                await client.connect()
        except TimeoutError as error:
            await client.close()
            raise SlackTrouble("socket") from error
        except BaseException:
            await client.close()
            raise
        return client

    async def _look(self) -> None:
        """Replace a connection that stays away although the SDK tries; it may try an address that is used up."""
        for number, client in enumerate(self._clients):
            if client.refused is not None:
                raise client.refused
            self._strikes[number] = 0 if await client.is_connected() else self._strikes[number] + 1
            if self._strikes[number] >= _STRIKES:
                await self._replace(number)
        if len(self._clients) < self._count and (another := await self._another()):
            self._clients.append(another)
            self._strikes.append(0)

    def _say_once(self, *, away: bool) -> None:
        """Say in the log when no connection stood any more, and when one did again."""
        if away and not self._is_away:
            log.warning("no connection to Slack stands, so nothing arrives; it is opened again by itself")
        elif self._is_away and not away:
            log.warning("a connection to Slack stands again")
        self._is_away = away

    async def _replace(self, number: int) -> None:
        if (renewed := await self._another()) is None:
            return
        log.warning("a connection to Slack did not come back; another was opened")
        old, self._clients[number], self._strikes[number] = self._clients[number], renewed, 0
        await old.close()
        self._renewed()

    async def _another(self) -> "_Client | None":
        """A new connection; None where Slack does not give one now."""
        try:
            client = await self._connect()
        except SlackTrouble as trouble:
            _say_why(trouble)
            return None
        if self._stopping.is_set():  # nobody would close it
            await client.close()
            return None
        return client

    def _renewed(self) -> None:
        """Tell of the gap, in a task of its own: the SDK cancels the one in which it renews a broken connection."""
        if self._on_reconnect is not None and not self._stopping.is_set():
            self._hold(asyncio.create_task(_told(self._on_reconnect)))

    def _hold(self, task: asyncio.Task[Any]) -> None:
        """Have `stop` wait for *task*."""
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)

    # --- envelopes ---

    async def _receive(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one envelope; without an answer Slack sends it again."""
        if self._stopping.is_set():
            return
        task = asyncio.current_task()
        if task is not None:
            self._hold(task)
        if is_too_deep(request.payload):
            log.error("an envelope was nested too deeply and was dropped")
            return
        body: dict[str, Any] = clean(request.payload)
        payload: dict[str, Any] | None = None
        if is_event(body):
            if not await store_event(self._deliver, body, request.retry_attempt or 0):
                return
        else:
            answer = await self._interactions.answer(body)
            if answer.status >= 400:  # noqa: PLR2004
                return
            payload = _payload(answer)
        try:
            await client.send_socket_mode_response(_response(request.envelope_id, payload))
        except (OSError, RuntimeError, AttributeError) as error:  # the connection went, or was never there
            log.warning("an acknowledgement did not get out, Slack will send again: %s", type(error).__name__)


def _say_why(trouble: SlackTrouble) -> None:
    """Say in the log why Slack gives no connection, unless it is too early for the next."""
    if trouble.code != "ratelimited":
        log.warning("Slack cannot be reached: %s", trouble.code)


async def _told(work: Reconnected) -> None:
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - nobody waits for this task, so its end is told here
        log.warning("what was missed meanwhile is looked for later: %s", type(error).__name__)


def _response(envelope: str, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"envelope_id": envelope} if payload is None else {"envelope_id": envelope, "payload": payload}


def _payload(answer: Answer) -> dict[str, Any] | None:
    """What an answer says, as an envelope carries it."""
    if not answer.content:
        return None
    kinds = [value for name, value in answer.headers.items() if name.lower() == "content-type"]
    if kinds and "json" in kinds[0]:
        value = json.loads(answer.content)
        return value if isinstance(value, dict) else None
    return {"text": answer.content.decode()}


class _Client(SocketModeClient):
    """The SDK's connection, which asks for addresses through `Web` and tells when it was renewed."""

    def __init__(self, app_token: str, web: Web, renewed: Callable[[], None]) -> None:
        super().__init__(app_token, logger=_SDK, web_client=web.client, proxy=web.proxy)
        self.proxy = web.proxy
        self.refused: SlackRefused | None = None
        self._calls = web
        self._renewed = renewed
        self._connects = 0

    @override
    async def issue_new_wss_url(self) -> str:
        wait = 1.0
        while True:
            try:
                answer = await self._calls.call("apps.connections.open", token=self.app_token)
            except SlackRefused as refused:
                self.refused = refused
                raise
            except SlackTrouble as trouble:
                if self._connects == 0 or self.closed:
                    raise
                _say_why(trouble)
                wait = trouble.retry_after.total_seconds() if trouble.retry_after else min(wait * 2, _LONGEST_WAIT)
                await asyncio.sleep(wait)
                if self.closed:
                    raise
            else:
                return str(answer.get("url", ""))

    @override
    async def connect(self) -> None:
        await super().connect()  # type: ignore[no-untyped-call]  # the SDK leaves it without types
        self._connects += 1
        if self._connects > 1 and not self.closed:
            self._renewed()

    @override
    async def close(self) -> None:
        await super().close()  # type: ignore[no-untyped-call]  # the SDK leaves it without types
