"""When a call of a rate-limited bucket may leave: an interval after the last one really left.

A caller takes the next free slot, sleeps until then, and leaves if the bucket is open. Leaving
closes the bucket for an interval from that instant, so a caller that wakes late delays the next one
instead of crowding it. A caller that never wakes closes nothing: the others keep their slots.

All times are seconds of one clock. Bucket's two numbers are all that the processes share.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """`next_at`: the next free slot. `held_until`: before it nobody leaves."""

    next_at: float = 0.0
    held_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the queue, `at` some instant. `wake_at`: when to try to leave, `at` or later.

    `spare`: how long this caller is known to need to leave once it may.
    """

    at: float
    wake_at: float
    spare: float


@dataclass(frozen=True, slots=True)
class Departure:
    """Leave to leave: from `at` to `latest`, and after that no more."""

    slot: Slot
    at: float
    latest: float
    closed_until: float


def advance(
    bucket: Bucket,
    place: Slot | Departure | None,
    now: float,
    interval: float,
    spare: float,
    lead: float,
) -> tuple[Bucket, Slot | Departure]:
    """Return how far a caller comes that is at `place`, and the bucket after that.

    `place` is None for a new caller, and a Departure for one that was too slow to use it. `spare`
    is how long the caller may need to leave once it may. `lead` is how long before it may leave it
    is told so at most, so that it can be there in time.
    """
    if place is None:
        bucket, place = _take_slot(bucket, now, interval, spare)
        if place.at > now:
            return bucket, place
    if isinstance(place, Departure):
        if bucket.held_until == place.closed_until:  # nobody has left or held it since
            bucket = replace(bucket, held_until=place.at)
        # It needs that long, and would be too slow for ever with less.
        place = replace(place.slot, spare=max(place.slot.spare, now - place.at))
    return _leave(bucket, place, now, interval, max(spare, place.spare), lead)


def _take_slot(bucket: Bucket, now: float, interval: float, spare: float) -> tuple[Bucket, Slot]:
    at = max(now, bucket.next_at, bucket.held_until)
    return replace(bucket, next_at=at + interval + spare), Slot(at, at, spare)


def _leave(
    bucket: Bucket, slot: Slot, now: float, interval: float, spare: float, lead: float
) -> tuple[Bucket, Slot | Departure]:
    opens_at = bucket.held_until
    if opens_at - now <= lead:
        at = max(now, opens_at)
        latest = at + spare
        closed_until = latest + interval
        # Those who wait already find out by themselves that they are later; new ones start there.
        delay = at - max(slot.at, opens_at)
        next_at = max(bucket.next_at + delay, closed_until)
        return Bucket(next_at, closed_until), Departure(slot, at, latest, closed_until)
    if opens_at - slot.at < interval:
        return bucket, replace(slot, wake_at=opens_at)
    # Others have left in this caller's place, or the upstream holds the bucket.
    return _take_slot(bucket, now, interval, spare)
