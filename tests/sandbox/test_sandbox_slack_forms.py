"""Forms, buttons, menus and Home tabs of the pretend Slack, with a real Bolt app on the other side of the wire."""

import re

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack import NotOffered, SlackServer, Workspace

COMMANDS = [{"command": "/ticket"}]
SHORTCUTS = [
    {"name": "Create ticket", "type": "message", "callback_id": "create_ticket"},
    {"name": "New ticket", "type": "global", "callback_id": "new_ticket"},
]


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


def plain(text):
    return {"type": "plain_text", "text": text}


def option(name):
    return {"text": plain(name.title()), "value": name}


def field(name, element, **more):
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": name, **element}, **more}


def form(*more, **also):
    subject = field("subject", {"type": "plain_text_input", "max_length": 20})
    desk = field("desk", {"type": "static_select", "options": [option("it"), option("hr")]}, dispatch_action=True)
    blocks = [subject, desk, *more]
    return {
        "type": "modal",
        "callback_id": "new",
        "title": plain("New"),
        "submit": plain("Send"),
        "blocks": blocks,
    } | also


class Bot:
    """A Bolt app connected to a pretend Slack, and what it has seen."""

    def __init__(self, slack, app, client):
        self.slack, self.workspace, self.app, self.client = slack, slack.workspace, app, client
        people = {person.name: person.id for person in self.workspace.people.values()}
        self.ids = people | {channel.name: channel.id for channel in self.workspace.channels.values()}
        self.eva, self.help = self.ids["eva"], self.ids["it-help"]
        self.triggers, self.seen = [], []

    async def open(self, view, user=None):
        """Let a person type ``/ticket``, to which the app opens *view*; gives the view as Slack has it."""
        self.view = view
        answer = await self.workspace.command(user or self.eva, self.help, "/ticket", "")
        assert "" == answer.error
        return self.workspace.views_of(user or self.eva)[-1]


@pytest.fixture
async def bot():
    workspace = Workspace.demo(commands=COMMANDS, shortcuts=SHORTCUTS, clock=Clock())
    slack = SlackServer(workspace)
    async with slack.serve():
        client = AsyncWebClient(token=workspace.bot_token, base_url=slack.api_url, retry_handlers=[])
        app = AsyncApp(client=client, signing_secret=workspace.signing_secret, process_before_response=True)
        made = Bot(slack, app, client)

        @app.command("/ticket")
        async def command(ack, body, client):
            made.triggers.append(body["trigger_id"])
            await client.views_open(trigger_id=body["trigger_id"], view=made.view)
            await ack()

        @app.action(re.compile(".*"))
        async def action(ack, body):
            made.seen.append(body)
            await ack()

        handler = AsyncSocketModeHandler(app, workspace.app_token, web_client=client, ping_interval=0.5)
        await handler.connect_async()
        await slack.sockets.connected()
        try:
            yield made
        finally:
            await handler.close_async()
            await handler.client.aiohttp_client_session.close()


async def code_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_a_form_is_opened_filled_refused_and_at_last_taken(bot):
    @bot.app.view("new")
    async def submitted(ack, view):
        bot.seen.append(view)
        subject = view["state"]["values"]["subject"]["subject"]["value"]
        if subject == "bad":
            await ack(response_action="errors", errors={"subject": "Say more"})
        else:
            await ack()

    view = await bot.open(form())
    values = {"subject": {"subject": "bad"}, "desk": {"desk": "hr"}}
    refused = await bot.workspace.submit(bot.eva, view["id"], values)
    stays = len(bot.workspace.views_of(bot.eva))
    taken = await bot.workspace.submit(bot.eva, view["id"], {"subject": {"subject": {"value": "good"}}})

    assert {"subject": "Say more"} == refused.body["errors"]
    assert ("", 1, []) == (taken.error, stays, bot.workspace.views_of(bot.eva))
    chosen = bot.seen[-1]["state"]["values"]["desk"]["desk"]
    assert {"type": "static_select", "selected_option": option("hr")} == chosen


async def test_slacks_client_keeps_back_a_form_with_empty_or_unfit_fields(bot):
    view = await bot.open(form(field("mail", {"type": "email_text_input"}, optional=True)))

    answer = await bot.workspace.submit(bot.eva, view["id"], {"subject": {"subject": "x" * 21}, "mail": {"mail": "x"}})

    assert {
        "subject": "Please enter no more than 20 characters.",
        "desk": "Please complete this required field.",
        "mail": "Please enter a valid email address.",
    } == answer.body["errors"]
    assert 0 == answer.status


async def test_a_person_cannot_choose_what_is_not_offered(bot):
    view = await bot.open(form())

    with pytest.raises(NotOffered):
        await bot.workspace.submit(bot.eva, view["id"], {"desk": {"desk": "finance"}})
    with pytest.raises(NotOffered):
        await bot.workspace.press(bot.eva, view_id=view["id"], block_id="desk", action_id="nothing", value="it")


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({"response_action": "update", "view": form(title=plain("Second"))}, ["Second"]),
        ({"response_action": "push", "view": form(title=plain("Second"))}, ["New", "Second"]),
        ({"response_action": "clear"}, []),
    ],
)
async def test_the_answer_to_a_form_is_applied_to_the_stack(bot, answer, titles):
    @bot.app.view("new")
    async def submitted(ack):
        await ack(answer)

    view = await bot.open(form())
    await bot.workspace.submit(bot.eva, view["id"], {"subject": {"subject": "s"}, "desk": {"desk": "it"}})

    assert titles == [view["title"]["text"] for view in bot.workspace.views_of(bot.eva)]


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": {"type": "modal", "title": plain("x" * 25), "blocks": []}},
        {"response_action": "dance"},
    ],
)
async def test_an_answer_that_slack_does_not_understand_is_trouble_connecting(bot, answer):
    @bot.app.view("new")
    async def submitted(ack):
        await ack(answer)

    view = await bot.open(form())
    got = await bot.workspace.submit(bot.eva, view["id"], {"subject": {"subject": "s"}, "desk": {"desk": "it"}})

    assert "We had some trouble connecting. Try again?" == got.error
    assert 1 == len(bot.workspace.views_of(bot.eva))


async def test_a_dependent_field_tells_the_app_what_is_filled_in_and_survives_an_update(bot):
    view = await bot.open(form())
    await bot.workspace.press(
        bot.eva,
        view_id=view["id"],
        block_id="desk",
        action_id="desk",
        value="hr",
        values={"subject": {"subject": "typed"}},
    )
    body = bot.seen[-1]
    await bot.client.views_update(
        view_id=view["id"], hash=body["view"]["hash"], view=form(field("n", {"type": "plain_text_input"}))
    )

    assert ("block_actions", "hr") == (body["type"], body["actions"][0]["selected_option"]["value"])
    assert "typed" == body["view"]["state"]["values"]["subject"]["subject"]["value"]
    (after,) = bot.workspace.views_of(bot.eva)
    assert (3, "typed") == (len(after["blocks"]), after["state"]["values"]["subject"]["subject"]["value"])


async def test_a_view_that_changed_meanwhile_is_a_hash_conflict(bot):
    view = await bot.open(form())
    await bot.client.views_update(view_id=view["id"], hash=view["hash"], view=form())

    assert "hash_conflict" == await code_of(bot.client.views_update(view_id=view["id"], hash=view["hash"], view=form()))
    assert "not_found" == await code_of(bot.client.views_update(view_id="V0", view=form()))


async def test_a_trigger_serves_once_and_for_three_seconds(bot):
    await bot.open(form())
    used = bot.triggers[-1]
    late = bot.workspace.views.trigger(bot.eva)
    bot.workspace.state.clock.now += 3.1

    assert "exchanged_trigger_id" == await code_of(bot.client.views_open(trigger_id=used, view=form()))
    assert "expired_trigger_id" == await code_of(bot.client.views_open(trigger_id=late, view=form()))
    assert "invalid_trigger_id" == await code_of(bot.client.views_open(trigger_id="1.2.x", view=form()))


async def test_three_forms_lie_on_each_other_and_no_more(bot):
    view = await bot.open(form())
    for _ in range(2):
        view = (
            await bot.client.views_push(trigger_id=bot.workspace.views.trigger(bot.eva, in_modal=True), view=form())
        )["view"]
    trigger = bot.workspace.views.trigger(bot.eva, in_modal=True)

    assert "push_limit_reached" == await code_of(bot.client.views_push(trigger_id=trigger, view=form()))
    first, second, third = bot.workspace.views_of(bot.eva)
    assert (second["id"], first["id"], view["id"]) == (third["previous_view_id"], third["root_view_id"], third["id"])


async def test_two_open_forms_cannot_share_an_external_id(bot):
    await bot.open(form(external_id="one"))
    trigger = bot.workspace.views.trigger(bot.ids["ben"])

    assert "duplicate_external_id" == await code_of(
        bot.client.views_open(trigger_id=trigger, view=form(external_id="one"))
    )
    assert (await bot.client.views_update(external_id="one", view=form()))["ok"]


async def test_closing_tells_the_app_where_it_asked_to_be_told(bot):
    @bot.app.view_closed("new")
    async def closed(ack, body):
        bot.seen.append(body)
        await ack()

    view = await bot.open(form(notify_on_close=True))
    await bot.workspace.close(bot.eva, view["id"])

    assert ("view_closed", False, []) == (
        bot.seen[-1]["type"],
        bot.seen[-1]["is_cleared"],
        bot.workspace.views_of(bot.eva),
    )


async def test_an_external_select_offers_what_the_app_answers_and_only_that(bot):
    @bot.app.options("who")
    async def options(ack, payload):
        await ack(options=[option(payload["value"] + "-1"), option(payload["value"] + "-2")])

    who = field("who", {"type": "external_select", "min_query_length": 2})
    view = await bot.open(form(who))
    short = await bot.workspace.suggest(bot.eva, view["id"], "who", "who", "a")
    offered = await bot.workspace.suggest(bot.eva, view["id"], "who", "who", "ab")
    await bot.workspace.press(bot.eva, view_id=view["id"], block_id="who", action_id="who", value="ab-2")

    assert ([], ["ab-1", "ab-2"]) == (short, [item["value"] for item in offered])
    (after,) = bot.workspace.views_of(bot.eva)
    assert "ab-2" == after["state"]["values"]["who"]["who"]["selected_option"]["value"]
    with pytest.raises(NotOffered):
        await bot.workspace.press(bot.eva, view_id=view["id"], block_id="who", action_id="who", value="zz")


async def test_an_external_select_in_a_message_asks_the_app_too(bot):
    @bot.app.options("who")
    async def options(ack, body):
        bot.seen.append(body)
        await ack(option_groups=[{"label": plain("G"), "options": [option("one")]}])

    select = {"type": "external_select", "action_id": "who", "min_query_length": 0}
    blocks = [{"type": "actions", "block_id": "b", "elements": [select]}]
    posted = await bot.client.chat_postMessage(channel=bot.help, text="who?", blocks=blocks)
    at = {"channel": bot.help, "ts": posted["ts"]}

    (group,) = await bot.workspace.suggest(bot.eva, "", "b", "who", "", **at)
    await bot.workspace.press(bot.eva, block_id="b", action_id="who", value="one", **at)

    assert ("G", "message", "one") == (
        group["label"]["text"],
        bot.seen[-2]["container"]["type"],
        bot.seen[-1]["actions"][0]["selected_option"]["value"],
    )


async def test_options_that_slack_would_refuse_are_not_offered(bot):
    @bot.app.options("who")
    async def options(ack):
        await ack(options=[option("x" * 76)])

    view = await bot.open(form(field("who", {"type": "external_select", "min_query_length": 0})))

    assert [] == await bot.workspace.suggest(bot.eva, view["id"], "who", "who", "")


async def test_files_put_into_a_form_reach_the_app_as_file_objects(bot):
    @bot.app.view("new")
    async def submitted(ack, view):
        bot.seen.append(view["state"]["values"]["files"]["files"]["files"])
        await ack()

    file_id = await bot.workspace.upload(bot.eva, "a.txt", b"abc", "text/plain")
    view = await bot.open(form(field("files", {"type": "file_input"})))
    values = {"subject": {"subject": "s"}, "desk": {"desk": "it"}, "files": {"files": [file_id]}}
    await bot.workspace.submit(bot.eva, view["id"], values)

    assert [("a.txt", 3)] == [(item["name"], item["size"]) for item in bot.seen[-1]]


async def test_a_button_of_a_message_tells_where_it_is_and_answers_by_its_url(bot):
    button = {"type": "button", "action_id": "close", "text": plain("Close"), "value": "t1"}
    card = {"blocks": [{"type": "actions", "block_id": "card", "elements": [button]}], "text": "card"}
    posted = await bot.client.chat_postMessage(channel=bot.help, **card)

    await bot.workspace.press(bot.eva, channel=bot.help, ts=posted["ts"], block_id="card", action_id="close")
    body = bot.seen[-1]
    webhook = AsyncWebhookClient(body["response_url"])
    replaced = await webhook.send(text="closed", replace_original=True)

    assert {"type": "message", "message_ts": posted["ts"], "channel_id": bot.help, "is_ephemeral": False} == body[
        "container"
    ]
    assert ("t1", "card", bot.eva) == (body["actions"][0]["value"], body["message"]["text"], body["user"]["id"])
    assert (200, "ok") == (replaced.status_code, replaced.body)
    assert "closed" == bot.workspace.replies(bot.help, posted["ts"])[0]["text"]


async def test_a_response_url_serves_five_times_and_for_thirty_minutes(bot):
    fresh = AsyncWebhookClient(bot.workspace.response_urls.make(bot.eva, bot.help))
    old = AsyncWebhookClient(bot.workspace.response_urls.make(bot.eva, bot.help))

    used = [(await fresh.send(text=f"{number}")).status_code for number in range(6)]
    bot.workspace.state.clock.now += 1801
    late = await old.send(text="late")

    assert [200] * 5 + [404] == used
    assert (404, True) == (late.status_code, "expired_url" in late.body)
    assert ["0", "1", "2", "3", "4"] == [message["text"] for message in bot.workspace.ephemerals(bot.eva, bot.help)]


async def test_an_ephemeral_message_can_be_pressed_and_taken_away(bot):
    button = {"type": "button", "action_id": "no", "text": plain("No")}
    blocks = [{"type": "actions", "block_id": "ask", "elements": [button]}]
    sent = await bot.client.chat_postEphemeral(channel=bot.help, user=bot.eva, text="Sure?", blocks=blocks)

    await bot.workspace.press(bot.eva, channel=bot.help, ts=sent["message_ts"], block_id="ask", action_id="no")
    body = bot.seen[-1]
    await AsyncWebhookClient(body["response_url"]).send(delete_original=True)

    assert (True, False) == (body["container"]["is_ephemeral"], "message" in body)
    assert [] == bot.workspace.ephemerals(bot.eva, bot.help)


async def test_a_home_tab_is_published_pressed_and_replaced(bot):
    home = {
        "type": "home",
        "blocks": [
            {
                "type": "actions",
                "block_id": "h",
                "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}],
            }
        ],
    }

    @bot.app.event("app_home_opened")
    async def opened(event, client):
        await client.views_publish(user_id=event["user"], view=home)

    await bot.workspace.open_home(bot.eva)
    await bot.slack.deliveries.idle()
    shown = bot.workspace.home_of(bot.eva)
    await bot.workspace.press(bot.eva, view_id=shown["id"], block_id="h", action_id="go")
    again = (await bot.client.views_publish(user_id=bot.eva, view=home))["view"]

    assert ("home", shown["id"]) == (bot.seen[-1]["view"]["type"], again["id"])
    assert bot.workspace.home_of(bot.ids["ben"]) is None


async def test_a_form_that_slack_would_refuse_reaches_nobody(bot):
    trigger = bot.workspace.views.trigger(bot.eva)

    with pytest.raises(SlackApiError) as caught:
        await bot.client.views_open(trigger_id=trigger, view=form(title=plain("x" * 25)))

    said = caught.value.response
    assert ("invalid_arguments", ["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"]) == (
        said["error"],
        said["response_metadata"]["messages"],
    )
    assert [] == bot.workspace.views_of(bot.eva)
    assert (await bot.client.views_open(trigger_id=trigger, view=form()))["ok"]


async def test_what_changes_is_noted_for_whoever_watches(bot):
    cursor, _ = bot.workspace.changed(0)
    message = await bot.workspace.post(bot.eva, bot.help, "news")
    await bot.open(form())

    after, notices = await bot.workspace.wait_change(cursor, 5)

    assert [f"message {bot.help} {message['ts']}", f"view {bot.eva}"] == notices
    assert (after, []) == bot.workspace.changed(after)
