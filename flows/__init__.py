"""What runs: one deployment a module."""
