"""`threadline manifest`: the Slack app's manifest, for Socket Mode or for HTTP."""

import sys

from bot.commands.console import fail
from bot.slack.manifest import manifest_text


def manifest(url: str) -> None:
    """Print it; with *url* for HTTP mode at that public address."""
    try:
        sys.stdout.write(manifest_text(url))
    except ValueError as wrong:
        fail(f"{wrong}.")
