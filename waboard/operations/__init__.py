"""Use cases that the gateway and flows share: each takes the ledger and a clock."""
