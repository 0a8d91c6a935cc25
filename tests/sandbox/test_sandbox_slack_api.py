"""The pretend Slack's Web API, driven by the real client."""

import json

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.faults import Fault
from bot.sandbox.slack import SlackServer, Workspace
from bot.sandbox.slack.events import BOT_SCOPES


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def slack(clock):
    server = SlackServer(Workspace.demo(clock=clock))
    async with server.serve():
        yield server


@pytest.fixture
def client(slack):
    return AsyncWebClient(token=slack.workspace.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest.fixture
def ids(slack):
    """Ids by name: people and channels of the demo company."""
    people = {person.name: person.id for person in slack.workspace.people.values()}
    return people | {channel.name: channel.id for channel in slack.workspace.channels.values()}


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


async def raw(slack, method, *, token="", **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.post(slack.api_url + method, headers=headers | options.pop("headers", {}), **options)


async def test_auth_test_tells_who_the_bot_is(slack, client):
    answer = await client.auth_test()

    assert (slack.workspace.bot_user_id, slack.workspace.bot_id) == (answer["user_id"], answer["bot_id"])
    assert ",".join(sorted(BOT_SCOPES)) == answer.headers["x-oauth-scopes"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [("", "not_authed"), ("xoxb-wrong", "invalid_auth"), ("xapp-1-sandbox-app", "not_allowed_token_type")],
)
async def test_a_wrong_token_is_named_by_slacks_code(slack, token, expected):
    assert expected == (await raw(slack, "auth.test", token=token)).json()["error"]


async def test_a_method_that_slack_does_not_have_is_unknown(slack):
    answer = await raw(slack, "chat.shout", token=slack.workspace.bot_token)

    assert {"ok": False, "error": "unknown_method", "req_method": "chat.shout"} == answer.json()


async def test_a_missing_scope_is_told_with_what_is_needed_and_provided(slack, client, ids):
    slack.scopes.clear()
    slack.scopes.add("channels:read")

    answer = await error_of(client.chat_postMessage(channel=ids["general"], text="hi"))

    assert ("missing_scope", "chat:write", "channels:read") == (answer["error"], answer["needed"], answer["provided"])
    assert "chat:write" == answer.headers["x-accepted-oauth-scopes"]


async def test_a_private_channels_history_needs_its_own_scope(slack, client, ids):
    await slack.workspace.invite_bot(ids["it-private"])
    slack.scopes.discard("groups:history")

    answer = await error_of(client.conversations_history(channel=ids["it-private"]))

    assert ("missing_scope", "groups:history") == (answer["error"], answer["needed"])


@pytest.mark.parametrize(("channel", "expected"), [("random", "not_in_channel"), ("it-private", "channel_not_found")])
async def test_channels_without_the_bot_cannot_be_read(client, ids, channel, expected):
    assert expected == (await error_of(client.conversations_history(channel=ids[channel])))["error"]


async def test_a_public_channel_can_be_joined_and_then_read(slack, client, ids):
    await client.conversations_join(channel=ids["random"])

    history = await client.conversations_history(channel=ids["random"])

    assert ["channel_join", None] == [message.get("subtype") for message in history["messages"]]


async def test_250_replies_come_page_by_page_each_once_beside_the_root(slack, client, ids):
    channel, eva = ids["general"], ids["eva"]
    root = await slack.workspace.post(eva, channel, "root")
    sent = [(await slack.workspace.post(eva, channel, f"n {n}", thread_ts=root["ts"]))["ts"] for n in range(250)]

    pages, cursor = [], ""
    while True:
        page = await client.conversations_replies(channel=channel, ts=root["ts"], limit=100, cursor=cursor)
        pages.append(page["messages"])
        if not page["has_more"]:
            break
        cursor = page["response_metadata"]["next_cursor"]

    assert sent == [message["ts"] for page in pages for message in page[1:]]
    assert [root["ts"]] * 3 == [page[0]["ts"] for page in pages]
    assert 250 == pages[0][0]["reply_count"]


async def test_replies_since_a_time_still_begin_with_the_root(slack, client, ids):
    channel, eva = ids["general"], ids["eva"]
    root = await slack.workspace.post(eva, channel, "root")
    first = await slack.workspace.post(eva, channel, "first", thread_ts=root["ts"])
    second = await slack.workspace.post(eva, channel, "second", thread_ts=root["ts"])

    after = await client.conversations_replies(channel=channel, ts=root["ts"], oldest=first["ts"])
    with_it = await client.conversations_replies(channel=channel, ts=root["ts"], oldest=first["ts"], inclusive=True)

    assert [root["ts"], second["ts"]] == [message["ts"] for message in after["messages"]]
    assert [root["ts"], first["ts"], second["ts"]] == [message["ts"] for message in with_it["messages"]]


async def test_a_small_page_cap_is_obeyed_whatever_limit_says(slack, client, ids):
    slack.api.page_cap = 15
    for number in range(20):
        await slack.workspace.post(ids["eva"], ids["general"], f"{number}")

    assert 15 == len((await client.conversations_history(channel=ids["general"], limit=200))["messages"])


async def test_reading_methods_ignore_json_as_slack_does(slack, ids):
    answer = await raw(slack, "conversations.info", token=slack.workspace.bot_token, json={"channel": ids["general"]})

    assert "invalid_arguments" == answer.json()["error"]
    assert ["[ERROR] missing required field: channel"] == answer.json()["response_metadata"]["messages"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json; charset=utf-8"}}, "invalid_json"),
        ({"content": b"[1]", "headers": {"Content-Type": "application/json; charset=utf-8"}}, "json_not_object"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, "invalid_post_type"),
        (
            {"content": b"text=%ff\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            "invalid_form_data",
        ),
    ],
)
async def test_a_body_that_cannot_be_read_is_named(slack, options, expected):
    assert (
        expected == (await raw(slack, "chat.postMessage", token=slack.workspace.bot_token, **options)).json()["error"]
    )


async def test_a_form_may_carry_blocks_as_json_and_the_token_as_a_field(slack, ids):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
    form = {"token": slack.workspace.bot_token, "channel": ids["general"], "blocks": json.dumps(blocks)}

    answer = (await raw(slack, "chat.postMessage", data=form)).json()

    assert "hello" == answer["message"]["blocks"][0]["text"]["text"]
    assert answer["message"]["blocks"][0]["block_id"]


async def test_metadata_is_told_whole_only_when_asked_for(client, ids):
    metadata = {"event_type": "card", "event_payload": {"op": "abc"}}
    posted = await client.chat_postMessage(channel=ids["general"], text="card", metadata=metadata)

    plain = await client.conversations_replies(channel=ids["general"], ts=posted["ts"])
    whole = await client.conversations_replies(channel=ids["general"], ts=posted["ts"], include_all_metadata=True)

    assert {"event_type": "card"} == plain["messages"][0]["metadata"]
    assert metadata == whole["messages"][0]["metadata"]


async def test_posted_text_comes_back_as_slack_writes_it(client, ids):
    text = f"see https://a.example/x?y=1&z=2. <@{ids['eva']}> a < b & c"

    posted = await client.chat_postMessage(channel=ids["general"], text=text)

    assert f"see <https://a.example/x?y=1&amp;z=2>. <@{ids['eva']}> a &lt; b &amp; c" == posted["message"]["text"]


async def test_text_past_forty_thousand_characters_is_cut_and_said_so(client, ids):
    posted = await client.chat_postMessage(channel=ids["general"], text="x" * 40_001)

    assert (40_000, "message_truncated") == (len(posted["message"]["text"]), posted["warning"])


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"text": "x", "channel": "C0NOWHERE"}, "channel_not_found"),
        (
            {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 5},
            "msg_blocks_too_long",
        ),
    ],
)
async def test_a_post_that_slack_refuses_is_refused_with_its_code(client, ids, args, expected):
    assert expected == (await error_of(client.chat_postMessage(**{"channel": ids["general"], **args})))["error"]


async def test_a_post_of_nothing_is_refused(slack, ids):
    form = {"channel": ids["general"], "text": " "}

    assert (
        "no_text" == (await raw(slack, "chat.postMessage", token=slack.workspace.bot_token, data=form)).json()["error"]
    )


async def test_a_text_alone_takes_the_blocks_of_an_updated_message_away(client, ids):
    blocks = [{"type": "divider"}]
    posted = await client.chat_postMessage(channel=ids["general"], text="a", blocks=blocks)

    updated = await client.chat_update(channel=ids["general"], ts=posted["ts"], text="b")

    assert ("b", False, True) == (updated["text"], "blocks" in updated["message"], "edited" in updated["message"])


async def test_only_the_bots_own_messages_can_be_updated_or_deleted(slack, client, ids):
    message = await slack.workspace.post(ids["eva"], ids["general"], "mine")

    changed = await error_of(client.chat_update(channel=ids["general"], ts=message["ts"], text="b"))
    deleted = await error_of(client.chat_delete(channel=ids["general"], ts=message["ts"]))

    assert ("cant_update_message", "cant_delete_message") == (changed["error"], deleted["error"])


async def test_an_ephemeral_message_is_seen_by_its_reader_only(slack, client, ids):
    await client.chat_postEphemeral(channel=ids["general"], user=ids["eva"], text="psst")

    assert ["psst"] == [message["text"] for message in slack.workspace.ephemerals(ids["eva"], ids["general"])]
    assert [] == slack.workspace.ephemerals(ids["ben"], ids["general"])
    answer = await error_of(client.chat_postEphemeral(channel=ids["general"], user=ids["ines"], text="psst"))
    assert "user_not_in_channel" == answer["error"]


async def test_a_deleted_root_leaves_a_tombstone_while_it_has_replies(slack, ids):
    channel, eva = ids["general"], ids["eva"]
    root = await slack.workspace.post(eva, channel, "root")
    reply = await slack.workspace.post(eva, channel, "reply", thread_ts=root["ts"])

    await slack.workspace.delete(eva, channel, root["ts"])
    stone = slack.workspace.replies(channel, root["ts"])[0]
    await slack.workspace.delete(eva, channel, reply["ts"])

    assert ("tombstone", "USLACKBOT") == (stone["subtype"], stone["user"])
    assert [] == slack.workspace.replies(channel, root["ts"])


async def test_addresses_of_people_need_their_scope_and_strangers_show_none(slack, client, ids):
    known = await client.users_info(user=ids["eva"], include_locale=True)
    stranger = await client.users_info(user=ids["ines"])
    slack.scopes.discard("users:read.email")
    hidden = await client.users_info(user=ids["eva"])

    assert ("eva@kestrel.example", "sv-SE") == (known["user"]["profile"]["email"], known["user"]["locale"])
    assert (True, False) == (stranger["user"]["is_stranger"], "email" in stranger["user"]["profile"])
    assert "email" not in hidden["user"]["profile"]
    assert "missing_scope" == (await error_of(client.users_lookupByEmail(email="eva@kestrel.example")))["error"]


async def test_a_guest_is_shown_as_restricted(client, ids):
    assert (await client.users_info(user=ids["gus"]))["user"]["is_restricted"] is True


async def test_reactions_are_added_once_and_removed_once(client, ids):
    posted = await client.chat_postMessage(channel=ids["general"], text="x")
    at = {"channel": ids["general"], "timestamp": posted["ts"], "name": "eyes"}

    await client.reactions_add(**at)
    again = await error_of(client.reactions_add(**at))
    shown = await client.reactions_get(channel=ids["general"], timestamp=posted["ts"])
    await client.reactions_remove(**at)
    gone = await error_of(client.reactions_remove(**at))

    assert ("already_reacted", "no_reaction") == (again["error"], gone["error"])
    assert [("eyes", 1)] == [(item["name"], item["count"]) for item in shown["message"]["reactions"]]


async def test_posts_are_counted_per_channel_and_refused_with_retry_after(slack, client, clock, ids):
    """One a second, of which five may come at once."""
    slack.rates.enforced = True
    for number in range(5):
        await client.chat_postMessage(channel=ids["general"], text=f"{number}")

    too_soon = await error_of(client.chat_postMessage(channel=ids["general"], text="sixth"))
    await client.chat_postMessage(channel=ids["it-help"], text="elsewhere")
    clock.now += 5
    await client.chat_postMessage(channel=ids["general"], text="sixth")

    assert (429, "ratelimited", "5") == (too_soon.status_code, too_soon["error"], too_soon.headers["Retry-After"])
    assert {"chat.postMessage": 1} == slack.rates.refused


@pytest.mark.parametrize("enforced", [True, False])
async def test_a_call_above_its_tier_is_told_whether_it_is_refused_or_not(slack, client, clock, enforced):
    """Tier 2: twenty in any minute; with a scale of sixty a second of the clock is a minute of Slack's."""
    slack.rates.enforced, slack.rates.scale = enforced, 60
    for _ in range(2):
        for _ in range(20):
            await client.users_list()
        assert {} == slack.rates.above
        clock.now += 1
    clock.now -= 0.5
    if enforced:
        too_many = await error_of(client.users_list())
        assert "30" == too_many.headers["Retry-After"]
    else:
        await client.users_list()

    assert {"users.list": (21, 20)} == slack.rates.above


async def test_planned_errors_are_used_up_call_by_call(slack, client):
    slack.fail("auth.test", "internal_error")
    slack.limit_rate("auth.test", retry_after=7)

    first, second = await error_of(client.auth_test()), await error_of(client.auth_test())
    third = await client.auth_test()

    assert ("internal_error", "ratelimited", "7") == (first["error"], second["error"], second.headers["Retry-After"])
    assert third["ok"] is True


async def test_a_lost_answer_is_lost_after_the_post_was_made(slack, client, ids):
    slack.lose_answer()

    with pytest.raises(Exception, match=r"disconnected|reset"):
        await client.chat_postMessage(channel=ids["general"], text="posted all the same")

    assert "posted all the same" == slack.workspace.history(ids["general"])[-1]["text"]


async def test_any_fault_of_the_stand_ins_can_hit_one_method(slack, ids):
    slack.break_next("auth.test", Fault.HTML)

    answer = await raw(slack, "auth.test", token=slack.workspace.bot_token)
    healthy = await raw(slack, "auth.test", token=slack.workspace.bot_token)

    assert ("text/html; charset=utf-8", True) == (answer.headers["content-type"], healthy.json()["ok"])


async def test_a_group_message_is_opened_for_several_people(slack, client, ids):
    opened = await client.conversations_open(users=[ids["eva"], ids["ben"]])
    posted = await client.chat_postMessage(channel=opened["channel"]["id"], text="hi both")
    info = await client.conversations_info(channel=posted["channel"])

    assert (True, True) == (info["channel"]["is_mpim"], info["channel"]["is_private"])


async def test_the_token_of_an_app_that_was_taken_out_is_inactive(slack, client):
    await slack.workspace.uninstall()

    assert "account_inactive" == (await error_of(client.auth_test()))["error"]


# --- files ---


async def test_a_file_is_fetched_with_the_token(slack, client, ids):
    said = await slack.workspace.post(ids["eva"], ids["general"], "log", files=[("a b.txt", b"bytes", "text/plain")])
    info = (await client.files_info(file=said["files"][0]["id"]))["file"]

    async with httpx.AsyncClient(trust_env=False) as http:
        got = await http.get(
            info["url_private_download"], headers={"Authorization": f"Bearer {slack.workspace.bot_token}"}
        )

    assert ("file_share", 5, b"bytes") == (said["subtype"], info["size"], got.content)


@pytest.mark.parametrize("why", ["no token", "wrong token", "no scope"])
async def test_a_download_that_slack_refuses_is_a_login_page_with_status_200(slack, ids, why):
    said = await slack.workspace.post(ids["eva"], ids["general"], "log", files=[("a.txt", b"bytes", "text/plain")])
    headers = {"Authorization": f"Bearer {slack.workspace.bot_token}"}
    if why == "no token":
        headers = {}
    elif why == "wrong token":
        headers = {"Authorization": "Bearer xoxb-wrong"}
    else:
        slack.scopes.discard("files:read")

    async with httpx.AsyncClient(trust_env=False) as http:
        got = await http.get(said["files"][0]["url_private_download"], headers=headers)

    assert (200, "text/html; charset=utf-8") == (got.status_code, got.headers["content-type"])
    assert b"Sign in" in got.content


async def test_a_strangers_file_is_only_hinted_at_until_files_info_is_asked(slack, client, ids):
    said = await slack.workspace.post(ids["ines"], ids["it-help"], "x", files=[("v.txt", b"v", "text/plain")])

    listed = (await client.conversations_history(channel=ids["it-help"], limit=1))["messages"][0]["files"][0]
    info = (await client.files_info(file=listed["id"]))["file"]

    assert {"id": info["id"], "mode": "file_access", "file_access": "check_file_info"} == listed
    assert "v.txt" == info["name"] == said["files"][0]["name"]


async def test_the_clients_own_upload_ends_in_a_message_with_the_file(slack, client, ids):
    await client.files_upload_v2(
        channel=ids["general"], filename="r.txt", content="report", initial_comment="here", thread_ts=None
    )
    cursor = 0
    while "files" not in (last := slack.workspace.history(ids["general"])[-1]):
        cursor, _ = await slack.workspace.wait_change(cursor, 1.0)

    assert ("here", b"report") == (last["text"], slack.workspace.file_bytes(last["files"][0]["id"]))


async def test_an_upload_of_another_length_than_announced_is_refused(client):
    promised = await client.files_getUploadURLExternal(filename="x.bin", length=10)

    async with httpx.AsyncClient(trust_env=False) as http:
        got = await http.post(promised["upload_url"], content=b"short")
    finished = await error_of(client.files_completeUploadExternal(files=[{"id": promised["file_id"]}]))

    assert (500, "file_not_found") == (got.status_code, finished["error"])


async def test_a_file_of_a_private_channel_does_not_exist_for_the_bot(slack, client, ids):
    said = await slack.workspace.post(ids["ben"], ids["it-private"], "x", files=[("s.txt", b"s", "text/plain")])

    assert "file_not_found" == (await error_of(client.files_info(file=said["files"][0]["id"])))["error"]
