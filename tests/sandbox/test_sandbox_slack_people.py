"""What the pretend Slack's Web API tells of people, channels and itself, driven by the real client."""

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackServer, Workspace


@pytest.fixture
async def slack():
    server = SlackServer(Workspace.demo())
    async with server.serve():
        yield server


@pytest.fixture
def client(slack):
    return AsyncWebClient(token=slack.workspace.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def ids(slack):
    people = {person.name: person.id for person in slack.workspace.people.values()}
    return people | {channel.name: channel.id for channel in slack.workspace.channels.values()}


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_lists_come_in_pages_to_their_end(client, ids):
    found, cursor = [], ""
    while True:
        page = await client.conversations_members(channel=ids["it-help"], limit=2, cursor=cursor)
        found += page["members"]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break

    assert {ids[name] for name in ("eva", "ben", "mira", "tom", "gus", "ines", "threadline")} == set(found)


async def test_members_of_the_workspace_are_listed_without_strangers(client):
    names = {user["name"] for user in (await client.users_list())["members"]}

    assert {"threadline", "eva", "ben", "mira", "tom", "gus"} == names


async def test_private_channels_are_listed_only_with_the_bot_in_them(slack, client, ids):
    before = (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    await slack.workspace.invite_bot(ids["it-private"])
    after = (await client.conversations_list(types="private_channel"))["channels"]
    mine = (await client.users_conversations(types="public_channel,private_channel"))["channels"]

    assert {"general", "it-help", "random"} == {channel["name"] for channel in before}
    assert [("it-private", True)] == [(channel["name"], channel["is_member"]) for channel in after]
    assert {"general", "it-help", "it-private"} == {channel["name"] for channel in mine}


async def test_a_channel_with_a_stranger_is_shared_outside(client, ids):
    shared = await client.conversations_info(channel=ids["it-help"], include_num_members=True)
    own = await client.conversations_info(channel=ids["general"])

    assert (True, 7, False) == (
        shared["channel"]["is_ext_shared"],
        shared["channel"]["num_members"],
        own["channel"]["is_ext_shared"],
    )


@pytest.mark.parametrize(
    ("method", "args", "expected"),
    [
        ("conversations.list", {"types": "dungeon"}, "invalid_types"),
        ("conversations.list", {"limit": "many"}, "invalid_limit"),
        ("conversations.list", {"cursor": "bm9uc2Vuc2U="}, "invalid_cursor"),
        ("conversations.join", {"channel": "C0NOWHERE"}, "channel_not_found"),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "ines@vela.example"}, "users_not_found"),
        ("bots.info", {"bot": "B0NOBODY"}, "bot_not_found"),
        ("files.info", {"file": "F0NOTHING"}, "file_not_found"),
        ("views.publish", {"user_id": "U0NOBODY", "view": "{}"}, "invalid_arguments"),
        ("chat.unfurl", {"channel": "C0NOWHERE", "ts": "1.1", "unfurls": "{}"}, "cannot_unfurl_message"),
    ],
)
async def test_what_is_not_there_is_told_by_slacks_code(client, method, args, expected):
    assert expected == await error_of(client.api_call(method, data=args))


async def test_joining_a_private_channel_is_not_possible_even_from_inside(slack, client, ids):
    await slack.workspace.invite_bot(ids["it-private"])

    assert "method_not_supported_for_channel_type" == await error_of(
        client.conversations_join(channel=ids["it-private"])
    )


async def test_an_archived_channel_takes_no_posts(slack, client, ids):
    slack.workspace.channels[ids["general"]].archived = True

    assert "is_archived" == await error_of(client.chat_postMessage(channel=ids["general"], text="x"))


async def test_a_persons_id_as_channel_means_the_direct_message(slack, client, ids):
    posted = await client.chat_postMessage(channel=ids["eva"], text="psst")

    assert await slack.workspace.direct(ids["eva"]) == posted["channel"]


async def test_a_post_to_a_channel_without_the_bot_needs_its_own_scope(slack, client, ids):
    await client.chat_postMessage(channel=ids["random"], text="public")
    slack.scopes.discard("chat:write.public")

    assert "not_in_channel" == await error_of(client.chat_postMessage(channel=ids["random"], text="x"))


async def test_a_permalink_of_a_reply_names_its_thread(slack, client, ids):
    root = await slack.workspace.post(ids["eva"], ids["general"], "root")
    reply = await slack.workspace.post(ids["eva"], ids["general"], "reply", thread_ts=root["ts"])

    link = (await client.chat_getPermalink(channel=ids["general"], message_ts=reply["ts"]))["permalink"]

    where = f"https://kestrel-cycles.slack.com/archives/{ids['general']}/p{reply['ts'].replace('.', '')}"
    assert f"{where}?thread_ts={root['ts']}&cid={ids['general']}" == link


async def test_user_groups_bots_team_and_emoji_are_told(slack, client, ids):
    alert = await slack.workspace.post_as_app(ids["general"], "Alerts", "disk full")
    (group,) = (await client.usergroups_list(include_users=True))["usergroups"]
    bots = [(await client.bots_info(bot=bot))["bot"]["name"] for bot in (alert["bot_id"], slack.workspace.bot_id)]
    team, emoji = await client.team_info(), await client.emoji_list()

    assert ("it-support", [ids["ben"], ids["mira"]]) == (group["handle"], group["users"])
    assert (["Alerts", "Threadline"], "Kestrel Cycles", "alias:squirrel") == (
        bots,
        team["team"]["name"],
        emoji["emoji"]["ship_it"],
    )
    assert "Slackbot" == (await client.users_info(user="USLACKBOT"))["user"]["real_name"]


async def test_api_test_echoes_what_it_is_given(client):
    assert {"foo": "bar"} == (await client.api_test(foo="bar"))["args"]
    assert "my_error" == await error_of(client.api_test(error="my_error"))


async def test_a_download_can_be_redirected_elsewhere(slack, ids):
    said = await slack.workspace.post(ids["eva"], ids["general"], "x", files=[("a.txt", b"a", "text/plain")])
    slack.transfers.redirect_to = "https://cdn.example"

    async with httpx.AsyncClient(trust_env=False) as http:
        got = await http.get(said["files"][0]["url_private_download"])

    assert (302, "https://cdn.example/files-pri/") == (got.status_code, got.headers["location"][:30])
