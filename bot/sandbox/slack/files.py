"""Files: Slack's file object, where a file is shared, and the links by which it is fetched."""

from typing import Any

from bot.sandbox.slack.state import Message, SandboxChannel, SandboxFile, State, fresh_id

_PRETTY = {"txt": ("text", "Plain Text"), "jpeg": ("jpg", "JPEG"), "yml": ("yaml", "YAML")}
LOGIN_PAGE = """<!DOCTYPE html><html lang="en"><head><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1><form action="/signin"><input type="email" name="email"></form></body></html>"""
"""What Slack answers, with status 200, to a download without a good token."""


def new_file(state: State, user: str, name: str, content: bytes, *, media_type: str, title: str = "") -> SandboxFile:
    """Keep a file that nobody sees yet."""
    file_id = fresh_id("F")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    filetype, pretty = _PRETTY.get(extension, (extension or "binary", extension.upper() or "Binary"))
    path = f"{state.base_url}/files-pri/{state.team_id}-{file_id}"
    now = int(state.clock())
    info: dict[str, Any] = {
        "id": file_id,
        "created": now,
        "timestamp": now,
        "name": name,
        "title": title or name,
        "mimetype": media_type,
        "filetype": filetype,
        "pretty_type": pretty,
        "user": user,
        "user_team": state.people[user].team_id,
        "editable": False,
        "size": len(content),
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{path}/{_url_name(name)}",
        "url_private_download": f"{path}/download/{_url_name(name)}",
        "permalink": f"https://{state.domain}.slack.com/files/{user}/{file_id}/{_url_name(name)}",
        "is_starred": False,
        "has_rich_preview": False,
        "file_access": "visible",
        "shares": {},
        "channels": [],
        "groups": [],
        "ims": [],
    }
    kept = state.files[file_id] = SandboxFile(info=info, content=content)
    return kept


def external_file(state: State, user: str, name: str, url: str) -> SandboxFile:
    """A file that lies with somebody else: its "private" address is on another host."""
    kept = new_file(state, user, name, b"", media_type="text/plain")
    kept.info.update(
        is_external=True, mode="external", external_type="gdrive", url_private=url, url_private_download=url
    )
    return kept


def share_file(state: State, file_id: str, channel: SandboxChannel, message: Message) -> None:
    """Note that a message shows a file."""
    info = state.files[file_id].info
    listed = {"channel": "channels", "group": "groups", "mpim": "groups", "im": "ims"}[channel.kind]
    if channel.id not in info[listed]:
        info[listed].append(channel.id)
    info["is_public"] = info["is_public"] or channel.kind == "channel"
    share = {"ts": message["ts"], "channel_name": channel.name, "team_id": state.team_id}
    share |= {"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}
    where = info["shares"].setdefault("private" if channel.private else "public", {})
    where.setdefault(channel.id, []).append(share)


def remove_file(state: State, file_id: str) -> list[tuple[str, str]]:
    """Delete a file: messages keep a tombstone of it. Gives channel and timestamp of those messages."""
    info = state.files.pop(file_id).info
    shown = [
        (channel, share["ts"])
        for where in info["shares"].values()
        for channel, shares in where.items()
        for share in shares
    ]
    info.clear()
    info.update(id=file_id, mode="tombstone")
    return shown


def _url_name(name: str) -> str:
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name.lower())
