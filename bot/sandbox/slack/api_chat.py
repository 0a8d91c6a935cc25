"""The Web API's chat.* and reactions.* methods."""

from typing import Any

from bot.sandbox.slack.calls import Call, Method, method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.posting import MAX_TEXT, bot_message, content
from bot.sandbox.slack.state import Message, SandboxChannel, copied

_MAX_UPDATE = 4000


def _destination(call: Call) -> SandboxChannel:
    """Where a post goes: a channel, or a person's id, which means the direct message with them."""
    target = call.need("channel")
    if target in call.state.people and target != call.state.bot_user_id:
        return call.state.direct(target)
    channel = call.channel()
    if channel.archived:
        raise SlackError("is_archived")
    if not channel.bot_in and "chat:write.public" not in call.workspace.events.scopes:
        raise SlackError("not_in_channel")
    return channel


async def _post(call: Call) -> dict[str, Any]:
    channel = _destination(call)
    fields = content(call.args)
    username, icon = call.text("username"), call.text("icon_emoji") or call.text("icon_url")
    if username or icon:
        call.allow("chat:write.customize")
    root = call.thread(channel)
    message = bot_message(call.state, fields, username=username, icon=icon)
    if root:
        message["thread_ts"] = root
        if call.flag("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    call.workspace.messages.add(channel.id, message)
    answer = {"channel": channel.id, "ts": message["ts"], "message": copied(message)}
    if len(call.text("text")) > MAX_TEXT:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def _own(call: Call, channel: SandboxChannel, code: str) -> Message:
    message = call.message(channel)
    if message.get("bot_id") != call.state.bot_id:
        raise SlackError(code)
    return message


async def _update(call: Call) -> dict[str, Any]:
    """As Slack documents ``blocks``: a text alone takes the blocks away, and only then the message shows as edited."""
    channel = call.channel()
    message = _own(call, channel, "cant_update_message")
    if len(call.text("text")) > _MAX_UPDATE:
        raise SlackError("msg_too_long")
    given = {name: call.structure(name) for name in ("blocks", "attachments", "metadata")}
    emptied = [name for name in ("blocks", "attachments", "metadata") if given[name] in ([], {})]
    if not call.text("text") and not any(value is not None for value in given.values()):
        raise SlackError("no_text")
    kept = {} if call.text("text") or given["blocks"] is not None else {"blocks": message.get("blocks")}
    fields = content({**kept, **call.args})
    if not call.text("text"):
        fields["text"] = message["text"]
    if "blocks" not in fields:
        emptied.append("blocks")
    if "blocks" not in fields or call.text("text") == "":
        stamp = call.state.stamp(int(call.state.clock()) * 1_000_000)
        fields["edited"] = {"user": call.state.bot_user_id, "ts": stamp}
    changed = call.workspace.messages.change(channel.id, message["ts"], fields, gone=tuple(emptied))
    return {"channel": channel.id, "ts": message["ts"], "text": changed["text"], "message": copied(changed)}


async def _delete(call: Call) -> dict[str, Any]:
    channel = call.channel()
    message = _own(call, channel, "cant_delete_message")
    call.workspace.messages.remove(channel.id, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


async def _whisper(call: Call) -> dict[str, Any]:
    channel, user = call.joined_channel(), call.need("user")
    if user not in call.state.people:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    message = bot_message(call.state, content(call.args))
    if root := call.thread(channel):
        message["thread_ts"] = root
    call.workspace.response_urls.whisper(user, channel.id, message)
    return {"message_ts": message["ts"]}


async def _permalink(call: Call) -> dict[str, Any]:
    channel = call.channel()
    message = call.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": call.state.permalink(channel.id, message["ts"])}


async def _unfurl(call: Call) -> dict[str, Any]:
    """Attach previews; the message then changes without being ``edited``."""
    channel_id, ts = call.text("channel"), call.text("ts")
    if call.text("unfurl_id"):
        if call.text("source") not in {"composer", "conversations_history"}:
            raise SlackError("missing_source" if not call.text("source") else "invalid_source")
        channel_id, _, ts = call.text("unfurl_id").partition("-")
    message = call.state.messages.get(channel_id, {}).get(ts)
    if message is None:
        raise SlackError("cannot_unfurl_message")
    unfurls = call.structure("unfurls")
    if not isinstance(unfurls, dict) or not unfurls:
        raise SlackError("missing_unfurls")
    for url, preview in unfurls.items():
        if not isinstance(preview, dict):
            raise SlackError("invalid_unfurls_format")
        if not call.workspace.events.registered(url) or url.replace("&", "&amp;") not in message["text"]:
            raise SlackError("cannot_unfurl_url")
    previews = [{**preview, "from_url": url, "app_unfurl_url": url} for url, preview in unfurls.items()]
    checked = content({"text": "x", "attachments": previews})["attachments"]
    call.workspace.messages.change(channel_id, ts, {"attachments": checked})
    return {}


async def _react(call: Call, *, add: bool) -> dict[str, Any]:
    channel = call.joined_channel()
    name = call.need("name").strip(":")
    message = call.message(channel, "timestamp")
    if not call.workspace.messages.react(call.state.bot_user_id, channel.id, message["ts"], name, add=add):
        raise SlackError("already_reacted" if add else "no_reaction")
    return {}


async def _add_reaction(call: Call) -> dict[str, Any]:
    return await _react(call, add=True)


async def _remove_reaction(call: Call) -> dict[str, Any]:
    return await _react(call, add=False)


async def _reactions(call: Call) -> dict[str, Any]:
    channel = call.joined_channel()
    return {"type": "message", "channel": channel.id, "message": copied(call.message(channel, "timestamp"))}


METHODS: dict[str, Method] = {
    "chat.postMessage": method(_post, ["chat:write"], per_minute=300, takes_json=True),
    "chat.update": method(_update, ["chat:write"], per_minute=50, takes_json=True),
    "chat.delete": method(_delete, ["chat:write"], per_minute=50, takes_json=True),
    "chat.postEphemeral": method(_whisper, ["chat:write"], per_minute=100, takes_json=True),
    "chat.getPermalink": method(_permalink, per_minute=600),
    "chat.unfurl": method(_unfurl, ["links:write"], per_minute=50, takes_json=True),
    "reactions.add": method(_add_reaction, ["reactions:write"], per_minute=50, takes_json=True),
    "reactions.remove": method(_remove_reaction, ["reactions:write"], per_minute=20, takes_json=True),
    "reactions.get": method(_reactions, ["reactions:read"], per_minute=50),
}
