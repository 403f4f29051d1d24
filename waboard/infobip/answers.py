"""An answer that was accepted, and the ways to read it that end in `InfobipError`, never worse."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import httpx
from pydantic import ValidationError

from waboard.infobip.endpoints import Endpoint
from waboard.infobip.error_bodies import read_json
from waboard.infobip.errors import InfobipError, unusable
from waboard.infobip.models import Wire

_Model = TypeVar("_Model", bound=Wire)


@dataclass(frozen=True)
class Answer:
    """What Infobip answered, beside what was being done for whom."""

    doing: str
    endpoint: Endpoint
    response: httpx.Response

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx, rather than a refusal that the caller said it accepts."""
        return self.response.is_success

    def fields(self) -> dict[str, Any] | None:
        """Read the body as a JSON object; None when it is something else."""
        body = read_json(self.response.text)
        return cast("dict[str, Any]", body) if isinstance(body, dict) else None

    def rows(self, key: str, *, required: bool = False) -> list[dict[str, Any]]:
        """Read a list of objects out of the body. One that the documents require must be there."""
        body = self.fields()
        found = None if body is None else body.get(key)
        if body is not None and found is None and not required:
            return []
        if not isinstance(found, list):
            raise self.unusable(f"without a list of {key}")
        return [row for row in cast("list[Any]", found) if isinstance(row, dict)]

    def read(self, model: type[_Model], found: object) -> _Model:
        """Read one model out of what was found in the body."""
        try:
            return model.model_validate(found)
        except ValidationError as error:
            wrong = {".".join(map(str, e["loc"])) or "the body" for e in error.errors()}
        # Raised out here: the other error holds the body, and must not come along as context.
        raise self.unusable(f"wrong in {', '.join(sorted(wrong))}")

    def unusable(self, missing: str) -> InfobipError:
        """Make the error that says what is missing from this answer."""
        return unusable(self.doing, self.endpoint, self.response, missing=missing)
