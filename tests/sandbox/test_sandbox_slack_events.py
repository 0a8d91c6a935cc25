"""Of what the pretend Slack tells the app, and in which words."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from bot.sandbox.serving import serving
from bot.sandbox.slack import SlackServer, Workspace, registered

QUICK: dict[str, Any] = {"scale": 0.0005, "ack_seconds": 0.3}


def ids_of(workspace):
    people = {person.name: person.id for person in workspace.people.values()}
    return people | {channel.name: channel.id for channel in workspace.channels.values()}


class App:
    """An app at a request URL that takes every event."""

    def __init__(self):
        self.bodies = []

    async def __call__(self, scope, receive, send):
        self.bodies.append(json.loads(await Request(scope, receive).body()))
        await Response()(scope, receive, send)


async def told(act, **options):
    """The events that *act* raises, as an app over HTTP gets them."""
    app = App()
    async with serving(app) as address:
        slack = SlackServer(Workspace.demo(**options), delivery="http", request_url=address, **QUICK)
        async with slack.serve():
            await act(slack.workspace, ids_of(slack.workspace))
            await slack.deliveries.idle()
    return [body["event"] for body in app.bodies]


async def test_nothing_is_told_of_channels_without_the_bot():
    async def act(workspace, ids):
        await workspace.post(ids["ben"], ids["it-private"], "secret")
        await workspace.post(ids["ben"], ids["random"], "chat")

    assert [] == await told(act)


@pytest.mark.parametrize("options", [{"scopes": ["chat:write"]}, {"events": ["app_mention"]}])
async def test_nothing_is_told_without_the_scope_or_the_subscription(options):
    async def act(workspace, ids):
        await workspace.post(ids["ben"], ids["it-help"], "hello")

    assert [] == await told(act, **options)


async def test_edits_and_previews_are_changes_and_only_edits_are_edited():
    async def act(workspace, ids):
        message = await workspace.post(ids["eva"], ids["it-help"], "see https://a.example")
        await workspace.unfurl(ids["it-help"], message["ts"], "https://a.example", "A page")
        await workspace.edit(ids["eva"], ids["it-help"], message["ts"], "see nothing")

    _, preview, edit = sorted(await told(act), key=lambda event: event["event_ts"])
    assert ["message_changed"] * 2 == [preview["subtype"], edit["subtype"]]
    assert (False, True) == ("edited" in preview["message"], "edited" in edit["message"])
    assert ("see <https://a.example>", "see nothing") == (edit["previous_message"]["text"], edit["message"]["text"])


async def test_a_deletion_is_told_and_a_root_with_replies_becomes_a_tombstone():
    async def act(workspace, ids):
        root = await workspace.post(ids["eva"], ids["it-help"], "root")
        reply = await workspace.post(ids["eva"], ids["it-help"], "reply", thread_ts=root["ts"])
        await workspace.delete(ids["eva"], ids["it-help"], root["ts"])
        await workspace.delete(ids["eva"], ids["it-help"], reply["ts"])

    root, reply, stone, gone = sorted(await told(act), key=lambda event: event["event_ts"])
    assert (root["ts"], root["user"]) == (reply["thread_ts"], reply["parent_user_id"])
    assert ("message_changed", "tombstone", "root") == (
        stone["subtype"],
        stone["message"]["subtype"],
        stone["previous_message"]["text"],
    )
    assert ("message_deleted", reply["ts"]) == (gone["subtype"], gone["deleted_ts"])


async def test_the_subtypes_of_messages_are_slacks():
    async def act(workspace, ids):
        root = await workspace.post(ids["eva"], ids["it-help"], "root")
        await workspace.post(ids["eva"], ids["it-help"], "/me waves")
        await workspace.post(ids["eva"], ids["it-help"], "look", files=[("a.txt", b"a", "text/plain")])
        await workspace.post(ids["eva"], ids["it-help"], "all", thread_ts=root["ts"], broadcast=True)
        await workspace.post_as_app(ids["it-help"], "Alerts", "disk full")
        await workspace.join(workspace.add_person("new", "New Person").id, ids["it-help"])

    events = [event for event in await told(act, events=["message.channels"]) if event["type"] == "message"]
    by_time = sorted(events, key=lambda event: event["event_ts"])
    kinds = [event.get("subtype") for event in by_time]
    assert [None, "me_message", "file_share", "thread_broadcast", "bot_message", "channel_join"] == kinds
    assert "root" == by_time[3]["root"]["text"]


async def test_reactions_mentions_members_links_and_home_are_told():
    async def act(workspace, ids):
        bot = workspace.people[workspace.bot_user_id].name
        said = await workspace.post(ids["eva"], ids["it-help"], f"@{bot} close https://desk.example/t/1?a=1&b=2")
        await workspace.react(ids["ben"], ids["it-help"], said["ts"], ":ticket:")
        await workspace.invite_bot(ids["random"])
        await workspace.open_home(ids["eva"])

    events = {event["type"]: event for event in await told(act, unfurl_domains=["desk.example"])}
    assert {
        "message",
        "app_mention",
        "link_shared",
        "reaction_added",
        "member_joined_channel",
        "app_home_opened",
    } == set(events)
    assert [{"url": "https://desk.example/t/1?a=1&b=2", "domain": "desk.example"}] == events["link_shared"]["links"]
    assert ("ticket", "home") == (events["reaction_added"]["reaction"], events["app_home_opened"]["tab"])


async def test_a_direct_message_to_the_bot_is_told_as_im():
    async def act(workspace, ids):
        await workspace.post(ids["eva"], await workspace.direct(ids["eva"]), "hello bot")

    assert [("im", "hello bot")] == [(event["channel_type"], event["text"]) for event in await told(act)]


async def test_a_group_message_is_told_as_mpim():
    async def act(workspace, ids):
        await workspace.post(ids["eva"], await workspace.direct(ids["eva"], ids["ben"]), "hello both")

    assert [("mpim", "hello both")] == [(event["channel_type"], event["text"]) for event in await told(act)]


async def test_two_edits_within_a_second_have_the_same_time_of_editing():
    async def act(workspace, ids):
        message = await workspace.post(ids["eva"], ids["it-help"], "one")
        await workspace.edit(ids["eva"], ids["it-help"], message["ts"], "two")
        await workspace.edit(ids["eva"], ids["it-help"], message["ts"], "three")

    _, two, three = sorted(await told(act, clock=lambda: 1_800_000_000.5), key=lambda event: event["event_ts"])
    assert "1800000000.000000" == two["message"]["edited"]["ts"] == three["message"]["edited"]["ts"]
    assert two["event_ts"] != three["event_ts"]


async def test_files_with_somebody_else_and_deleted_files_are_told_as_such():
    async def act(workspace, ids):
        await workspace.post_external_file(ids["eva"], ids["it-help"], "plan", "https://docs.example/plan")
        said = await workspace.post(ids["eva"], ids["it-help"], "x", files=[("a.txt", b"a", "text/plain")])
        await workspace.delete_file(said["files"][0]["id"])
        shown = workspace.history(ids["it-help"])[-1]["files"]
        assert [{"id": said["files"][0]["id"], "mode": "tombstone"}] == shown

    files = [event["files"][0] for event in await told(act, events=["message.channels"])]
    assert (True, "https://docs.example/plan") == (files[0]["is_external"], files[0]["url_private_download"])


async def test_an_app_that_is_taken_out_is_told_and_its_token_is_worth_nothing():
    async def act(workspace, ids):
        await workspace.uninstall()

    assert {"tokens_revoked", "app_uninstalled"} == {event["type"] for event in await told(act)}


def test_a_manifest_says_what_the_app_may_and_gets():
    manifest = {
        "features": {"slash_commands": [{"command": "/t"}], "shortcuts": [{"callback_id": "c", "type": "message"}]},
        "oauth_config": {"scopes": {"bot": ["chat:write"]}},
        "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
    }

    made = Workspace.demo(**registered(manifest))

    assert ({"chat:write"}, {"app_mention"}) == (made.events.scopes, made.events.subscribed)
    assert ("/t", "c") == (made.commands[0]["command"], made.shortcuts[0]["callback_id"])
