"""What the product does, without Slack's SDK, Redis or HTTP: it accepts wishes, composes tickets, carries them out."""
