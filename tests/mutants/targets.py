"""What is mutated, and which tests should notice.

A mutant is tried on the tests of its own module first, and on the others if it survives those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

OWN = {
    "call_slots": ["tests/ledger/test_call_spacing.py"],
    "json_values": ["tests/domain/test_lenient.py"],
    "standing": ["tests/tasks/test_findings.py", "tests/ledger/test_senders.py"],
    "webhooks": ["tests/gateway/test_outbox.py"],
    "connection": ["tests/domain/test_meta_connection.py"],
}
"""The tests of those modules of the domain that have none of their own name."""


@dataclass(frozen=True)
class Target:
    """A module, or a folder of them, and its tests."""

    path: str
    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    share: int = 1
    """How many times as many mutants it gets as another."""

    def files(self) -> list[Path]:
        """The modules."""
        path = Path(self.path)
        return [path] if path.suffix else sorted(path.rglob("[!_]*.py"))

    def tests_of(self, path: Path) -> Sequence[str]:
        """The tests of one of its modules."""
        if self.own:
            return self.own
        if path.stem in OWN:
            return OWN[path.stem]
        if path.parent.name == "meta_events":
            return ["tests/domain/test_meta_events.py", "tests/domain/test_meta_judgements.py"]
        own = f"tests/domain/test_{path.stem}.py"
        return [own] if Path(own).exists() else self.others

    def module(self, name: str) -> "Target | None":
        """One of its modules by itself, with its own tests alone; None if it has none so named."""
        path = next((path for path in self.files() if path.stem == name), None)
        return Target(str(path), tuple(self.tests_of(path))) if path else None


def ledger(name: str, *others: str, own: tuple[str, ...] = ()) -> Target:
    """Describe a module of the ledger."""
    tests = tuple(f"tests/ledger/test_{each}.py" for each in (name, *own))
    return Target(f"waboard/ledger/{name}.py", tests, others)


FUNDAMENTALS = "tests/fundamentals/test_ledger.py"

TARGETS = [
    Target("waboard/domain", others=("tests/domain",), share=12),
    ledger(
        "look",
        "tests/ledger/test_meta_words.py",
        "tests/ledger/test_ownership.py",
        "tests/tasks/test_one_owner.py",
        FUNDAMENTALS,
    ),
    ledger(
        "events",
        "tests/gateway/test_events.py",
        "tests/gateway/test_hooks.py",
        "tests/gateway/test_meta_events.py",
        "tests/gateway/test_inbox.py",
        "tests/ledger/test_look.py",
        "tests/tasks/test_reply.py",
        "tests/tasks/test_template.py",
        FUNDAMENTALS,
    ),
    ledger(
        "waits",
        "tests/gateway/test_waker.py",
        "tests/ledger/test_clocks.py",
        "tests/tasks/test_runs.py",
        "tests/tasks/test_reminders.py",
        FUNDAMENTALS,
    ),
    ledger(
        "effects",
        "tests/tasks/test_step.py",
        "tests/tasks/test_share.py",
        "tests/tasks/test_verify.py",
        "tests/tasks/test_one_owner.py",
        FUNDAMENTALS,
    ),
    ledger("admissions", "tests/ledger/test_attempts.py", "tests/ledger/test_figures.py"),
    ledger("rate_limits", FUNDAMENTALS, own=("call_spacing",)),
    ledger("outbox", "tests/gateway/test_outbox.py", "tests/tasks/test_notify.py"),
    ledger(
        "attempts",
        "tests/ledger/test_departures.py",
        "tests/tasks/test_cancel.py",
        "tests/tasks/test_retry.py",
        "tests/tasks/test_registration_retry.py",
    ),
    Target(
        "tasks/step.py",
        ("tests/tasks/test_step.py",),
        ("tests/tasks/test_share.py", "tests/tasks/test_outage.py", "tests/tasks/test_verify.py"),
    ),
    Target(
        "tasks/associate.py",
        ("tests/tasks/test_associate.py",),
        ("tests/tasks/test_one_owner.py", "tests/tasks/test_owner_machine.py"),
    ),
    Target(
        "tasks/runs.py",
        ("tests/tasks/test_runs.py",),
        (
            "tests/tasks/test_cancel.py",
            "tests/tasks/test_orphans.py",
            "tests/tasks/test_retry.py",
            "tests/tasks/test_reminders.py",
        ),
    ),
    Target(
        "waboard/gateway/door.py",
        ("tests/gateway/test_signup.py",),
        ("tests/gateway/test_leaving.py", "tests/gateway/test_page.py"),
    ),
    Target(
        "waboard/gateway/authentication.py",
        ("tests/gateway/test_authentication.py",),
        ("tests/gateway/test_hooks.py", "tests/gateway/test_meta_hooks.py"),
    ),
    Target("waboard/worker/lost.py", ("tests/worker",)),
]


def named(names: Sequence[str]) -> list[Target]:
    """The targets of these names, or one module of a folder; all, if none is named."""
    if not names:
        return TARGETS
    whole = {Path(each.path).stem: each for each in TARGETS}
    folders = [each for each in TARGETS if not Path(each.path).suffix]
    modules = {name: found for each in folders for name in names if (found := each.module(name))}
    unknown = set(names) - {*whole, *modules}
    if unknown:
        raise SystemExit(f"There is no {', '.join(sorted(unknown))}: {', '.join(whole)}.")
    return [whole.get(name) or modules[name] for name in names]
