"""Hundreds of clients on a hostile provider, while everything is killed again and again.

`python -m tests.chaos --clients 500` is the long run; the short one is a test.
"""
