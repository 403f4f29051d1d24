"""Reading JSON of others without trusting its shape: what is something else counts as empty."""

from typing import Any, cast


def as_object(value: object) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a JSON array; an empty one for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def objects_in(value: object) -> list[dict[str, Any]]:
    """Return the objects in a JSON array."""
    return [cast("dict[str, Any]", each) for each in as_list(value) if isinstance(each, dict)]
