"""A Prefect worker type that runs legs inside one process: `prefect worker start --pool waboard`.

The stock process worker starts a Python process for each leg, which costs seconds of CPU for what
is a few HTTP calls.
"""

from waboard.worker.worker import OnboardingWorker

__all__ = ["OnboardingWorker"]
