"""A web page on which a person uses the true bot in a pretend Slack workspace, with the desk beside it."""

from bot.sandbox.page.server import page_app

__all__ = ["page_app"]
