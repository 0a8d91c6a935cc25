"""`threadline manifest`: the Slack app's manifest, for Socket Mode or for HTTP."""

import sys
from pathlib import Path

from bot.commands.console import err, fail
from bot.commands.opening import settings_at, settings_file
from bot.settings import Settings, SettingsError, load
from bot.slack.addresses import hosts
from bot.slack.limits import UNFURL_DOMAINS
from bot.slack.manifest import manifest_text


def manifest(url: str, config: Path | None, *, step: bool) -> None:
    """Print it; with *url* for HTTP mode at that public address, and for the desks of the settings where there are any.

    The app is often made before the settings are complete, so only those that were asked for have to be right.
    """
    settings = settings_at(config) if config else _usual()
    domains = hosts(desk.ticket_address for desk in settings.desks.values()) if settings else ()
    if left_out := domains[UNFURL_DOMAINS:]:
        _note(f"Slack takes {UNFURL_DOMAINS} domains for previews. Left out: {', '.join(left_out)}.")
    try:
        sys.stdout.write(manifest_text(url, domains=domains, step=step))
    except ValueError as wrong:
        fail(f"{wrong}.")


def _usual() -> Settings | None:
    path = settings_file(None)
    try:
        return load(path) if path.exists() else None
    except SettingsError:
        _note(f"{path} is not complete yet, so links to tickets get no previews. Print the manifest again when it is.")
        return None


def _note(words: str) -> None:
    err.print(words, markup=False, soft_wrap=True)
