"""The gateway as its callers meet it: the real app, a real ledger, and a Prefect that obeys."""
