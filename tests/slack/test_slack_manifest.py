"""The manifest against what the code uses and what Slack takes."""

import re
from pathlib import Path

import pytest

from bot.slack import manifest as rooms
from bot.slack.ids import COMMAND, Shortcut
from bot.slack.manifest import manifest_text, read, scopes
from bot.slack.steps import STEP

SLACK_ROOM = Path(rooms.__file__).parent
EVENTS = {
    "app_home_opened", "app_mention", "app_rate_limited", "app_uninstalled", "channel_archive", "channel_created",
    "channel_deleted", "channel_rename", "channel_shared", "channel_unarchive", "channel_unshared", "emoji_changed",
    "file_change", "file_created", "file_deleted", "file_public", "file_shared", "function_executed", "group_archive",
    "group_deleted", "group_rename", "group_unarchive", "link_shared", "member_joined_channel", "member_left_channel",
    "message.app_home", "message.channels", "message.groups", "message.im", "message.mpim", "message_metadata_deleted",
    "message_metadata_posted", "message_metadata_updated", "pin_added", "pin_removed", "reaction_added",
    "reaction_removed", "subteam_created", "subteam_members_changed", "subteam_updated", "team_join", "team_rename",
    "tokens_revoked", "user_change",
}  # fmt: skip
"""Events that a bot can subscribe to (docs.slack.dev/reference/events), those that a ticket app may want."""
NEEDS = {
    "apps.connections.open": set(),  # an app-level token
    "auth.test": set(),
    "bots.info": {"users:read"},
    "chat.delete": {"chat:write"},
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.unfurl": {"links:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations.info": {"channels:read", "groups:read", "im:read", "mpim:read"},
    "conversations.members": {"channels:read", "groups:read", "im:read", "mpim:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "files.completeUploadExternal": {"files:write"},
    "files.delete": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "files.info": {"files:read"},
    "functions.completeError": set(),
    "functions.completeSuccess": set(),
    "reactions.add": {"reactions:write"},
    "reactions.remove": {"reactions:write"},
    "usergroups.list": {"usergroups:read"},
    "users.conversations": {"channels:read", "groups:read", "im:read", "mpim:read"},
    "users.info": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
    "views.update": set(),
}
"""The scopes of each method that we call, by its page in docs.slack.dev/reference/methods."""
EVENT_NEEDS = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "link_shared": {"links:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
    "reaction_added": {"reactions:read"},
}
METHOD = re.compile(
    r'"((?:apps|auth|bots|chat|conversations|files|functions|reactions|usergroups|users|views)(?:\.[a-zA-Z]+)+)"'
)
NOT_CALLED = {"chat.meMessage", "chat.scheduleMessage", "views.push"}
"""Named only to say how they would behave."""


@pytest.fixture(scope="module")
def manifest():
    return read(manifest_text())


def called():
    files = [*SLACK_ROOM.glob("*.py")]
    return (
        {name for file in files for name in METHOD.findall(file.read_text("utf-8"))} - NOT_CALLED - {"files.slack.com"}
    )


def test_every_method_that_is_called_has_its_scopes_listed_here():
    assert set() == called() - set(NEEDS)


def test_the_scopes_are_those_that_the_code_needs_and_no_more():
    needed = {"commands"}.union(*(NEEDS[name] for name in called()), *EVENT_NEEDS.values())

    assert needed == scopes()


def test_every_scope_says_why():
    lines = [line for line in manifest_text().splitlines() if re.match(r"\s+- [a-z_.]+:[a-z.]+|\s+- commands", line)]

    assert len(scopes()) == len(lines)
    assert [] == [line for line in lines if not re.search(r" # \S.{15,}", line)]


def test_the_events_exist_and_are_those_that_the_code_listens_to(manifest):
    subscribed = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    source = "".join(file.read_text("utf-8") for file in SLACK_ROOM.glob("*.py"))
    heard = set(re.findall(r'router\.events\["([a-z_]+)"\]', source))

    assert set(EVENT_NEEDS) == subscribed
    assert subscribed <= EVENTS
    assert heard == {name.partition(".")[0] for name in subscribed} | {"function_executed"}  # comes unsubscribed


def test_commands_and_shortcuts_are_those_of_the_code(manifest):
    features = manifest["features"]

    assert [COMMAND] == [one["command"] for one in features["slash_commands"]]
    assert {Shortcut.CREATE: "message", Shortcut.ADD: "message", Shortcut.NEW: "global"} == {
        one["callback_id"]: one["type"] for one in features["shortcuts"]
    }


def test_it_keeps_to_slacks_limits(manifest):
    shown, features = manifest["display_information"], manifest["features"]

    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert len(features["bot_user"]["display_name"]) <= 80
    assert len(features["shortcuts"]) <= 10
    for shortcut in features["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["callback_id"]) <= 255
        assert len(shortcut["description"]) <= 150
    for command in features["slash_commands"]:
        assert re.fullmatch(r"/[a-z]{1,31}", command["command"])
        assert len(command["description"]) <= 2000
        assert len(command["usage_hint"]) <= 1000
    assert len(scopes()) <= 255
    assert len(manifest["settings"]["event_subscriptions"]["bot_events"]) <= 100


def test_for_http_only_the_addresses_and_the_mode_differ(manifest):
    address = "https://threadline.example.com/slack/events"

    http = read(manifest_text("https://threadline.example.com/"))

    settings = http["settings"]
    assert address == settings["event_subscriptions"].pop("request_url")
    assert address == settings["interactivity"].pop("request_url")
    assert address == settings["interactivity"].pop("message_menu_options_url")
    assert [address] == [command.pop("url") for command in http["features"]["slash_commands"]]
    assert settings["socket_mode_enabled"] is False
    settings["socket_mode_enabled"] = True
    assert manifest == http


def test_the_hosts_of_tickets_are_those_that_slack_tells_links_of_at_most_five(manifest):
    domains = [f"desk{number}.example" for number in range(7)]

    filled = read(manifest_text("https://threadline.example.com", domains=domains))

    assert domains[:5] == filled["features"]["unfurl_domains"]
    assert "unfurl_domains" not in manifest["features"]


def test_the_step_of_workflow_builder_is_printed_on_request_and_only_for_apps_that_may_have_one(manifest):
    with_step = read(manifest_text("https://threadline.example.com", step=True))
    (name, step) = next(iter(with_step["functions"].items()))

    assert (STEP, True) == (name, with_step["settings"]["org_deploy_enabled"])
    assert ("functions" in manifest, False) == (False, manifest["settings"]["org_deploy_enabled"])
    for parameters in (step["input_parameters"], step["output_parameters"]):
        assert [(key, key) for key in parameters] == [(key, one["name"]) for key, one in parameters.items()]
        assert set() == {one["type"] for one in parameters.values()} - {
            "string",
            "slack#/types/user_id",
            "slack#/types/channel_id",
        }


@pytest.mark.parametrize("url", ["http://threadline.example.com", "threadline.example.com", "https://", "https://x/?a"])
def test_an_address_that_slack_would_not_take_is_refused(url):
    with pytest.raises(ValueError, match="https addresses only"):
        manifest_text(url)
