"""The way in: webhooks, REST, health."""
