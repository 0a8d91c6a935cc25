"""Text between Slack and the desks: one small tree, its renderings, and the way back from a desk's HTML or Markdown."""
