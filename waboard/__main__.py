"""`python -m waboard`: the same as `waboard`."""

from waboard.cli import app

app()
