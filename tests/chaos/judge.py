"""Compares what Infobip's books say with what the ledger believes, when all is over."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import func, select

from waboard.domain.facts import READERS
from waboard.domain.onboarding import Onboarding, Sender
from waboard.domain.outcome import OutcomeName, stage_of
from waboard.domain.reasons import Reason
from waboard.ledger.database import Ledger
from waboard.ledger.effects import effects_of
from waboard.ledger.models import (
    Disposition,
    EffectRow,
    EffectStatus,
    EventRow,
    OnboardingRow,
    Verb,
    WaitRow,
)
from waboard.ledger.onboardings import read_onboarding
from waboard.sandbox.state import number_key

Json = dict[str, Any]
UNSURE = {EffectStatus.STARTED, EffectStatus.AMBIGUOUS}
KEPT = {"registration", "delivery"}
"""Kinds of webhooks that are all ours, so that each has to be in the ledger."""


@dataclass
class Judgement:
    """What is wrong, and what there was of everything."""

    faults: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])

    def demand(self, fine: bool, fault: str) -> None:
        """Note a fault unless all is fine."""
        if not fine:
            self.faults.append(fault)


@dataclass
class Case:
    """One onboarding: what the ledger believes, and what it did."""

    onboarding: Onboarding
    effects: list[EffectRow]

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.onboarding.client_ref

    def tries(self, verb: Verb, subject: str = "") -> list[EffectRow]:
        """How often something was done or begun."""
        return [e for e in self.effects if e.verb == verb and e.subject == subject]

    def doubts(self, verb: Verb, subject: str = "") -> int:
        """How often it was done again because nobody knew whether it was done before."""
        return sum(each.status in UNSURE for each in self.tries(verb, subject)[:-1])


async def judge(ledger: Ledger, books: Json, states: dict[str, str], fates: Json) -> Judgement:
    """Judge everything."""
    judgement = Judgement()
    for case in await _cases(ledger):
        judgement.counts[stage_of(case.onboarding)] += 1
        _judge_end(judgement, case, states)
        judge_share(judgement, case, books)
        judge_told(judgement, case, books)
        judge_reminded(judgement, case, books)
        judge_senders(judgement, case, books, fates[case.name])
    judgement.demand(not books["duplicates"], f"message ids used twice: {books['duplicates']}")
    judge_kept(judgement, books, await _judge_rows(judgement, ledger))
    return judgement


async def _cases(ledger: Ledger) -> list[Case]:
    async with ledger.begin() as session:
        ids = list(await session.scalars(select(OnboardingRow.id)))
        return [Case(await read_onboarding(session, i), await effects_of(session, i)) for i in ids]


def _judge_end(judgement: Judgement, case: Case, states: dict[str, str]) -> None:
    stage = stage_of(case.onboarding)
    judgement.demand(case.onboarding.ended_at is not None, f"{case.name} never ended: {stage}")
    state = states.get(str(case.onboarding.flow_run_id))
    judgement.demand(state == stage, f"{case.name} is {stage}, and its run {state}")


def judge_share(judgement: Judgement, case: Case, books: Json) -> None:
    """A WABA was shared once, and again only in doubt."""
    shares = books["shares"].get(case.onboarding.waba_id, 0)
    allowed = 1 + case.doubts(Verb.SHARE)
    judgement.demand(shares <= allowed, f"{case.name} was shared {shares} times")
    judgement.counts["shared again in doubt"] += max(shares - 1, 0)


def judge_told(judgement: Judgement, case: Case, books: Json) -> None:
    """Operator and provider heard what an onboarding came to, and again only in doubt."""
    # What it comes to may change between a crash and the next leg: then both are told.
    heard = [n for n in books["notifications"] if _is_about(n, case) and n["status"] == 204]
    heard = [n for n in heard if _outcome(n)]
    stage = stage_of(case.onboarding)
    for receiver in ("operator", "provider"):
        times = Counter(_outcome(n) for n in heard if n["receiver"] == receiver)
        judgement.demand(times[stage] >= 1, f"{receiver} did not hear that {case.name} is {stage}")
        judgement.counts[f"told the {receiver} again in doubt"] += times.total() - len(times)
        if receiver == "operator":
            for outcome, count in times.items():
                allowed = 1 + case.doubts(Verb.NOTIFY_OPERATOR, outcome)
                said = f"operator heard {count} times: {case.name} is {outcome}"
                judgement.demand(count <= allowed, said)
    # A message may come again under its id, by which its receiver can tell: one end has one id.
    ids = {n["headers"]["webhook-id"]: _gist(n) for n in heard if n["receiver"] == "provider"}
    ends = len(set(ids.values()))
    judgement.demand(len(ids) == ends, f"{case.name} was told {ends} ends under {len(ids)} ids")


def judge_reminded(judgement: Judgement, case: Case, books: Json) -> None:
    """The operator was told once of each wait that was late, and again only in doubt."""
    # A message can be about several, a line for each; a wait is told of once.
    told = [n["body"] for n in books["notifications"] if n["status"] == 204]
    lines = [line for body in told if _is_reminder(body) for line in body["body"].split("\n\n")]
    times = sum(line.startswith(f"{case.name}: ") for line in lines)
    begun = [e.status for e in case.effects if e.verb == Verb.REMIND_OPERATOR]
    done = begun.count(EffectStatus.DONE)
    said = f"{case.name} was {times} times called late, of {done} to {len(begun)}"
    judgement.demand(done <= times <= len(begun), said)
    judgement.counts["called late"] += times


def _is_reminder(body: Json) -> bool:
    return any(each in body.get("subject", "") for each in (": late, ", " wait longer than "))


def _gist(notification: Json) -> str:
    said = {**notification["body"]["data"], "sequence": None}
    return json.dumps(said, sort_keys=True)


def _outcome(notification: Json) -> str:
    body = notification["body"]
    if "data" in body:
        return body["data"].get("outcome", "")
    said = body["subject"].partition(": ")[2]
    return said if said in set(OutcomeName) else ""


def _is_about(notification: Json, case: Case) -> bool:
    body = notification["body"]
    subject = body.get("subject") or body.get("data", {}).get("client_ref", "")
    return subject.partition(":")[0] == case.name


def judge_senders(judgement: Judgement, case: Case, books: Json, fate: Json) -> None:
    """Each sender that the provider has is live, or there is a reason for it."""
    known = {sender.phone_number: sender for sender in case.onboarding.senders}
    for decided in fate["senders"]:
        number = decided["number"]
        if sender := known.pop(number, None):
            _judge_sender(judgement, case, sender, books, decided)
            continue
        judgement.counts["senders never heard of"] += 1
        told = _was_told(case, books, decided, {"FINISHED", "FAILED", "IN_PROGRESS"})
        judgement.demand(not told, f"{case.name}: {number} was told of, and is forgotten")
    judgement.demand(not known, f"{case.name}: nobody has {', '.join(known)}")


def _was_told(case: Case, books: Json, decided: Json, statuses: set[str]) -> bool:
    # By a registration event that was answered with success, and so never comes again.
    read = [w["body"] for w in _taken(books, {"registration"}) if isinstance(w["body"], dict)]
    ours = [body for body in read if str(body["businessAccountId"]) == case.onboarding.waba_id]
    said = [each for body in ours for each in body["senders"]]
    own = [each for each in said if each["phoneNumberId"] == decided["phone_number_id"]]
    return any(each["status"] in statuses for each in own)


def _taken(books: Json, kinds: set[str]) -> list[Json]:
    sent = [w for w in books["webhooks"] if w["kind"] in kinds]
    return [w for w in sent if w["status"] is not None and 200 <= w["status"] < 300]


def judge_kept(judgement: Judgement, books: Json, kept: set[str]) -> None:
    """What a webhook said is in the ledger if it was answered with success: it comes only once."""
    for webhook in _taken(books, KEPT):
        body = webhook["body"]
        raw = body if isinstance(body, str) else json.dumps(body)
        for fact in READERS[webhook["kind"]](raw.encode()):
            said = f"a {fact.kind} webhook was taken and is lost: {fact.waba_id or fact.message_id}"
            judgement.demand(fact.digest in kept, said)
        judgement.counts[f"webhooks taken: {webhook['kind']}"] += 1


def _judge_sender(
    judgement: Judgement, case: Case, sender: Sender, books: Json, decided: Json
) -> None:
    number = sender.phone_number
    sent = [m for m in books["messages"] if m["sender"] == number]
    judgement.demand(len(sent) <= 1, f"{case.name}: {len(sent)} messages from {number}")
    judgement.counts["senders live" if sender.is_live else "senders not live"] += 1
    if sender.is_live:
        _judge_live(judgement, case, sender, sent, books)
        return
    trouble = sender.trouble and sender.trouble.reason
    judgement.counts[f"not live: {trouble}"] += 1
    if not _is_excused(case, sender, decided, books):
        judgement.faults.append(f"{case.name}: {number} is not live, and should be: {trouble}")


def _judge_live(
    judgement: Judgement, case: Case, sender: Sender, sent: list[Json], books: Json
) -> None:
    registered = books["senders"].get(sender.phone_number)
    judgement.demand(registered is not None, f"{case.name}: {sender.phone_number} is live in vain")
    filed = (number_key(sender.phone_number), case.onboarding.entity_id)
    links = {(a["resourceId"], a["entityId"]) for a in books["associations"]}
    judgement.demand(filed in links, f"{case.name}: no association of {sender.phone_number}")
    delivered = [m for m in sent if m["status"] == "DELIVERED"]
    judgement.demand(bool(delivered), f"{case.name}: nothing arrived from {sender.phone_number}")


def _is_excused(case: Case, sender: Sender, decided: Json, books: Json) -> bool:
    # What the fate says, what nobody could know, and what the provider's bad days allow.
    if decided["status"] != "FINISHED" or decided["delivery"] != "delivered":
        return True
    reason = sender.trouble.reason if sender.trouble else None
    if reason == Reason.PROVIDER_UNAVAILABLE:
        return True
    sends = case.tries(Verb.SEND_TEST_MESSAGE, sender.phone_number)
    if reason == Reason.NO_REPORT and any(e.status in UNSURE for e in sends):
        return True
    if reason == Reason.NO_REPORT and any(e.external_id in books["handed_out"] for e in sends):
        # Its push was lost, and so was the answer to the pull: Infobip hands it out once. Had it
        # been kept, there would be a verdict.
        return True
    never = {"mischief": "report-never", "subject": sender.phone_number}
    if any(never.items() <= mischief.items() for mischief in books.get("mischief", [])):
        return True
    # It failed first, and that it finished was never told. Whoever is registered needs no telling.
    failed = reason == Reason.REGISTRATION_FAILED
    return failed and not _was_told(case, books, decided, {"FINISHED"})


async def _judge_rows(judgement: Judgement, ledger: Ledger) -> set[str]:
    async with ledger.begin() as session:
        waits = await session.scalar(
            select(func.count()).select_from(WaitRow).where(WaitRow.closed_at.is_(None))
        )
        events = list(await session.scalars(select(EventRow)))
        wabas = set(await session.scalars(select(OnboardingRow.waba_id)))
        sent = set(await session.scalars(select(EffectRow.external_id)))
    judgement.demand(waits == 0, f"{waits} waits are still open")
    for event in events:
        judgement.counts[f"events {event.disposition}"] += 1
        judgement.demand(bool(event.disposition), f"event {event.id} has no disposition")
        ours = event.waba_id in wabas or (event.message_id is not None and event.message_id in sent)
        forgotten = event.disposition == Disposition.PARKED and ours
        judgement.demand(not forgotten, f"event {event.id} of somebody we know is parked")
    return {event.digest for event in events}


def run_states(prefect_url: str) -> dict[str, str]:
    """The name of every flow run's state."""
    states: dict[str, str] = {}
    while True:
        query = {"limit": 200, "offset": len(states), "sort": "ID_DESC"}
        page = httpx.post(f"{prefect_url}/api/flow_runs/filter", json=query, timeout=60).json()
        states |= {run["id"]: run["state"]["name"] for run in page}
        if len(page) < 200:
            return states
