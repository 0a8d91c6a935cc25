"""Helpdesks behind one contract: a library of its own that knows nothing of Slack, of Redis or of the bot."""
