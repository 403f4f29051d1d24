"""The steps: one external verb a module."""
