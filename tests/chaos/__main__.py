"""The long run: `python -m tests.chaos --clients 500 --seed 7`."""

import argparse
import tempfile
from pathlib import Path

from tests.chaos.town import Town, postgres_url


def main() -> None:
    """Onboard a town and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=1800, help="Seconds for all of it.")
    parser.add_argument("--profile", default="hostile", help="calm or hostile")
    parser.add_argument("--deaths", type=int, default=2, help="At each boundary.")
    parser.add_argument("--calm", action="store_true", help="Kill nobody.")
    parser.add_argument("--home", type=Path, help="Keep the logs here.")
    given = parser.parse_args()
    town = Town(given.clients, given.seed, given.patience, profile=given.profile)
    town.deaths_a_boundary = given.deaths
    town.postgres = postgres_url()
    if given.calm:
        town.kill_every = None
    home = given.home or Path(tempfile.mkdtemp(prefix="chaos-"))
    home.mkdir(exist_ok=True)
    judgement, figures = town.onboard(home)
    print(f"seed {given.seed}, {given.clients} clients: {figures}")
    for name, count in sorted(judgement.counts.items()):
        print(f"  {count:6} {name}")
    print("\n".join(f"FAULT {fault}" for fault in judgement.faults) or "no fault")
    raise SystemExit(bool(judgement.faults))


if __name__ == "__main__":
    main()
