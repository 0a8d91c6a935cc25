"""What Threadline keeps: links, lanes, dedupe and shared secrets, all in Redis or Valkey."""
