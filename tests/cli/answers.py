"""What a gateway answers: made of its own models, so that they cannot part."""

from datetime import timedelta
from typing import Any

from tests.domain.samples import BAD, GOOD, T0, WABA
from waboard.gateway.readiness import CheckView, ReadinessView
from waboard.gateway.senders import AdditionView
from waboard.gateway.signup import LinkView
from waboard.gateway.views import (
    ClockView,
    ConditionView,
    EventDetail,
    EventView,
    OffboardingDutyView,
    OnboardingView,
    RequirementView,
    RunView,
    SenderView,
)

SIGNUP_URL = "https://in.provider.example/signup/9nZ0kq7fT2cX4vB6mL8rY1sD3gH5jK7pQ9wE0uI2oA4"
RUN_URL = "http://127.0.0.1:4200/runs/flow-run/5"


def condition(kind: str, status: str = "True") -> ConditionView:
    return ConditionView(
        type=kind, status=status, reason="Reason", message="M.", evidence="event 1", changed_at=T0
    )


def requirement(number: str | None = BAD, **fields: Any) -> RequirementView:
    given = {
        "condition": "Registered",
        "phone_number": number,
        "reason": "RegistrationFailed",
        "message": "Registration failed: two-step verification is on.",
        "awaiting": "client",
        "remedy": "The client turns it off.",
        "since": T0,
        "by": None,
    }
    return RequirementView.model_validate(given | fields)


def offboarding_duty(**fields: Any) -> OffboardingDutyView:
    """What is left to do for a WABA of acme that has left."""
    given = {
        "onboarding_id": "0b0e0000-0000-4000-8000-000000000009",
        "client_ref": "acme",
        "waba_id": "5550006666",
        "condition": "Unshared",
        "reason": "ToBeUnshared",
        "message": "WABA …6666 is shared with Infobip.",
        "awaiting": "infobip",
        "remedy": "Ask your Infobip account manager to un-share this WABA.",
        "since": T0,
    }
    return OffboardingDutyView.model_validate(given | fields)


def clock(**fields: Any) -> ClockView:
    """A registration that takes too long."""
    given = {
        "kind": "registration",
        "awaiting": "infobip",
        "since": T0,
        "usual_median_seconds": 600,
        "usual_most_seconds": 86400,
        "from_waits": 0,
        "late_at": T0 + timedelta(days=1),
        "late": True,
        "said": "Late: waiting for Infobip for 26 h, usually under 24 h.",
    }
    return ClockView.model_validate(given | fields)


def sender(number: str, *, live: bool) -> SenderView:
    steps = ("Registered", "Associated", "Verified") if live else ()
    conditions = [condition(step) for step in steps] or [condition("Registered", "False")]
    return SenderView(
        phone_number=number,
        phone_number_id="1",
        live=live,
        application_id="waboard",
        entity_id="acme",
        standing=None,
        profile=None,
        health=None,
        conditions=conditions,
    )


def onboarding(**fields: Any) -> dict[str, Any]:
    """The documented example at its end."""
    given = {
        "id": "0b0e0000-0000-4000-8000-000000000001",
        "client_ref": "acme",
        "client_name": "Acme Bakery",
        "waba_id": WABA,
        "attempt": 1,
        "application_id": "waboard",
        "entity_id": "acme",
        "stage": "LiveLimited",
        "live": True,
        "ended": True,
        "summary": "1 of 2 senders live.",
        "created_at": T0,
        "ended_at": T0,
        "conditions": [condition("Shared")],
        "requirements": [requirement()],
        "senders": [sender(GOOD, live=True), sender(BAD, live=False)],
        "decisions": [],
        "health": None,
        "links": {"flow_run": RUN_URL},
    }
    return OnboardingView.model_validate(given | fields).model_dump(mode="json")


def on_the_way(**fields: Any) -> dict[str, Any]:
    """One that has just been asked for."""
    nothing: dict[str, Any] = {"requirements": [], "senders": [], "conditions": [], "links": {}}
    running = {"stage": "Sharing", "live": False, "ended": False, "ended_at": None}
    return onboarding(**{**running, **nothing, **fields})


def addition(**fields: Any) -> dict[str, Any]:
    """A sender that is being added; its one-time password is awaited."""
    given = {
        "phone_number": BAD,
        "state": "code-awaited",
        "detail": "A one-time password is on its way.",
        "asked_at": T0,
        "give_up_at": T0 + timedelta(days=3),
        "links": {"flow_run": RUN_URL},
    }
    return AdditionView.model_validate(given | fields).model_dump(mode="json")


def profile_change(**fields: Any) -> dict[str, Any]:
    """A run that changes a profile."""
    given = {"links": {"flow_run": RUN_URL}} | fields
    return RunView.model_validate(given).model_dump(mode="json")


def event(**fields: Any) -> dict[str, Any]:
    """One event in a list."""
    given = {
        "id": 7,
        "kind": "registration",
        "source": "webhook",
        "disposition": "applied",
        "detail": "It changed what is known.",
        "waba_id": WABA,
        "onboarding_id": None,
        "times_received": 2,
        "received_at": T0,
        "last_received_at": T0,
    }
    return EventView.model_validate(given | fields).model_dump(mode="json")


def whole_event(**fields: Any) -> dict[str, Any]:
    """One event with its body."""
    body = f'{{"senders":[{{"displayPhoneNumber":"+1 313-513-8538"}},"{BAD}"]}}'
    return EventDetail.model_validate(event() | {"body": body} | fields).model_dump(mode="json")


def link(**fields: Any) -> dict[str, Any]:
    """A signup link as it is listed; one that nobody has opened yet."""
    given = {
        "id": "5a1d0000-0000-4000-8000-000000000001",
        "client_ref": "acme",
        "state": "unopened",
        "created_at": T0,
        "expires_at": T0 + timedelta(days=14),
        "opened_at": None,
        "ending": None,
        "detail": "",
        "onboarding_id": None,
        "problem": None,
    }
    return LinkView.model_validate(given | fields).model_dump(mode="json")


def new_link(**fields: Any) -> dict[str, Any]:
    """A signup link that was just made: its address is in the answer."""
    return link(**{"url": SIGNUP_URL, **fields})


def check(key: str, holds: bool | None, **fields: Any) -> CheckView:
    """How one item of the checklist stands."""
    given = {
        "key": key,
        "title": f"Title of {key}",
        "needed": True,
        "holds": holds,
        "evidence": f"Evidence of {key}.",
        "awaiting": "" if holds else "operator",
        "where": f"Where {key} is",
        "usually": "minutes",
        "by_person": False,
    }
    return CheckView.model_validate(given | fields)


def readiness(*checks: CheckView, ready: bool = True) -> dict[str, Any]:
    """The checklist."""
    listed = list(checks) or [check("app-review", True)]
    return ReadinessView(ready=ready, at=T0, checks=listed).model_dump(mode="json")


def problem(status: int, detail: str = "The field is wrong.", remedy: str = "Mend it.") -> Any:
    """A problem as the gateway answers it."""
    return {"title": "T", "status": status, "detail": detail, "remedy": remedy}
