"""What this process has counted. It counts for itself and over all tests, so a count only grows."""

from collections.abc import Generator
from contextlib import contextmanager

from waboard.metrics import counted


def count_of(name: str, **labels: str) -> float:
    """The number that stands at a name with just these labels; 0 when none does."""
    samples = (sample for metric in counted() for sample in metric.samples)
    return sum(each.value for each in samples if (each.name, each.labels) == (name, labels))


@contextmanager
def counting(by: float, name: str, **labels: str) -> Generator[None]:
    """Whatever is done in here, it is counted so often."""
    before = count_of(name, **labels)
    yield
    assert count_of(name, **labels) - before == by
