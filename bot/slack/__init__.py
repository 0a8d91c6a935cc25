"""Everything that speaks Slack: the front door, the listeners, the views, the threads and the texts."""
