"""Fixtures of the Slack room: its HTTP door, what it delivers to, and a pretend workspace over the wire."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from bot.sandbox.slack import SlackServer, Workspace
from bot.slack.front import Front
from bot.slack.web import Web
from tests.slack.doors import NOW, SECRET, Taken


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def front(taken: Taken) -> Front:
    return Front(SECRET, taken, clock=lambda: NOW, budget=0.2)


@dataclass
class Office:
    """A pretend workspace over the wire: Ada and Ben in #help with our app, Guest Gil, and Sid of another company."""

    workspace: Workspace
    server: SlackServer
    web: Web
    ada: str
    ben: str
    gil: str
    sid: str
    channel: str

    @property
    def team(self) -> str:
        return self.workspace.team_id


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    workspace = Workspace()
    ada = workspace.add_person("ada", "Ada Lovelace", email="ada@example.com").id
    ben = workspace.add_person("ben", "Ben Okri", email="ben@example.com").id
    gil = workspace.add_person("gil", "Gil Guest", email="gil@example.com", guest=True).id
    sid = workspace.add_person("sid", "Sid Stranger", email="sid@other.example", stranger=True, team_id="T0OTHER").id
    channel = workspace.add_channel("help", [ada, ben, gil, sid]).id
    server = SlackServer(workspace)
    minutes = itertools.count(0, 60).__next__  # so that no call waits for its turn
    async with server.serve(), Web(workspace.bot_token, api_url=server.api_url, clock=minutes) as web:
        yield Office(workspace, server, web, ada, ben, gil, sid, channel)
