"""Which events the app gets, and what they look like on the wire (docs.slack.dev/apis/events-api)."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.slack.outlet import NoApp, Outlet
from bot.sandbox.slack.state import SandboxChannel, State, fresh_id

_OF_KIND = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}

EVENT_SCOPES: dict[str, frozenset[str]] = {
    "message.channels": frozenset({"channels:history"}),
    "message.groups": frozenset({"groups:history"}),
    "message.im": frozenset({"im:history"}),
    "message.mpim": frozenset({"mpim:history"}),
    "app_mention": frozenset({"app_mentions:read"}),
    "app_home_opened": frozenset(),
    "app_uninstalled": frozenset(),
    "tokens_revoked": frozenset(),
    "reaction_added": frozenset({"reactions:read"}),
    "reaction_removed": frozenset({"reactions:read"}),
    "member_joined_channel": frozenset({"channels:read", "groups:read"}),
    "member_left_channel": frozenset({"channels:read", "groups:read"}),
    "channel_archive": frozenset({"channels:read"}),
    "channel_rename": frozenset({"channels:read"}),
    "link_shared": frozenset({"links:read"}),
    "file_shared": frozenset({"files:read"}),
    "user_change": frozenset({"users:read"}),
    "team_join": frozenset({"users:read"}),
}
"""Every event that the sandbox can raise, and the scopes of which one is needed."""

BOT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "chat:write.customize",
        "chat:write.public",
        "commands",
        "emoji:read",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "links:read",
        "links:write",
        "metadata.message:read",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)
"""The bot scopes that the sandbox knows."""


class Events:
    """Raises events for the app, where its membership, scopes and subscriptions let it have them."""

    def __init__(
        self, state: State, *, scopes: Iterable[str] | None, subscribed: Iterable[str] | None, domains: Sequence[str]
    ) -> None:
        self.state = state
        self.scopes: set[str] = set(BOT_SCOPES if scopes is None else scopes)
        self.subscribed: set[str] = set(EVENT_SCOPES if subscribed is None else subscribed)
        self.domains = tuple(domains)
        self.outlet: Outlet = NoApp()

    def registered(self, url: str) -> str:
        """The app's domain that an address belongs to; empty where it belongs to none."""
        host = urlsplit(url).hostname or ""
        return next((one for one in self.domains if host == one or host.endswith(f".{one}")), "")

    def emit(self, name: str, event: dict[str, Any], *, channel: SandboxChannel | None = None) -> None:
        """Raise *event* as *name* says; *channel* is where it happened, if it happened in one."""
        needed = EVENT_SCOPES[name]
        if name in self.subscribed and (not needed or needed & self.scopes):
            self.tell(event, channel=channel)

    def tell(self, event: dict[str, Any], *, channel: SandboxChannel | None = None) -> None:
        """Raise an event that needs no subscription."""
        self.outlet.event(self._body(event, channel))

    def message(self, channel: SandboxChannel, event: dict[str, Any]) -> None:
        """Raise a message event, if the bot is a member."""
        if channel.bot_in:
            said = {"type": "message", **event, "channel": channel.id, "channel_type": channel.kind}
            self.emit(f"message.{_OF_KIND[channel.kind]}", said)

    def _body(self, event: dict[str, Any], channel: SandboxChannel | None) -> dict[str, Any]:
        state = self.state
        if channel is None and "channel" in event:
            channel = state.channels.get(str(event["channel"]))
        return {
            "token": "sandbox-verification-token",
            "team_id": state.team_id,
            "context_team_id": state.team_id,
            "context_enterprise_id": None,
            "api_app_id": state.app_id,
            "event": {**event, "event_ts": event.get("event_ts") or state.new_ts()},
            "type": "event_callback",
            "event_id": fresh_id("Ev"),
            "event_time": int(state.clock()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": state.team_id,
                    "user_id": state.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": channel is not None and state.shared_outside(channel),
            "event_context": "4-" + fresh_id("EC"),
        }
