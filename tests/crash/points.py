"""Numbered points around every call of the worker to store, Slack and desk, at any of which the process may die."""
class Points:
    pass
