"""Each await in the worker's and the front's path that touches Redis, Slack or a desk has a name, and is died at."""
