"""How fast waboard is, each figure a ratio to a named baseline in the same run."""
