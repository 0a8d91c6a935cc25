"""What the page shows of the pretend workspace to one person, as JSON."""

from typing import Any

from bot.sandbox.slack.workspace import Message, SandboxChannel, Workspace

Json = dict[str, Any]
_PERSON = ("id", "name", "real_name", "guest", "stranger", "colour", "title", "bot")


def start(workspace: Workspace) -> Json:
    """What stays the same while the page is open."""
    people = sorted(workspace.people.values(), key=lambda person: person.bot)
    return {
        "workspace": workspace.state.team_name,
        "domain": workspace.state.domain,
        "bot": workspace.bot_user_id,
        "people": [{key: getattr(person, key) for key in _PERSON} for person in people],
        "groups": [{"id": group["id"], "handle": group["handle"]} for group in workspace.state.groups.values()],
        "commands": workspace.commands,
        "shortcuts": workspace.shortcuts,
        "cursor": workspace.changed(0)[0],
    }


def screen(workspace: Workspace, user: str, *, channel: str, thread: str, limit: int) -> Json:
    """Everything that *user* sees now, with the newest *limit* messages of *channel* and all of *thread*."""
    visible = {item.id: item for item in workspace.channels.values() if _visible(item, user)}
    messages: list[Message] = []
    replies: list[Message] = []
    if channel in visible:
        whispers = [{**message, "ephemeral": True} for message in workspace.ephemerals(user, channel)]
        aside = [message for message in whispers if not message.get("thread_ts")]
        messages = _in_order(workspace.history(channel) + aside)
        if thread:
            replies = _in_order(
                workspace.replies(channel, thread) + [item for item in whispers if item.get("thread_ts") == thread]
            )
    return {
        "channels": [_channel(workspace, item, user) for item in visible.values()],
        "messages": messages[-limit:],
        "older": len(messages) > limit,
        "replies": replies,
        "views": workspace.views_of(user),
        "home": workspace.home_of(user),
    }


def _visible(channel: SandboxChannel, user: str) -> bool:
    if channel.archived:
        return False
    return user in channel.members or not (channel.private or channel.is_im)


def _channel(workspace: Workspace, channel: SandboxChannel, user: str) -> Json:
    history = workspace.state.top_level(channel.id)
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "private": channel.private,
        "im": channel.is_im,
        "member": user in channel.members,
        "members": len(channel.members),
        "bot_in": channel.bot_in,
        "latest": history[-1]["ts"] if history else "",
    }


def _in_order(messages: list[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: str(message["ts"]))
