"""A pretend Slack workspace, strict enough that the true bot runs against it over the wire."""

from bot.sandbox.slack.workspace import Answer, SandboxChannel, SandboxPerson, Workspace

__all__ = ["Answer", "SandboxChannel", "SandboxPerson", "Workspace"]
