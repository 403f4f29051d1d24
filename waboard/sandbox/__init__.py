"""An Infobip that runs on loopback and behaves, and misbehaves, as its documents say.

It imports nothing else of waboard: sharing the client's models would mean sharing its mistakes.
"""

from waboard.sandbox.app import create_app
from waboard.sandbox.config import SandboxConfig

__all__ = ["SandboxConfig", "create_app"]
