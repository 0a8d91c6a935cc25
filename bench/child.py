"""The processes that are measured, each on one core: `python -m bench.child ROLE`, with a plan in JSON on its input.

It says one line when it is ready."""

import asyncio
import hmac
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop
from typing_extensions import override

from bench.load import SECRET
from bench.measuring import stay_on
from bot.serving import serving
from bot.slack.batch import StoreFirst
from bot.slack.front import OK, Answer, Front, Receive, Scope, Send
from bot.store.store import Store

Plan = dict[str, Any]

SERVER = Path(__file__).parent / "bolt_js" / "server.js"
"""The reference that Node.js runs; `make bench` installs what it needs beside it."""


def say(word: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def until_told() -> asyncio.Event:
    """Set by SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return stop


async def _serve(app: Any) -> None:
    stop = until_told()
    async with serving(app, ws="none") as address:
        say(address)
        await stop.wait()


async def door(plan: Plan) -> None:
    """The product's door on the product's store."""
    from bot.wiring import collect_seldom  # noqa: PLC0415

    async def no_interaction(_: dict[str, Any]) -> Answer:
        return OK

    async with Store.open(plan["redis"]) as store:
        collect_seldom()
        await _serve(Front(SECRET, StoreFirst(store.lanes.add_gathered, no_interaction), once=store.scratch.once))


async def bare(_: Plan) -> None:
    """The least that an ASGI application can do for Slack: verify, parse, answer."""
    secret = SECRET.encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        message = await receive()
        raw = message["body"]
        while message.get("more_body"):
            message = await receive()
            raw += message["body"]
        stamp = headers[b"x-slack-request-timestamp"]
        proof = "v0=" + hmac.digest(secret, b"v0:" + stamp + b":" + raw, "sha256").hex()
        right = hmac.compare_digest(proof.encode(), headers[b"x-slack-signature"])
        if right:
            json.loads(raw)
        start = {"type": "http.response.start", "status": 200 if right else 401, "headers": [(b"content-length", b"0")]}
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    await _serve(app)


async def bolt(plan: Plan) -> None:
    """Bolt for Python with a listener that does nothing."""
    from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler  # noqa: PLC0415
    from slack_bolt.async_app import AsyncApp  # noqa: PLC0415
    from slack_bolt.authorization import AuthorizeResult  # noqa: PLC0415

    us = AuthorizeResult(enterprise_id=None, team_id="T0BENCH01", bot_user_id="U0BOT", bot_id="B0", bot_token="xoxb-0")

    async def authorize() -> AuthorizeResult:
        return us

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=plan["before"])

    @app.event("message")
    async def taken() -> None:
        """Nothing."""

    await _serve(AsyncSlackRequestHandler(app))


async def bolt_command(plan: Plan) -> None:
    """Bolt for Python as its documentation begins: ack, then views.open, with its own client and nothing else."""
    from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler  # noqa: PLC0415
    from slack_bolt.async_app import AsyncAck, AsyncApp  # noqa: PLC0415
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

    app = AsyncApp(signing_secret=plan["secret"], client=AsyncWebClient(plan["token"], base_url=plan["api"]))
    title = {"type": "plain_text", "text": "New ticket"}
    text = {"type": "plain_text", "text": "One moment"}
    view = {"type": "modal", "title": title, "blocks": [{"type": "section", "text": text}]}

    @app.command("/ticket")
    async def opened(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await _serve(AsyncSlackRequestHandler(app))


async def bolt_js(plan: Plan) -> None:
    """Bolt for JavaScript, which takes this process's place; see bench/bolt_js/server.js."""
    os.execvp("node", ["node", str(SERVER), json.dumps({"secret": SECRET, "redis": plan["redis"]})])


async def bot(plan: Plan) -> None:
    """The true bot."""
    from bot.settings import parse  # noqa: PLC0415
    from bot.wiring import run  # noqa: PLC0415

    if not plan.get("paced", True):
        _hurry()
    settings = parse(plan["settings"], plan["environment"], source="bench")
    await run(settings, role=plan["as_role"], stop=until_told(), ready=say)


def _hurry() -> None:
    """Lift our own pace for Slack's reading methods, which would be all that a long thread shows."""
    from bot.slack.limits import CALLS_PER_MINUTE  # noqa: PLC0415

    CALLS_PER_MINUTE.clear()  # of this process alone


async def straight(plan: Plan) -> None:
    """A loop that makes the worker's calls of the desk one after the other and does nothing else."""
    from adapters import registry  # noqa: PLC0415
    from adapters.model import Body, MessageDraft, Person, TicketRef  # noqa: PLC0415
    from adapters.shared import InProcess  # noqa: PLC0415

    table = registry.settings_for("demo", plan["desk"])
    async with registry.make("demo", table, InProcess()) as desk:
        say("ready")
        for number in range(plan["messages"]):
            text = f"No{plan['first'] + number:010d}x {plan['words']}"
            body = Body(plain=text, markdown=text, html=f"<p>{text}</p>")
            author = Person(name="Tom Whitaker", email="tom@kestrel.example")
            ticket = TicketRef(**plan["tickets"][number % len(plan["tickets"])])
            if not desk.reopens:  # such a desk is asked whether the ticket is closed
                await desk.get_ticket(ticket)
            await desk.add_message(
                ticket, MessageDraft(body=body, author=author, marker=f"TL-{plan['first'] + number:012d}")
            )
        await until_told().wait()


async def echo(_: Plan) -> None:
    """No HTTP server at all: an answer for each segment, to learn what the load can do."""

    class Answers(asyncio.Protocol):
        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport

        @override
        def data_received(self, data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    stop = until_told()
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", 0)
    say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await stop.wait()


ROLES: dict[str, Callable[[Plan], Coroutine[Any, Any, None]]] = {
    role.__name__: role for role in (door, bare, bolt, bolt_command, bolt_js, bot, straight, echo)
}


def main(role: str, plan: Plan) -> None:
    """Live as *role* until told otherwise."""
    stay_on(plan["core"])
    if plan.get("loop", "uvloop") == "uvloop":
        uvloop.run(ROLES[role](plan))
    else:
        asyncio.run(ROLES[role](plan))


if __name__ == "__main__":
    main(sys.argv[1], json.load(sys.stdin))
