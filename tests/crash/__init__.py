"""Kills real processes and compares what people wrote with what the desk holds."""
