"""Threadline without any account: a pretend Slack workspace with a page, and strict stand-ins of the desks' servers."""
