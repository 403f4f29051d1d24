"""Read models: what pages, numbers and messages are drawn from."""
