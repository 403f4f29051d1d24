"""Blocks, and how `waboard deploy` fills them."""
