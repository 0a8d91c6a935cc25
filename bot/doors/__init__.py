"""The doors for machines: health and metrics for the operator, and what helpdesks call when a ticket changed."""
