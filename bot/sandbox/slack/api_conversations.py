"""The Web API's conversations.* methods."""

from typing import Any

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.state import Message, SandboxChannel, copied

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_SCOPE_OF_KIND = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}


def _object(call: Call, channel: SandboxChannel) -> dict[str, Any]:
    state = call.state
    about: dict[str, Any] = {"id": channel.id, "created": channel.created, "is_archived": channel.archived}
    if channel.is_im:
        user = next((member for member in channel.members if member != state.bot_user_id), "")
        return {**about, "is_im": True, "is_org_shared": False, "user": user, "context_team_id": state.team_id}
    outside = state.shared_outside(channel)
    return {
        **about,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.kind == "group",
        "is_im": False,
        "is_mpim": channel.is_mpim,
        "is_private": channel.private,
        "is_general": channel.name == "general",
        "is_shared": outside,
        "is_ext_shared": outside,
        "is_org_shared": False,
        "is_member": channel.bot_in,
        "creator": channel.members[0] if channel.members else "",
        "context_team_id": state.team_id,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


async def _info(call: Call) -> dict[str, Any]:
    channel = call.channel(reading="read")
    shown = _object(call, channel)
    if call.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def _span(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest") or "0", call.text("latest")
    inclusive = call.flag("inclusive")

    def within(message: Message) -> bool:
        ts = message["ts"]
        if inclusive and ts in {oldest, latest}:
            return True
        return float(oldest) < float(ts) and (not latest or float(ts) < float(latest))

    return [message for message in messages if within(message)]


async def _history(call: Call) -> dict[str, Any]:
    channel = call.joined_channel(reading="history")
    limit = min(call.number("limit", 100), call.page_cap)
    newest_first = _span(call, call.state.top_level(channel.id))[::-1]
    part, metadata = call.page(newest_first, limit)
    return _messages(call, part, metadata) | {"pin_count": 0}


async def _replies(call: Call) -> dict[str, Any]:
    """A thread, oldest first. The root comes on every page and whatever ``oldest`` says: callers must expect it."""
    channel = call.joined_channel(reading="history")
    named = call.message(channel, code="thread_not_found")
    limit = min(call.number("limit", 1000), call.page_cap)
    root, *replies = call.state.thread(channel.id, str(named.get("thread_ts", named["ts"]))) or [named]
    part, metadata = call.page(_span(call, replies), max(1, limit - 1))
    return _messages(call, [root, *part], metadata)


def _messages(call: Call, part: list[Message], metadata: dict[str, Any]) -> dict[str, Any]:
    whole = call.flag("include_all_metadata")
    shown = [call.workspace.messages.for_app(copied(message, metadata=whole)) for message in part]
    more = bool(metadata["response_metadata"]["next_cursor"])
    return {"messages": shown, "has_more": more, **(metadata if more else {})}


async def _members(call: Call) -> dict[str, Any]:
    channel = call.channel(reading="read")
    part, metadata = call.page(channel.members, min(call.number("limit", 100), 1000))
    return {"members": part, **metadata}


def _listed(call: Call, *, member: str = "") -> list[SandboxChannel]:
    kinds = []
    for name in (call.text("types") or "public_channel").split(","):
        kind = _KINDS.get(name.strip())
        if kind is None:
            raise SlackError("invalid_types")
        call.allow(_SCOPE_OF_KIND[kind])
        kinds.append(kind)
    hidden = call.flag("exclude_archived")
    return [
        channel
        for channel in call.state.channels.values()
        if channel.kind in kinds
        and not (hidden and channel.archived)
        and (channel.bot_in or not channel.private)
        and (not member or member in channel.members)
    ]


async def _list(call: Call) -> dict[str, Any]:
    part, metadata = call.page(_listed(call), min(call.number("limit", 100), 1000))
    return {"channels": [_object(call, channel) for channel in part], **metadata}


async def _of_user(call: Call) -> dict[str, Any]:
    user = call.text("user") or call.state.bot_user_id
    if user not in call.state.people:
        raise SlackError("user_not_found")
    part, metadata = call.page(_listed(call, member=user), min(call.number("limit", 100), 1000))
    return {"channels": [_object(call, channel) for channel in part], **metadata}


async def _open(call: Call) -> dict[str, Any]:
    users = [name for name in call.text("users").split(",") if name]
    if call.text("channel"):
        channel = call.channel()
    elif not users:
        raise SlackError("users_list_not_supplied")
    elif any(user not in call.state.people for user in users):
        raise SlackError("user_not_found")
    else:
        channel = call.state.direct(*users)
    shown = _object(call, channel) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shown}


async def _join(call: Call) -> dict[str, Any]:
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    if channel.bot_in:
        said = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
        return {"channel": _object(call, channel), **said}
    await call.workspace.join(call.state.bot_user_id, channel.id)
    return {"channel": _object(call, channel)}


METHODS: dict[str, Method] = {
    "conversations.info": method(_info, _READ),
    "conversations.history": method(_history, _HISTORY),
    "conversations.replies": method(_replies, _HISTORY),
    "conversations.members": method(_members, _READ, per_minute=100),
    "conversations.list": method(_list, _READ, per_minute=20),
    "conversations.open": method(_open, ["im:write", "mpim:write"], takes_json=True),
    "conversations.join": method(_join, ["channels:join"], takes_json=True),
    "users.conversations": method(_of_user, _READ),
}
