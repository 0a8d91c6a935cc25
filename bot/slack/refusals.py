"""What Slack's error codes mean to a person, and what to do about each; the codes stand on each method's page."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.conversion.ports import SlackRefused

INVITE: Final = "Invite it there with /invite @Threadline."
_TOKEN: Final = "An operator must install the app again and give its token to Threadline."  # noqa: S105
_AGAIN: Final = "Please try again."
_CODE = re.compile(r"[a-z0-9_.-]{1,60}")

WORDS: Final[Mapping[str, str]] = {
    # where
    "not_in_channel": f"Threadline is not a member of that channel. {INVITE}",
    "channel_not_found": (
        "Slack does not show Threadline that channel. If it is private, invite Threadline with /invite @Threadline."
    ),
    "is_archived": "That channel is archived. Unarchive it, or go on in another channel.",
    "restricted_action": "This workspace does not let Threadline post in that channel. An admin can allow it.",
    "restricted_action_read_only_channel": "That channel is read-only. Go on in another channel.",
    "restricted_action_thread_only_channel": "That channel takes new messages only in threads.",
    "restricted_action_thread_locked": "That thread is locked.",
    "thread_not_found": "That thread is not in Slack any more.",
    "message_not_found": "That message is not in Slack any more.",
    "cant_update_message": "Slack does not let Threadline change that message.",
    "edit_window_closed": "Slack does not let Threadline change a message of that age.",
    # who
    "user_not_found": "Slack does not know that person.",
    "user_not_visible": "Slack does not show Threadline that person.",
    "user_not_in_channel": "That person is not a member of that channel.",
    "cannot_dm_bot": "Bots cannot be sent direct messages.",
    "user_disabled": "That person's Slack account is not active.",
    "messages_tab_disabled": "Direct messages to Threadline are off. An operator turns them on under App Home.",
    # what
    "msg_too_long": "That text is too long for one Slack message.",
    "msg_blocks_too_long": "That text is too long for one Slack message.",
    "invalid_blocks": "Slack refused how Threadline laid out that message. Please report it to Threadline's authors.",
    "invalid_arguments": "Slack refused what Threadline sent. Please report it to Threadline's authors.",
    "view_too_large": "That form is too large for Slack.",
    "expired_trigger_id": f"Slack gives an app three seconds to open a form, and they were over. {_AGAIN}",
    "trigger_expired": f"Slack gives an app three seconds to open a form, and they were over. {_AGAIN}",
    "trigger_exchanged": f"That click was used already. {_AGAIN}",
    "hash_conflict": "The form changed in the meantime.",
    "not_found": "The form is not open any more.",
    "invalid_name": "Slack has no emoji of that name. An operator can choose another under [slack] in the settings.",
    # files
    "file_not_found": "That file is not in Slack any more.",
    "file_deleted": "That file was deleted in Slack.",
    "ekm_access_denied": "This workspace's encryption keys keep Threadline from reading that.",
    # the installation
    "invalid_auth": f"Slack does not accept Threadline's token. {_TOKEN}",
    "not_authed": f"Slack does not accept Threadline's token. {_TOKEN}",
    "account_inactive": f"Threadline was removed from this workspace. {_TOKEN}",
    "token_revoked": f"Threadline's token was revoked. {_TOKEN}",
    "token_expired": f"Threadline's token is too old. {_TOKEN}",
    "team_access_not_granted": f"Threadline is not installed in that workspace. {_TOKEN}",
    "access_denied": "Slack does not let Threadline do that. An admin of the workspace can allow it.",
    "no_permission": "Slack does not let Threadline do that. An admin of the workspace can allow it.",
    "not_allowed_token_type": (
        "Slack was given the wrong kind of token. A bot token begins with xoxb-, an app-level token with xapp-."
    ),
    "ip_address_not_allowed": "The app's list of allowed IP addresses leaves this machine out. Add it there.",
    "org_login_required": "The workspace is being moved by Slack. Wait until that is over.",
    "unknown_method": "The address that stands for Slack's API does not know a call that Threadline needs.",
}


def refusal(method: str, answer: Mapping[str, Any]) -> SlackRefused:
    """The error for an answer of Slack's that says no. Slack's own details are left out: they may quote the message."""
    code = str(answer.get("error", ""))
    code = code if _CODE.fullmatch(code) else "unknown_error"
    if code == "missing_scope":
        needed = str(answer.get("needed", ""))
        scope = f' "{needed}"' if re.fullmatch(r"[a-z0-9_.:,-]{1,200}", needed) else ""
        words = (
            f"Threadline lacks Slack's permission{scope}."
            " An operator must add it under OAuth & Permissions and reinstall the app."
        )
    elif code in {"not_authed", "invalid_auth"} and method == "apps.connections.open":
        words = (
            "Slack does not accept the app-level token. An operator must make one with connections:write"
            " under Basic Information and set SLACK_APP_TOKEN."
        )
    else:
        words = WORDS.get(code, f"Slack refused that ({method}: {code}).")
    return SlackRefused(code, words)
