"""The client of the Graph API, against the sandbox and against scripted answers."""
