"""The command line, with a gateway that says what the test wants."""
