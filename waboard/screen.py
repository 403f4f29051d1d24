"""What the command line shows. Phone numbers and raw bodies are masked."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from waboard.domain.ids import mask_phone
from waboard.domain.masking import mask_digits
from waboard.domain.report import said, stands
from waboard.domain.webhooks import HookState

STEPS = ("Shared", "Registered", "Associated", "Verified")
_MARKS = {"True": Text("yes", "green"), "False": Text("no", "red")}
_OPEN = Text("…", "yellow")


def onboarding_screen(onboarding: dict[str, Any]) -> RenderableType:
    """Show one onboarding: its senders, what is needed from whom, what people decided, links."""
    title = Text.assemble(
        (onboarding["client_ref"], "bold"),
        f" · WABA …{onboarding['waba_id'][-4:]} · attempt {onboarding['attempt']} · ",
        (onboarding["stage"], _stage_colour(onboarding)),
    )
    parts: list[RenderableType] = [title, *_waits(onboarding), _senders(onboarding)]
    if onboarding["requirements"]:
        parts.append(_requirements(onboarding["requirements"]))
    if onboarding["offboarding_duties"]:
        parts.append(_duties(onboarding["offboarding_duties"]))
    parts += _said_by_meta(onboarding)
    if onboarding["decisions"]:
        parts.append(_decisions(onboarding["decisions"]))
    links = onboarding["links"].items()
    parts += [Text(f"{_LINKS.get(name, 'In the Prefect UI')}: {url}") for name, url in links]
    return Group(*parts)


_LINKS = {"offboarding_flow_run": "The run with which it leaves, and its form"}


def _waits(onboarding: dict[str, Any]) -> list[Text]:
    clock = onboarding["clock"]
    return [Text(clock["said"], "bold red" if clock["late"] else "")] if clock else []


def _stage_colour(onboarding: dict[str, Any]) -> str:
    if not onboarding["ended"]:
        return "bold cyan"
    return "bold green" if onboarding["live"] else "bold red"


def _senders(onboarding: dict[str, Any]) -> Table:
    table = Table("Sender", *STEPS, "Live")
    shared = _mark(onboarding["conditions"], "Shared")
    for sender in onboarding["senders"]:
        marks = [_mark(sender["conditions"], step) for step in STEPS[1:]]
        live = _MARKS["True" if sender["live"] else "False"]
        _row(table, mask_phone(sender["phone_number"]), shared, *marks, live)
    if not onboarding["senders"]:
        _row(table, "none yet", shared)
    return table


def _mark(conditions: list[dict[str, Any]], kind: str) -> Text:
    found = next((c["status"] for c in conditions if c["type"] == kind), "")
    return _MARKS.get(found, _OPEN)


def _requirements(requirements: list[dict[str, Any]]) -> Table:
    table = Table("Not yet", "Why", "Whose turn", "What to do", show_lines=True)
    for needed in requirements:
        whom = mask_phone(needed["phone_number"]) if needed["phone_number"] else "onboarding"
        what = f"{whom} {needed['condition']}\n{needed['reason']}\nsince {_clock(needed['since'])}"
        what += "\nlate" if needed["late"] else ""
        _row(table, what, needed["message"], needed["awaiting"], needed["remedy"])
    return table


def _duties(duties: list[dict[str, Any]]) -> Table:
    table = Table("Left to do", "Why", "Whose turn", "What to do", show_lines=True)
    for duty in duties:
        whose = f"{duty['client_ref']} · WABA …{duty['waba_id'][-4:]}"
        what = f"{whose}\n{duty['condition']}\nsince {_clock(duty['since'])}"
        _row(table, what, duty["message"], duty["awaiting"], duty["remedy"])
    return table


def _said_by_meta(onboarding: dict[str, Any]) -> list[Text]:
    of_all = [("The WABA", onboarding.get("limit"))]
    of_all += [(mask_phone(s["phone_number"]), s.get("limit")) for s in onboarding["senders"]]
    limits = [f"{of}: limit {limit['value']} at Meta" for of, limit in of_all if limit]
    notices = [
        f"Meta, {_clock(each['said_at'])}: {mask_digits(each['said'])}"
        for each in onboarding.get("notices", [])
    ]
    return [Text(line) for line in (*limits, *notices)]


def _decisions(decisions: list[dict[str, Any]]) -> Table:
    table = Table("Decided", "What", "Who", "Why")
    for each in decisions:
        of = f" {mask_phone(each['phone_number'])}" if each["phone_number"] else ""
        what, by, why = f"{each['verb']}{of}", mask_digits(each["by"]), mask_digits(each["why"])
        _row(table, _clock(each["at"]), what, by, why)
    return table


def additions_screen(additions: list[dict[str, Any]]) -> RenderableType:
    """Show senders that are being added, and what happened last."""
    table = Table("Sender", "State", "What happened last", "Given up")
    for addition in additions:
        until = _clock(addition["give_up_at"]) if addition["give_up_at"] else ""
        number = mask_phone(addition["phone_number"])
        _row(table, number, addition["state"], mask_digits(addition["detail"]), until)
    return table


def departure_screen(departure: dict[str, Any]) -> RenderableType:
    """Show how far it is that a client leaves, and where it is approved."""
    until = departure["give_up_at"]
    lines = [
        f"{departure['state']}: {mask_digits(departure['detail'])}",
        f"Asked for at {_clock(departure['asked_at'])} by {mask_digits(departure['by'])}: "
        f"{mask_digits(departure['why'])}",
        *([f"Given up at {_clock(until)}."] if until else []),
        *(f"In the Prefect UI: {url}" for url in departure["links"].values()),
    ]
    return Group(*(Text(line) for line in lines))


def onboardings_screen(onboardings: list[dict[str, Any]]) -> RenderableType:
    """Show many onboardings, a line each, and how many came to what."""
    stage = Column("Stage", no_wrap=True)
    table = Table("Client", "WABA", stage, "Live senders", "Whose turn", "Since", "Id")
    for onboarding in onboardings:
        needed = next(iter(onboarding["requirements"]), None)
        live = sum(sender["live"] for sender in onboarding["senders"])
        _row(
            table,
            onboarding["client_ref"],
            f"…{onboarding['waba_id'][-4:]}",
            Text(onboarding["stage"], style=_stage_colour(onboarding)),
            f"{live} of {len(onboarding['senders'])}",
            _turn(onboarding, needed),
            _since(onboarding, needed),
            onboarding["id"],
        )
    counted = stands(Counter(onboarding["stage"] for onboarding in onboardings))
    return Group(table, Text(said(counted)))


def _turn(onboarding: dict[str, Any], needed: dict[str, Any] | None) -> Text:
    turn = Text(needed["awaiting"] if needed else "nobody's")
    duties = len(onboarding["offboarding_duties"])
    return turn.append(f"\nleft to do: {duties}", "yellow") if duties else turn


def _since(onboarding: dict[str, Any], needed: dict[str, Any] | None) -> Text:
    since = Text(_clock(needed["since"]) if needed else "")
    clock = onboarding["clock"]
    return since.append("\nlate", "bold red") if clock and clock["late"] else since


def events_screen(events: list[dict[str, Any]]) -> RenderableType:
    """Show events, a line each."""
    table = Table("Id", "Kind", "Source", "Disposition", "Times", "Received", "Detail")
    for event in events:
        _row(
            table,
            str(event["id"]),
            event["kind"],
            event["source"],
            event["disposition"],
            str(event["times_received"]),
            _clock(event["received_at"]),
            mask_digits(event["detail"]),
        )
    return table


def event_screen(event: dict[str, Any]) -> RenderableType:
    """Show one event with its body, numbers masked."""
    return Group(events_screen([event]), Text(mask_digits(event["body"])))


def messages_screen(messages: Sequence[dict[str, Any]]) -> RenderableType:
    """Show messages to the provider's own system, a line each."""
    table = Table("Id", "Type", "Client", "State", "Tries", "Written", "Next try", "Answer")
    for message in messages:
        _row(
            table,
            message["id"],
            message["type"],
            message["client_ref"],
            message["state"],
            str(message["tries"]),
            _clock(message["created_at"]),
            _clock(message["next_at"]) if message["next_at"] else "",
            message["answer"],
        )
    return table


def message_screen(message: dict[str, Any]) -> RenderableType:
    """Show one message with what is sent, numbers masked."""
    body = json.dumps(message["body"], indent=2, ensure_ascii=False)
    return Group(messages_screen([message]), Text(mask_digits(body)))


def _clock(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _row(table: Table, *cells: str | Text) -> None:
    # What others wrote is shown word for word: rich would read [brackets] as its own markup. And
    # nothing is cut in a narrow terminal: of an id that is cut, nobody can make use.
    table.add_row(*(Text.assemble(cell, overflow="fold") for cell in cells))


def link_screen(link: dict[str, Any]) -> RenderableType:
    """Say whose a link is that was just made, and until when. Its address comes after it."""
    before = "The link that it had is withdrawn. " if link["withdrew"] else ""
    return Text(f"{before}For {link['client_ref']}, once, until {_clock(link['expires_at'])}:")


def revoked_screen(links: list[dict[str, Any]]) -> RenderableType:
    """Show what was withdrawn, if anything was there to withdraw."""
    return links_screen(links) if links else Text("There is no live link.")


def links_screen(links: list[dict[str, Any]]) -> RenderableType:
    """List links, the newest first."""
    table = Table("Made", "State", "Until", "What came of it")
    for link in links:
        came = link["problem"] or link["detail"] or link["ending"] or ""
        _row(table, _clock(link["created_at"]), link["state"], _clock(link["expires_at"]), came)
    return table


def import_screen(told: dict[str, Any], *, dry: bool) -> RenderableType:
    """Say what became of each row, and how many there are of each."""
    always, counted = ("new", "already-there", "refused"), told["sum"]
    shown = [result for result in counted if counted[result] or result in always]
    parts = [f"{counted[result]} {_words(result)}" for result in shown]
    said = Text(f"{'A dry run: ' if dry else ''}{', '.join(parts)}.")
    if counted["not-asked"] == len(told["rows"]):
        return said
    table = Table("Client", "Result", "Stage, or why")
    for row in told["rows"]:
        _row(table, row["client_ref"], _words(row["result"]), row["problem"] or row["stage"])
    return Group(table, said)


def _words(name: str) -> str:
    return name.replace("-", " ")


def readiness_screen(found: dict[str, Any]) -> RenderableType:
    """Show the checklist: what holds, what does not, and whose turn it is."""
    table = Table("", "What", "Evidence", "Whose turn, where, how long", show_lines=True)
    for check in found["checks"]:
        title = check["title"] if check["needed"] else f"{check['title']} (advised)"
        turn = f"{check['awaiting']}: {check['where']} ({check['usually']})"
        _row(
            table,
            _held(check["holds"]),
            title,
            check["evidence"],
            turn if check["awaiting"] else "",
        )
    said = "Clients can be onboarded." if found["ready"] else "Not ready yet."
    return Group(table, Text(said, style="bold"))


def _held(holds: bool | None) -> Text:
    return Text("?", "yellow") if holds is None else _MARKS[str(holds)]


def hooks_screen(states: Sequence[HookState]) -> Table:
    """Show how Infobip's webhooks stand after they were set up."""
    table = Table("Webhook", "Infobip's event", "State")
    for state in states:
        done = "changed" if state.changed else "as it should be"
        shown = Text(done, "green") if state.took else Text("not offered to this account", "red")
        _row(table, state.hook.value, state.hook.event, shown)
    return table
