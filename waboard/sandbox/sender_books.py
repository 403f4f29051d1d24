"""What is known of a sender besides its fate: who proved to hold it."""

import hashlib
from dataclasses import dataclass
from typing import Any

CODE_LIVES = 10 * 60.0
"""Seconds. Nothing is published; Meta's own codes live about as long."""


@dataclass
class Proof:
    """A number that was asked for, and the one-time password that proves who holds it."""

    waba_id: str
    number: str
    display_name: str = ""
    code: str = ""
    sent_at: float = 0.0
    codes: int = 0
    """How many were sent."""
    verified: bool = False

    def renew(self, now: float) -> None:
        """Send another code: six digits, never those of the code before."""
        self.codes += 1
        first = int(hashlib.sha256(self.number.encode()).hexdigest(), 16)
        self.code, self.sent_at = f"{(first + self.codes) % 1_000_000:06d}", now

    def as_json(self) -> dict[str, Any]:
        """For the books; without the code."""
        return {"waba_id": self.waba_id, "codes": self.codes, "verified": self.verified}
