"""The report in Markdown: how it goes with everyone, on one page. No phone number is on it."""

from datetime import datetime

from waboard.domain.report import Report, Stretch, Turn, Waiter, said
from waboard.markdown import span, table, time
from waboard.picture import bars


def page_of(report: Report) -> str:
    """Draw the page."""
    parts = [
        _head(report),
        _stands(report),
        _funnel(report),
        _stretches(report),
        _failures(report),
        _turns(report),
        _cap(report),
    ]
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> str:
    lines = [
        f"# The last {report.length}",
        report.summary,
        f"From {time(report.since)} to {time(report.now)}, UTC.",
    ]
    return "\n\n".join(lines)


def _stands(report: Report) -> str:
    return f"## How all stand now\n\n{said(report.stands)}"


def _funnel(report: Report) -> str:
    told = (
        "How far those came that were asked for in this time. What is of senders is reached with "
        "the first of them."
    )
    counts = ", ".join(f"{milestone} {count}" for milestone, count in report.funnel.items())
    picture = f"![{counts}]({bars([*report.funnel.items()])})"
    return "\n\n".join(["## How far they came", told, picture, f"{counts.capitalize()}."])


def _stretches(report: Report) -> str:
    header = ("From", "To", "Arrived", "Median", "95th percentile", "Waits longest now")
    rows = [_stretch(stretch, report.now) for stretch in report.stretches]
    return table("How long it took", header, rows)


def _stretch(stretch: Stretch, now: datetime) -> tuple[str, ...]:
    return (
        stretch.begin,
        stretch.end,
        str(stretch.count),
        span(stretch.median) if stretch.median is not None else "",
        span(stretch.most) if stretch.most is not None else "",
        _waiter(stretch.oldest, now),
    )


def _waiter(waiter: Waiter | None, now: datetime) -> str:
    # As code: a client's id may have signs that mean something in Markdown.
    return f"`{waiter.client_ref}`, for {span(now - waiter.since)}" if waiter else ""


def _failures(report: Report) -> str:
    # The longest comes last: where a page is too narrow, it is what is cut off.
    header = ("Reason", "Times", "Whose turn", "The last", "What to do")
    rows = [
        (each.reason, str(each.count), f"**{each.awaiting}**", f"`{each.last}`", each.remedy)
        for each in report.failures
    ]
    return table("What failed", header, rows) or "## What failed\n\nNothing."


def _turns(report: Report) -> str:
    header = ("Whose turn", "Onboardings", "For what", "Waits longest now")
    rows = [_turn(turn, report.now) for turn in report.turns]
    return table("Who is awaited now", header, rows)


def _turn(turn: Turn, now: datetime) -> tuple[str, ...]:
    reasons = ", ".join(f"{reason} {count}" for reason, count in turn.reasons.items())
    return f"**{turn.party}**", str(turn.count), reasons, _waiter(turn.oldest, now)


def _cap(report: Report) -> str:
    cap = report.cap
    frees = f" The next slot frees at {time(cap.frees_at)}." if cap.frees_at else ""
    queue = f" {cap.queued} in the queue." if cap.queued else ""
    return (
        f"## The weekly cap\n\n{cap.used} of {cap.cap} used in seven days, {cap.free} free."
        f"{frees}{queue}"
    )
