"""A pretend Slack workspace, strict enough that the true bot runs against it over the wire."""

from bot.sandbox.slack.server import SlackServer
from bot.sandbox.slack.workspace import Answer, NotOffered, SandboxChannel, SandboxPerson, Workspace, registered

__all__ = ["Answer", "NotOffered", "SandboxChannel", "SandboxPerson", "SlackServer", "Workspace", "registered"]
