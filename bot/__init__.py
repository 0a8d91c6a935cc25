"""Threadline, the Slack app: a thread becomes a ticket, and the two stay in step."""
