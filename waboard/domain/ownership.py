"""Which of our onboardings owns a phone number that several of them have.

One number can stand under two WABAs that we onboard: after a migration, and legally so in Meta's
account model (meta.md 10). One onboarding at most counts it as live: the one that the upstreams'
evidence names last. Each upstream is ordered by its own clock; where they contradict each other, or
name nobody, a person decides.

What is decided depends on the set of facts alone, never on the order in which they came.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from waboard.domain.conditions import Status
from waboard.domain.delivery import Verdict
from waboard.domain.ids import mask_waba
from waboard.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class Listing:
    """Whether Meta's list of a WABA's numbers showed the number, and when we read it."""

    shown: bool
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """What one onboarding can show for a number.

    `named_at` is when Infobip last named its WABA for the number, by Infobip's clock.
    `is_connected` is whether the number was seen to work, which names no WABA. `removed_at` is when
    Meta said, by Meta's clock, that the WABA was taken from us, while that is its last word.
    `is_held` is whether the onboarding holds the number for registered.
    """

    onboarding_id: str
    client_ref: str
    waba_id: str
    named_at: datetime | None = None
    is_connected: bool = False
    removed_at: datetime | None = None
    listing: Listing | None = None
    is_held: bool = False

    @property
    def label(self) -> str:
        """How it is named to people: the client and the end of its WABA's id."""
        return f"{self.client_ref} (WABA {mask_waba(self.waba_id)})"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person's decision to whom a number belongs.

    `named_at` and `removed_at` are the latest of all claims when it was made: it stands until an
    upstream says something later by the same clock.
    """

    onboarding_id: str
    by: str
    at: datetime
    named_at: datetime | None
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """To whom a number belongs: an onboarding, or nobody while `owner` is None.

    `because` says what decides it; `rivals` are those between whom nothing does.
    """

    owner: Claim | None
    because: str
    since: datetime | None = None
    rivals: tuple[Claim, ...] = ()


def rule(claims: Collection[Claim], assignment: Assignment | None = None) -> Ruling | None:
    """Decide to whom a number belongs; None while nobody can show anything for it.

    `assignment` is the last one. Where Meta has removed all of them, that tells them not apart.
    """
    assigned = _assigned(claims, assignment)
    if assigned is not None:
        return assigned
    rivals = _rivals([each for each in claims if each.removed_at is None]) or _rivals(claims)
    if len(rivals) < 2:
        return _only(rivals[0], claims) if rivals else None
    named, listed = _named_last(rivals), _listed_alone(rivals)
    if named is not None and listed in (None, named):
        return Ruling(named, "Infobip registered it there last", named.named_at)
    if named is None and listed is not None:
        return Ruling(listed, "Meta lists it there alone", _read_at(listed))
    contradict = named is not None
    because = "Infobip and Meta contradict each other" if contradict else "no evidence decides it"
    return Ruling(None, because, rivals=tuple(rivals))


def counts_as_connected(claims: Collection[Claim], onboarding_id: str) -> bool:
    """Whether the number's being connected counts for an onboarding that no event has named.

    Not where Infobip named another that still has it: then it is that one's connection.
    """
    others = (each for each in claims if each.onboarding_id != onboarding_id)
    return all(each.named_at is None or each.removed_at is not None for each in others)


def _rivals(claims: Collection[Claim]) -> list[Claim]:
    named = [each for each in claims if each.named_at is not None]
    found = named or [each for each in claims if each.is_connected]
    return sorted(found, key=lambda each: each.onboarding_id)


def _only(claim: Claim, claims: Collection[Claim]) -> Ruling:
    gone = [each.removed_at for each in claims if each is not claim and each.removed_at]
    if gone:
        return Ruling(claim, "Meta removed the other WABA from us", max(gone))
    return Ruling(claim, "no other onboarding can show that it has it", claim.named_at)


def _named_last(rivals: Collection[Claim]) -> Claim | None:
    last = max((each.named_at for each in rivals if each.named_at), default=None)
    named = [each for each in rivals if each.named_at == last]
    return named[0] if last is not None and len(named) == 1 else None


def _listed_alone(rivals: Collection[Claim]) -> Claim | None:
    """The one that Meta lists the number under, where it is read since and listed nowhere else."""
    last = max((each.named_at for each in rivals if each.named_at), default=None)
    read = [each for each in rivals if each.listing and (not last or each.listing.read_at > last)]
    shown = [each for each in read if each.listing and each.listing.shown]
    return shown[0] if len(shown) == 1 and len(read) == len(rivals) else None


def _read_at(claim: Claim) -> datetime | None:
    return claim.listing.read_at if claim.listing else None


def _assigned(claims: Collection[Claim], assignment: Assignment | None) -> Ruling | None:
    if assignment is None or not _stands(assignment, claims):
        return None
    owner = [each for each in claims if each.onboarding_id == assignment.onboarding_id]
    because = f"{assignment.by} assigned it"
    return Ruling(owner[0], because, assignment.at) if owner else None


def _stands(assignment: Assignment, claims: Collection[Claim]) -> bool:
    """Whether no upstream has said anything later than what was known when it was made."""
    named = latest(each.named_at for each in claims)
    removed = latest(each.removed_at for each in claims)
    return not _is_later(named, assignment.named_at) and not _is_later(
        removed, assignment.removed_at
    )


def latest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the latest of the times that are known."""
    return max((each for each in times if each is not None), default=None)


def _is_later(time: datetime | None, than: datetime | None) -> bool:
    return time is not None and (than is None or time > than)


def verdict_for(claim: Claim, ruling: Ruling) -> Verdict:
    """Say to one claimant what was ruled: whether it owns the number, and who does."""
    if ruling.owner is None:
        return _unclear(claim, ruling)
    since = f" since {ruling.since:%Y-%m-%d %H:%M} UTC" if ruling.since else ""
    if ruling.owner.onboarding_id == claim.onboarding_id:
        said = f"The number belongs to this client{since}: {ruling.because}."
        return Verdict(Status.TRUE, Reason.NUMBER_OWNED, said)
    said = f"The number moved to {ruling.owner.label}{since}: {ruling.because}."
    return Verdict(Status.FALSE, Reason.NUMBER_MOVED, said)


def _unclear(claim: Claim, ruling: Ruling) -> Verdict:
    others = [e.label for e in ruling.rivals if e.onboarding_id != claim.onboarding_id]
    claim_it = "claims" if len(others) == 1 else "claim"
    said = f"{' and '.join(others)} {claim_it} the number too, and {ruling.because}."
    return Verdict(Status.UNKNOWN, Reason.OWNER_UNCLEAR, said)
