"""Hammer for minutes, and print what was done: see the package."""

import argparse
import os

from tests.hammer.gateways import strike_gateways
from tests.hammer.strike import strike_ledger


def main() -> None:
    """Hammer, and end with 1 where something does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--http", action="store_true", help="Through two gateways.")
    given = parser.parse_args()
    postgres = os.environ["TEST_POSTGRES_URL"]
    strikes = strike_gateways if given.http else strike_ledger
    tally = strikes(postgres, given.processes, given.seconds, given.seed)
    print(f"{given.processes} processes, {given.seconds:.0f} s, seed {given.seed}")
    for name, count in sorted(tally.counts.items()):
        print(f"  {count:6} {name}")
    print("\n".join(f"FAULT {fault}" for fault in tally.faults) or "no fault")
    raise SystemExit(bool(tally.faults))


if __name__ == "__main__":
    main()
