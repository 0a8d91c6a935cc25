"""What a person can do on the page, each as the JSON that the page sends for it."""

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict
from typing_extensions import override

from bot.sandbox.page.uploads import Uploads
from bot.sandbox.slack.workspace import Answer, Workspace

Json = dict[str, Any]
Values = dict[str, dict[str, Any]]


class Act(BaseModel, ABC):
    """Something done; ``do`` does it in the pretend workspace and gives what the page learns of it."""

    model_config = ConfigDict(extra="forbid")

    @abstractmethod
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        """Raises LookupError for what is not there, NotOffered for what Slack does not let this person do."""


def _told(answer: Answer) -> Json:
    return asdict(answer)


class Post(Act):
    """Write a message; ``files`` are ids of uploads."""

    user: str
    channel: str
    text: str
    thread: str = ""
    files: tuple[str, ...] = ()
    broadcast: bool = False

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        files = [(kept.name, kept.content, kept.media_type) for kept in map(uploads.get, self.files)]
        options: Json = {"thread_ts": self.thread, "files": files, "broadcast": self.broadcast}
        return {"ts": (await workspace.post(self.user, self.channel, self.text, **options))["ts"]}


class Edit(Act):
    """Change one's message."""

    user: str
    channel: str
    ts: str
    text: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.edit(self.user, self.channel, self.ts, self.text)
        return {}


class Delete(Act):
    """Delete one's message."""

    user: str
    channel: str
    ts: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.delete(self.user, self.channel, self.ts)
        return {}


class React(Act):
    """Add or take away a reaction."""

    user: str
    channel: str
    ts: str
    emoji: str
    add: bool

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.react(self.user, self.channel, self.ts, self.emoji, add=self.add)
        return {}


class Command(Act):
    """Send a slash command."""

    user: str
    channel: str
    command: str
    text: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return _told(await workspace.command(self.user, self.channel, self.command, self.text))


class MessageShortcut(Act):
    """Choose one of the app's entries in a message's menu."""

    user: str
    channel: str
    ts: str
    callback: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return _told(await workspace.message_shortcut(self.user, self.channel, self.ts, self.callback))


class GlobalShortcut(Act):
    """Choose one of the app's entries in the menu of shortcuts."""

    user: str
    callback: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return _told(await workspace.global_shortcut(self.user, self.callback))


class Press(Act):
    """Use an element of a message (``channel`` and ``ts``), or of a form or App Home (``view``)."""

    user: str
    view: str = ""
    channel: str = ""
    ts: str = ""
    block: str
    action: str
    value: Any = None
    values: Values = {}

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        answer = await workspace.press(
            self.user,
            view_id=self.view,
            channel=self.channel,
            ts=self.ts,
            block_id=self.block,
            action_id=self.action,
            value=await uploads.in_value(self.user, self.value),
            values=await uploads.in_values(self.user, self.values),
        )
        return _told(answer)


class Submit(Act):
    """Send the form on top."""

    user: str
    view: str
    values: Values

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        values = await uploads.in_values(self.user, self.values)
        return _told(await workspace.submit(self.user, self.view, values))


class Close(Act):
    """Close the form on top, or all."""

    user: str
    view: str
    everything: bool = False

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.close(self.user, self.view, everything=self.everything)
        return {}


class Suggest(Act):
    """Ask for the options of an external select."""

    user: str
    view: str
    block: str
    action: str
    typed: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return {"options": await workspace.suggest(self.user, self.view, self.block, self.action, self.typed)}


class Home(Act):
    """Open App Home."""

    user: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.open_home(self.user)
        return {}


class Invite(Act):
    """Invite the bot to a channel."""

    user: str
    channel: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.invite_bot(self.channel)
        return {}


class Join(Act):
    """Join a channel."""

    user: str
    channel: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        await workspace.join(self.user, self.channel)
        return {}


class Direct(Act):
    """Open the direct message with the bot."""

    user: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return {"channel": await workspace.direct(self.user)}


class Permalink(Act):
    """The address of a message."""

    channel: str
    ts: str

    @override
    async def do(self, workspace: Workspace, uploads: Uploads) -> Json:
        return {"link": workspace.state.permalink(self.channel, self.ts)}


ACTS: dict[str, type[Act]] = {
    "post": Post,
    "edit": Edit,
    "delete": Delete,
    "react": React,
    "command": Command,
    "message_shortcut": MessageShortcut,
    "global_shortcut": GlobalShortcut,
    "press": Press,
    "submit": Submit,
    "close": Close,
    "suggest": Suggest,
    "home": Home,
    "invite": Invite,
    "join": Join,
    "direct": Direct,
    "permalink": Permalink,
}
"""The name in the address of each act."""
