"""The facts: what was received, what was done, what is true."""
