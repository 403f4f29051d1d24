"""Which live tests use the same waboard, in one process of `make test`.

To start one takes half a minute, and a client that waits holds up whoever comes after it. So there
are a few, and each has about as much to do.
"""

BOARDS = (
    ("test_senders", "test_signup_page"),
    ("test_field_cases", "test_metrics", "test_outcomes", "test_worker"),
    (
        "test_leaving",
        "test_prefect_ui",
        "test_proof",
        "test_reconcile",
        "test_schedules",
        "test_waiting_and_trouble",
    ),
)
WITHOUT = "test_readme"
"""Starts a waboard of its own, from a checkout of its own."""


def board_of(nodeid: str) -> str | None:
    """Name the waboard that a test uses; None for one that uses none of these."""
    folder, _, module = nodeid.partition("::")[0].removesuffix(".py").rpartition("/")
    names = (f"board {number}" for number, modules in enumerate(BOARDS) if module in modules)
    return next(names, None) if folder == "tests/live" else None
