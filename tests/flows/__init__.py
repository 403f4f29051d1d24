"""Each flow, run in this process over all that it can come to."""
