"""Many processes at once on one PostgreSQL ledger: whatever they do, what must hold does.

`python -m tests.hammer --processes 4 --seconds 60` works on the ledger's own functions;
`--http` sends the same through two gateways, with a whole waboard behind them.
"""
