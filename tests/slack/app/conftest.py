"""The app with a pretend workspace over the wire, a real store and real desks; only the worker is left out."""

import asyncio
import html
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from adapters.errors import Unavailable
from adapters.local import LocalDesk
from adapters.shared import InProcess
from bot.conversion.catalogue import Catalogue
from bot.conversion.intake import Intake
from bot.conversion.ops import event_op
from bot.conversion.ports import Outcome
from bot.conversion.records import Link, ThreadKey, decode
from bot.sandbox.slack import Answer, SlackServer, Workspace
from bot.sandbox.slack.state import fixed_id
from bot.slack.allowance import Allowance
from bot.slack.app import build_app
from bot.slack.files import Files
from bot.slack.manifest import manifest_text, read
from bot.slack.people import People
from bot.slack.policy import DEFAULT
from bot.slack.submission import typed_in
from bot.slack.threads import SlackThreads
from bot.slack.web import Web
from bot.store.keys import thread_of
from tests.store.conftest import embedded, store

__all__ = ["embedded", "store"]


class MoodyDesk(LocalDesk):
    """A desk that can be down, or take its time until it is let go."""

    def __init__(self, *args):
        super().__init__(*args)
        self.down = False
        self.held = asyncio.Event()
        self.held.set()

    async def _mood(self):
        await self.held.wait()
        if self.down:
            raise Unavailable(self.name, "it does not answer.")

    async def choices(self, which, *, department=None):
        await self._mood()
        return await super().choices(which, department=department)

    async def custom_fields(self, department=None):
        await self._mood()
        return await super().custom_fields(department)

    async def find_by_number(self, number):
        await self._mood()
        return await super().find_by_number(number)

    async def get_ticket(self, ticket):
        await self._mood()
        return await super().get_ticket(ticket)


class Desks:
    def __init__(self, *desks):
        self.desks = {desk.name: desk for desk in desks}

    def get(self, name):
        return self.desks[name]

    def names(self):
        return tuple(self.desks)

    def for_channel(self, channel):
        return next(
            (name for name, desk in self.desks.items() if channel in desk.settings.channels), next(iter(self.desks))
        )


class Door:
    """The way from the pretend workspace into the app, without sockets."""

    def __init__(self, app):
        self.app = app
        self.events = []
        self.interactions = []

    def event(self, body):
        self.events.append(body)

    async def ask(self, kind, payload):
        self.interactions.append(payload)
        got = await self.app.interaction(payload)
        try:
            body = json.loads(got.content) if got.content else None
        except ValueError:
            body = got.content.decode()
        return Answer(status=got.status, body=body, error="" if got.status == 200 else "dispatch_failed")


class Stage:
    """Everything that a test of the app needs."""

    workspace: Workspace
    server: SlackServer

    def __init__(self, *, server, web, store, desks, app):
        self.workspace, self.server, self.web, self.store = server.workspace, server, web, store
        self.desks, self.app, self.door = desks, app, Door(app)
        self.workspace.outlet = self.door
        self.ada, self.ben, self.sid = (fixed_id("U", name) for name in ("ada", "ben", "sid"))
        self.channel, self.closed = (fixed_id("C", name) for name in ("help", "closed"))

    @property
    def team(self):
        return self.workspace.team_id

    @property
    def desk(self):
        return self.desks.get("local")

    async def settled(self):
        """Everything that happens after an answer has happened."""
        await self.app.drain(10)

    def view(self, user):
        views = self.workspace.views_of(user)
        return views[-1] if views else None

    def blocks(self, user):
        return {block.get("block_id"): block for block in self.view(user)["blocks"]}

    def words(self, user):
        return json.dumps(self.view(user)["blocks"], ensure_ascii=False)

    async def ticket(self, text="", *, user="", channel=""):
        return await self.workspace.command(user or self.ada, channel or self.channel, "/ticket", text)

    async def told(self, text, *, user=""):
        """What a command answers, as text, whether at once or later."""
        answer = await self.ticket(text, user=user)
        assert not answer.error
        return answer.body["text"]

    async def refused(self, text, *, user=""):
        """The same of a command that is not done, without what was typed, which it gives back once."""
        words, _, typed = (await self.told(text, user=user)).partition("\nYou wrote:\n")
        assert f"/ticket {text}" == html.unescape(typed)
        return words

    async def shortcut(self, message, callback, *, user="", channel=""):
        who, where = user or self.ada, channel or self.channel
        return await self.workspace.message_shortcut(who, where, message["ts"], callback)

    def values(self, given, user):
        """What is given for inputs by block id, as the pretend workspace takes it."""
        actions = {block: one["element"]["action_id"] for block, one in self.blocks(user).items() if "element" in one}
        return {str(block): {actions[block]: value} for block, value in given.items()}

    async def submit(self, given=None, *, user=""):
        who = user or self.ada
        return await self.workspace.submit(who, self.view(who)["id"], self.values(given or {}, who))

    async def choose(self, block, value, *, user="", filled=None):
        """Choose something in a form that follows it."""
        who = user or self.ada
        action = self.blocks(who)[block]["element"]["action_id"]
        view, values = self.view(who)["id"], self.values(filled or {}, who)
        answer = await self.workspace.press(
            who, view_id=view, block_id=block, action_id=action, value=value, values=values
        )
        await self.settled()
        return answer

    async def suggested(self, block, typed, *, user=""):
        who = user or self.ada
        action = self.blocks(who)[block]["element"]["action_id"]
        found = await self.workspace.suggest(who, self.view(who)["id"], block, action, typed)
        return [one["text"]["text"] for one in found]

    async def whispered(self, user="", channel=""):
        await self.settled()
        return [said["text"] for said in self.workspace.ephemerals(user or self.ada, channel or self.channel)]

    async def accepted(self):
        """The work that waits in all lanes, in the order of each."""
        found = []
        for lease in await self.store.lanes.claim(100):
            head = await self.store.lanes.head(lease)
            while head:
                found.append(decode(head.payload).work)
                head = await self.store.lanes.done(lease, head.id, Outcome())
        return found

    def thread(self, message, channel=""):
        root = message.get("thread_ts") or message["ts"]
        return ThreadKey(team=self.team, channel=channel or self.channel, ts=root)

    async def link(self, message, *, number="1", ticket_id="1", channel="", **more):
        made = Link(
            thread=self.thread(message, channel),
            desk="local",
            ticket_id=ticket_id,
            number=number,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            **more,
        )
        await self.store.links.put(made)
        return made

    async def events(self, name):
        """Give the app all events of one type that Slack sent."""
        for body in [body for body in self.door.events if body["event"]["type"] == name]:
            await self.dispatch(body)

    async def dispatch(self, body):
        """Give the app an event as the worker does: with the ticket of its lane's thread, if it has one."""
        op = event_op(body)
        thread = thread_of(op.lane) if op else ""
        link = await self.store.links.get(ThreadKey.parse(thread)) if thread.count(":") == 2 else None
        follows = await self.app.dispatch(body, link)
        if follows:  # the worker stores it as it finishes the event
            await self.store.lanes.add([follows])

    def typed(self, user=""):
        return typed_in(self.view(user or self.ada))


def people(workspace):
    ids = {}
    for name, real_name, more in (
        ("ada", "Ada Lovelace", {"email": "ada@example.com"}),
        ("ben", "Ben Okri", {"email": "ben@example.com"}),
        ("sid", "Sid Stranger", {"email": "sid@other.example", "stranger": True, "team_id": "T0OTHER"}),
    ):
        ids[name] = workspace.add_person(name, real_name, **more).id
    return ids


@pytest.fixture
def tables(tmp_path):
    """The desks' settings; a test may change them before it asks for the stage."""
    return {"local": {"kind": "local", "path": tmp_path / "desk.sqlite", "title": "Local desk"}}


@pytest.fixture
def rights():
    """The rights of the settings; a test may set others."""
    return DEFAULT


@pytest.fixture
def most():
    """The limits of the settings; none, unless a test sets some."""
    return {}


@pytest.fixture
def requesters():
    """Whom the tickets of a channel are for; a test may name somebody."""
    return {}


@pytest.fixture
async def stage(store, tables, rights, most, requesters):
    manifest = read(manifest_text())
    workspace = Workspace(
        commands=manifest["features"]["slash_commands"],
        shortcuts=manifest["features"]["shortcuts"],
        scopes=manifest["oauth_config"]["scopes"]["bot"],
        events=manifest["settings"]["event_subscriptions"]["bot_events"],
    )
    ids = people(workspace)
    workspace.add_channel("help", ids.values())
    workspace.add_channel("closed", [ids["ada"], ids["ben"]], bot=False)
    server = SlackServer(workspace)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(server.serve())
        web = await stack.enter_async_context(Web(workspace.bot_token, api_url=server.api_url))
        made = [
            MoodyDesk(name, LocalDesk.Settings.model_validate(table), InProcess()) for name, table in tables.items()
        ]
        desks = Desks(*[await stack.enter_async_context(desk) for desk in made])
        catalogue = Catalogue(desks)
        stack.push_async_callback(catalogue.aclose)
        app = build_app(
            web=web,
            identity=await web.identity(),
            intake=Intake(store.lanes, store.links),
            links=store.links,
            lanes=store.lanes,
            desks=desks,
            threads=SlackThreads(web, People(web), Files(web)),
            catalogue=catalogue,
            scratch=store.scratch,
            secret="a signing secret",
            rights=rights,
            requesters=requesters,
            allowance=Allowance(store.scratch, most),
        )
        stack.push_async_callback(app.drain, 5)
        yield Stage(server=server, web=web, store=store, desks=desks, app=app)
