"""Python's garbage collector, for processes that live long.

What is imported lives as long as the process, and yet each full collection looks through all of it:
a fifth of a second for Prefect's server, in which it answers nobody, and an eighth of its time.
"""

import gc

YOUNG = 10_000
"""New objects after which their garbage is looked for; Python's own 700 are for small programs."""


def collect_seldom() -> None:
    """Leave out what is there by now, and look for garbage among the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 50)
