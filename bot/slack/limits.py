"""Slack's addresses and limits, each spelled once; the sources are the reference pages of docs.slack.dev."""

from typing import Final

# --- addresses --------------------------------------------------------------------------------------------------------

API_URL: Final = "https://slack.com/api/"
EVENTS_PATH: Final = "/slack/events"
"""Where our own door takes everything that Slack sends in HTTP mode."""
RESPONSE_HOSTS: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
"""Where the response_url of a command or an action leads (handling user interaction)."""
FILES_HOST: Final = "files.slack.com"
FILES_PATHS: Final = ("/files-pri/", "/files-tmb/")
FILES_REDIRECTS: Final = ("slack.com", "slack-files.com", "slack-edge.com")
"""Hosts, with those below them, that a download may be sent on to."""

FILE: Final = 1024**3
"""Bytes of the largest file that Slack takes (files.getUploadURLExternal)."""

# --- the door ---------------------------------------------------------------------------------------------------------

BODY: Final = 1024 * 1024
"""Bytes of a request that we read; Slack's own are far smaller."""
DEPTH: Final = 64
"""Levels of nesting in a body that we accept."""
CLOCK_SKEW: Final = 300
"""Seconds by which a request's timestamp may differ from our clock (verifying-requests-from-slack)."""
ANSWER: Final = 2.5
"""Seconds that we give ourselves where Slack gives us three."""

# --- messages ---------------------------------------------------------------------------------------------------------

MESSAGE_TEXT: Final = 4000
"""Characters of a message's text: chat.update refuses more, chat.postMessage asks for no more."""
METADATA_EVENT: Final = "threadline"
"""The event type of the metadata on what we post."""

# --- blocks and forms -------------------------------------------------------------------------------------------------

MODAL_BLOCKS: Final = 100
MODAL_TITLE: Final = 24
"""Characters of a form's title, and of each of its buttons."""
BLOCK_TEXT: Final = 3000
"""Characters of a section's text, or of one rich text element."""
HEADER_TEXT: Final = 150
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2000
OPTIONS: Final = 100
OPTION_TEXT: Final = 75
PLACEHOLDER: Final = 150
INPUT_TEXT: Final = 3000
LABEL: Final = 2000
ID: Final = 255
"""Characters of a block_id, action_id, callback_id or external_id."""
UNFURL_DOMAINS: Final = 5
"""Domains whose links an app may preview (app manifest reference)."""
FILE_INPUT: Final = 10
"""Files that one file_input takes."""

# --- calls ------------------------------------------------------------------------------------------------------------

PAGE: Final = 200
"""Entries of one page; Slack asks for no more than this although it allows more."""
POSTS_PER_SECOND: Final = 1.0
"""Messages a second into one channel (rate-limits)."""
CALLS_PER_MINUTE: Final = {
    "apps.connections.open": 1,
    "auth.test": 600,
    "bots.info": 50,
    "chat.delete": 50,
    "chat.getPermalink": 600,
    "chat.unfurl": 50,
    "chat.update": 50,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.members": 100,
    "conversations.open": 50,
    "conversations.replies": 50,
    "files.delete": 50,
    "files.info": 100,
    "functions.completeError": 50,
    "functions.completeSuccess": 50,
    "reactions.add": 50,
    "reactions.remove": 20,
    "usergroups.list": 20,
    "users.conversations": 50,
    "users.info": 100,
}
"""The tiers of the methods that we pace. What a person waits for (views, ephemeral messages) is left to Slack."""
