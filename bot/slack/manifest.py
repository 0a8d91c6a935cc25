"""Reads and prints the app's manifest, whose source is manifest.yml; for HTTP mode with the addresses filled in."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from bot.slack.limits import EVENTS_PATH, UNFURL_DOMAINS

SOURCE: Final = Path(__file__).parents[2] / "manifest.yml"
_URLS: Final = {
    "event_subscriptions:": ("request_url",),
    "interactivity:": ("request_url", "message_menu_options_url"),
}


def manifest_text(url: str = "", *, domains: Sequence[str] = (), step: bool = False) -> str:
    """The manifest for Socket Mode, or with the public address *url* for HTTP mode.

    Args:
        url: where Slack reaches Threadline.
        step: with the step for Workflow Builder, which Slack takes from organisation-ready apps only.
        domains: hosts of tickets' addresses, for previews; Slack takes `UNFURL_DOMAINS`, and so the first of them.

    Raises:
        ValueError: *url* is not an https address.
    """
    source = SOURCE.read_text(encoding="utf-8")
    if step:
        source = re.sub(r"^#(?=functions:|  )", "", source, flags=re.MULTILINE)
        source = source.replace("org_deploy_enabled: false", "org_deploy_enabled: true")
    if domains:
        lines = ["  unfurl_domains:", *(f"    - {json.dumps(domain)}" for domain in domains[:UNFURL_DOMAINS])]
        source = source.replace("oauth_config:\n", "\n".join([*lines, "oauth_config:\n"]), 1)
    return _for_http(source, url) if url else source


def scopes() -> frozenset[str]:
    """The scopes that the bot token must have."""
    return frozenset(read(manifest_text())["oauth_config"]["scopes"]["bot"])


def _for_http(source: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"Slack sends to https addresses only, such as https://threadline.example.com, not {url!r}")
    address = json.dumps(url.rstrip("/").removesuffix(EVENTS_PATH) + EVENTS_PATH)
    lines = []
    for line in source.splitlines()[2:]:
        lines.append(line.replace("socket_mode_enabled: true", "socket_mode_enabled: false"))
        indent = len(line) - len(line.lstrip()) + 2
        lines += [f"{' ' * indent}{key}: {address}" for key in _URLS.get(line.strip(), ())]
        if line.strip().startswith("- command: "):
            lines.append(f"{' ' * indent}url: {address}")
    return "\n".join(["# The Slack app's manifest, for HTTP mode.", *lines, ""])


def read(text: str) -> dict[str, Any]:
    """What a manifest says."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found
