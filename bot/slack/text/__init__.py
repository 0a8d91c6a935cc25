"""Text between Slack and the tree: rich_text and mrkdwn in, rich_text out."""
