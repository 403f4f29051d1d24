"""Whether Meta lets a WABA and its numbers send: `health_status`.

Source: WA/support/health-status; the entities and errors as in Meta's OpenAPI document v23.0.
"""

from typing import Any

from waboard.sandbox.fates import CanSend, Fate, SenderFate

Json = dict[str, Any]
_ERRORS: dict[str, tuple[int, str, str]] = {
    "WABA": (
        141014,
        "The WABA is banned.",
        "Please visit Business Support Home for more details on how to appeal the ban.",
    ),
    "PHONE_NUMBER": (
        141000,
        "The phone number cannot be used now.",
        "Please visit WhatsApp Manager for more details.",
    ),
}
_SEVERITY = ("AVAILABLE", "LIMITED", "BLOCKED")


def waba_health(waba_id: str, fate: Fate, app_id: str) -> Json:
    """Of a WABA. The app that asks may not send: its partner alone does."""
    return _health([_entity("WABA", waba_id, fate.can_send)], app_id)


def number_health(waba_id: str, fate: Fate, sender: SenderFate, app_id: str) -> Json:
    """Of a number: its own, and its WABA's."""
    number = _entity("PHONE_NUMBER", sender.phone_number_id, sender.can_send)
    return _health([number, _entity("WABA", waba_id, fate.can_send)], app_id)


def _entity(kind: str, node: str, can_send: CanSend) -> Json:
    entity: Json = {"entity_type": kind, "id": node, "can_send_message": can_send}
    if can_send != "AVAILABLE":
        code, description, solution = _ERRORS[kind]
        said = {"error_description": description, "possible_solution": solution}
        entity["errors"] = [{"error_code": code, **said}]
    return entity


def _health(entities: list[Json], app_id: str) -> Json:
    app = {"entity_type": "APP", "id": app_id, "can_send_message": "BLOCKED"}
    all_of_them = [*entities, app]
    worst = max((each["can_send_message"] for each in all_of_them), key=_SEVERITY.index)
    return {"can_send_message": worst, "entities": all_of_them}
