"""The demo's world: a pretend Slack, a desk to play with, and the page. The true bot is brought by whoever asks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from bot.sandbox.desks.base import AgentDesk, StandIn
from bot.sandbox.desks.local import LocalAgents
from bot.sandbox.page.server import page_app
from bot.sandbox.serving import serving
from bot.sandbox.slack.server import SlackServer
from bot.sandbox.slack.workspace import Workspace

STAND_INS = {
    "whmcs": "bot.sandbox.desks.whmcs:WhmcsStandIn",
    "superoffice_soap": "bot.sandbox.desks.superoffice_soap:SuperOfficeSoapStandIn",
    "superoffice_rest": "bot.sandbox.desks.superoffice_rest:SuperOfficeRestStandIn",
    "keliweb": "bot.sandbox.desks.keliweb:KeliwebStandIn",
}
KINDS = ("local", *STAND_INS)
_FIELDS = [{"key": "asset", "label": "Asset number", "hint": "On its sticker, such as KC-2041", "departments": ["IT"]}]
"""The local desk's custom fields: one, which only one department asks for."""


_FOR_THE_DEMO: dict[str, Any] = {"default": True, "poll": 1.0, "visibility": "public"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What stands around the bot in the demo. ``settings`` is the bot's settings file as a document."""

    workspace: Workspace
    slack: SlackServer
    agents: AgentDesk
    stand_in: StandIn | None
    settings: dict[str, Any]
    environment: dict[str, str]

    @asynccontextmanager
    async def page(self, *, port: int = 0) -> AsyncIterator[str]:
        """Serve the page; gives its address."""
        async with serving(page_app(self.workspace, self.agents), port=port) as address:
            yield address


def stand_in(kind: str) -> StandIn:
    """A new stand-in of a desk's server. Raises KeyError for a kind that has none."""
    module, _, name = STAND_INS[kind].partition(":")
    made = getattr(import_module(module), name)()
    if not isinstance(made, StandIn):
        raise TypeError(f"{STAND_INS[kind]} is no stand-in")
    return made


@asynccontextmanager
async def world(
    kind: str,
    folder: Path,
    *,
    workspace: Workspace,
    delivery: Literal["socket", "http"] = "socket",
    listen: str = "",
) -> AsyncIterator[World]:
    """A pretend Slack and a desk of *kind*, served until the block ends.

    Args:
        kind: ``local``, or a kind that has a stand-in.
        folder: where the bot's data goes.
        workspace: whose Slack it is.
        delivery: how Slack reaches the bot.
        listen: for ``http``, the address and port at which the bot listens.
    """
    request_url = f"http://{listen}/slack/events" if delivery == "http" else ""
    server = SlackServer(workspace, delivery=delivery, request_url=request_url)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.serve())
        agents, other, table = await _desk(stack, kind, folder)
        slack: dict[str, Any] = {"mode": delivery, "api_url": server.api_url}
        if listen:
            slack["listen"] = listen
        yield World(
            workspace=workspace,
            slack=server,
            agents=agents,
            stand_in=other,
            settings={
                "slack": slack,
                "operator": {"listen": ""},
                "redis": {"data_dir": str(folder / "redis")},
                "desks": {"demo": table},
            },
            environment={
                "SLACK_BOT_TOKEN": workspace.bot_token,
                "SLACK_APP_TOKEN": workspace.app_token,
                "SLACK_SIGNING_SECRET": workspace.signing_secret,
            },
        )


async def _desk(stack: AsyncExitStack, kind: str, folder: Path) -> tuple[AgentDesk, StandIn | None, dict[str, Any]]:
    if kind == "local":
        path = folder / "desk.sqlite"
        table = {
            "kind": "local",
            "title": "Local desk",
            "path": str(path),
            "fields": _FIELDS,
            "default": True,
            "poll": 1.0,
        }
        return LocalAgents(path), None, table
    other = stand_in(kind)
    table = await stack.enter_async_context(other.serve())
    return other, other, {"title": other.system, **_FOR_THE_DEMO, **table}
