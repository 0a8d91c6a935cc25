"""What Slack's error codes mean to a person, and what to do about each; the codes stand on each method's page."""

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.conversion.ports import SlackRefused
from bot.words import N_

_CODE = re.compile(r"[a-z0-9_.-]{1,60}")

WORDS: Final[Mapping[str, str]] = {
    # where
    "not_in_channel": N_("Threadline is not a member of that channel. Invite it there with /invite @Threadline."),
    "channel_not_found": N_(
        "Slack does not show Threadline that channel. If it is private, invite Threadline with /invite @Threadline."
    ),
    "is_archived": N_("That channel is archived. Unarchive it, or go on in another channel."),
    "restricted_action": N_("This workspace does not let Threadline post in that channel. An admin can allow it."),
    "restricted_action_read_only_channel": N_("That channel is read-only. Go on in another channel."),
    "restricted_action_thread_only_channel": N_("That channel takes new messages only in threads."),
    "restricted_action_thread_locked": N_("That thread is locked."),
    "thread_not_found": N_("That thread is not in Slack any more."),
    "message_not_found": N_("That message is not in Slack any more."),
    "cant_update_message": N_("Slack does not let Threadline change that message."),
    "edit_window_closed": N_("Slack does not let Threadline change a message of that age."),
    # who
    "user_not_found": N_("Slack does not know that person."),
    "user_not_visible": N_("Slack does not show Threadline that person."),
    "user_not_in_channel": N_("That person is not a member of that channel."),
    "cannot_dm_bot": N_("Bots cannot be sent direct messages."),
    "user_disabled": N_("That person's Slack account is not active."),
    "messages_tab_disabled": N_("Direct messages to Threadline are off. An operator turns them on under App Home."),
    # what
    "msg_too_long": N_("That text is too long for one Slack message."),
    "msg_blocks_too_long": N_("That text is too long for one Slack message."),
    "invalid_blocks": N_(
        "Slack refused how Threadline laid out that message. Please report it to Threadline's authors."
    ),
    "invalid_arguments": N_("Slack refused what Threadline sent. Please report it to Threadline's authors."),
    "view_too_large": N_("That form is too large for Slack."),
    "expired_trigger_id": N_("Slack gives an app three seconds to open a form, and they were over. Please try again."),
    "trigger_expired": N_("Slack gives an app three seconds to open a form, and they were over. Please try again."),
    "trigger_exchanged": N_("That click was used already. Please try again."),
    "hash_conflict": N_("The form changed in the meantime."),
    "not_found": N_("The form is not open any more."),
    "invalid_name": N_(
        "Slack has no emoji of that name. An operator can choose another under [slack] in the settings."
    ),
    # files
    "file_not_found": N_("That file is not in Slack any more."),
    "file_deleted": N_("That file was deleted in Slack."),
    "ekm_access_denied": N_("This workspace's encryption keys keep Threadline from reading that."),
    # the installation
    "invalid_auth": N_(
        "Slack does not accept Threadline's token. An operator must install the app again and "
        "give its token to Threadline."
    ),
    "not_authed": N_(
        "Slack does not accept Threadline's token. An operator must install the app again and "
        "give its token to Threadline."
    ),
    "account_inactive": N_(
        "Threadline was removed from this workspace. An operator must install the app again and "
        "give its token to Threadline."
    ),
    "token_revoked": N_(
        "Threadline's token was revoked. An operator must install the app again and give its token to Threadline."
    ),
    "token_expired": N_(
        "Threadline's token is too old. An operator must install the app again and give its token to Threadline."
    ),
    "team_access_not_granted": N_(
        "Threadline is not installed in that workspace. An operator must install the app again and "
        "give its token to Threadline."
    ),
    "access_denied": N_("Slack does not let Threadline do that. An admin of the workspace can allow it."),
    "no_permission": N_("Slack does not let Threadline do that. An admin of the workspace can allow it."),
    "not_allowed_token_type": N_(
        "Slack was given the wrong kind of token. A bot token begins with xoxb-, an app-level token with xapp-."
    ),
    "ip_address_not_allowed": N_("The app's list of allowed IP addresses leaves this machine out. Add it there."),
    "org_login_required": N_("The workspace is being moved by Slack. Wait until that is over."),
    "unknown_method": N_("The address that stands for Slack's API does not know a call that Threadline needs."),
}
_NAMED_SCOPE: Final = N_(
    'Threadline lacks Slack\'s permission "{scope}". '
    "An operator must add it under OAuth & Permissions and reinstall the app."
)
_SOME_SCOPE: Final = N_(
    "Threadline lacks Slack's permission. An operator must add it under OAuth & Permissions and reinstall the app."
)
_APP_LEVEL: Final = N_(
    "Slack does not accept the app-level token. An operator must make one with connections:write "
    "under Basic Information and set SLACK_APP_TOKEN."
)


def refusal(method: str, answer: Mapping[str, Any]) -> SlackRefused:
    """The error for an answer of Slack's that says no. Slack's own details are left out: they may quote the message."""
    code = str(answer.get("error", ""))
    code = code if _CODE.fullmatch(code) else "unknown_error"
    if code == "missing_scope":
        needed = str(answer.get("needed", ""))
        if re.fullmatch(r"[a-z0-9_.:,-]{1,200}", needed):
            return SlackRefused(code, _NAMED_SCOPE, scope=needed)
        words = _SOME_SCOPE
    elif code in {"not_authed", "invalid_auth"} and method == "apps.connections.open":
        words = _APP_LEVEL
    elif code in WORDS:
        words = WORDS[code]
    else:
        return SlackRefused(code, N_("Slack refused that ({method}: {error})."), method=method, error=code)
    return SlackRefused(code, words)
