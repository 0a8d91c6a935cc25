"""Both doors against the pretend Slack: events arrive though the store was away, and nothing is kept twice."""

from contextlib import AsyncExitStack

import pytest

from bot.conversion.ports import Added, StoreAway
from bot.sandbox.serving import serving
from bot.sandbox.slack import SlackServer, Workspace
from bot.slack.batch import StoreFirst
from bot.slack.front import Answer, Front
from bot.slack.socket import SocketMode
from bot.slack.web import Web
from tests.slack.doors import NOW, SECRET, post_json


class Store:
    """Keeps operations by identity, as the lanes do; away for a number of calls."""

    def __init__(self):
        self.kept = {}
        self.away = 0

    async def add(self, ops):
        if self.away:
            self.away -= 1
            raise StoreAway
        answers = [Added.DUPLICATE if op.id in self.kept else Added.ADDED for op in ops]
        self.kept |= {op.id: op for op in ops}
        return answers


async def greet(body):
    return Answer(200, {"content-type": "application/json"}, b'{"text":"hello %s"}' % body["text"].encode())


class Talk:
    def __init__(self, workspace, server):
        self.workspace, self.server = workspace, server
        self.ada = workspace.add_person("ada", "Ada Lovelace").id
        self.channel = workspace.add_channel("help", [self.ada]).id


@pytest.fixture(params=["http", "socket"])
async def talk(request):
    """The pretend Slack with one of our doors open to it."""
    workspace, store = Workspace(commands=[{"command": "/ticket", "description": "x"}]), Store()
    deliver = StoreFirst(store.add, greet)
    async with AsyncExitStack() as stack:
        if request.param == "http":
            address = await stack.enter_async_context(serving(Front(workspace.signing_secret, deliver)))
            server = SlackServer(workspace, delivery="http", request_url=address + "/slack/events", scale=0.001)
            await stack.enter_async_context(server.serve())
        else:
            server = SlackServer(workspace, scale=0.001, ack_seconds=0.3)
            await stack.enter_async_context(server.serve())
            web = await stack.enter_async_context(Web(workspace.bot_token, api_url=server.api_url))
            socket = SocketMode(workspace.app_token, web, deliver)
            await socket.start()
            stack.push_async_callback(socket.stop, 1)
        yield Talk(workspace, server), store


async def test_an_event_arrives_although_the_store_was_away_twice(talk):
    slack, store = talk
    store.away = 2
    posted = await slack.workspace.post(slack.ada, slack.channel, "hello")
    await slack.server.deliveries.idle()

    assert [posted["ts"]] == [name.rpartition(":")[2] for name in store.kept if ":msg:" in f":{name}"]
    assert [] == slack.server.deliveries.given_up


async def test_events_that_come_twice_or_in_another_order_are_kept_once(talk):
    slack, store = talk
    slack.server.deliveries.trouble.duplicate = 3
    slack.server.deliveries.trouble.reorder = True
    posted = [(await slack.workspace.post(slack.ada, slack.channel, str(n)))["ts"] for n in range(20)]
    await slack.server.deliveries.idle()

    messages = sorted(op.order for name, op in store.kept.items() if ":msg:" in f":{name}")
    assert [int(ts.replace(".", "")) for ts in posted] == messages


async def test_a_command_is_answered_whatever_words_it_holds(talk):
    slack, _ = talk
    answer = await slack.workspace.command(slack.ada, slack.channel, "/ticket", "API payload=too large & more")

    assert {"text": "hello API payload=too large & more"} == answer.body
    assert "" == answer.error


async def test_an_event_that_nobody_can_read_is_left_out_and_not_sent_for_ever():
    store = Store()
    front = Front(SECRET, StoreFirst(store.add, greet), clock=lambda: NOW)
    event = {"type": "message", "subtype": "message_changed", "message": "text"}

    assert 200 == (await post_json(front, {"type": "event_callback", "event": event})).status
    assert {} == store.kept


async def test_slacks_word_that_it_held_events_back_starts_a_search():
    asked = []

    async def held_back():
        asked.append(1)

    front = Front(SECRET, StoreFirst(Store().add, greet, held_back=held_back), clock=lambda: NOW)
    await post_json(front, {"type": "app_rate_limited", "team_id": "T1"})

    assert [1] == asked
