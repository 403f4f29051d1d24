"""An answer that was accepted, and the ways to read it that end in `InfobipError`, never worse."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import httpx
from pydantic import ValidationError

from waboard.domain.lenient import read_items
from waboard.infobip.endpoints import Endpoint
from waboard.infobip.error_bodies import read_json
from waboard.infobip.errors import InfobipError, unusable
from waboard.infobip.models import Wire

_Model = TypeVar("_Model", bound=Wire)

logger = logging.getLogger(__name__)


class Rows(list[_Model], Generic[_Model]):
    """The rows of a list that could be read. `unread` is the error that names the others.

    A row that is not here may be among those: ask with `find` where its absence means something.
    """

    unread: InfobipError | None = None

    def find(self, is_it: Callable[[_Model], bool]) -> _Model | None:
        """Return the first that is it, or None. Raises `unread` when it may be among those."""
        found = next(filter(is_it, self), None)
        if found is None and self.unread is not None:
            raise self.unread
        return found


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

    def rows(self, key: str, *, required: bool = False) -> list[Any]:
        """Find a list in the body. One that the documents require must be there."""
        body = self.fields()
        found = None if body is None else body.get(key)
        if body is not None and found is None and not required:
            return []
        if not isinstance(found, list):
            raise self.unusable(f"without a list of {key}")
        return cast("list[Any]", found)

    def read_each(self, model: type[_Model], key: str, *, required: bool = False) -> Rows[_Model]:
        """Read a list of things that do not depend on each other: a bad one costs itself alone."""
        found, unread = read_items(model, self.rows(key, required=required), key)
        read = Rows[_Model](found)
        if unread:
            read.unread = self.unusable(unread)
            logger.warning("%s: %s", self.doing, unread)
        return read

    def read_all(self, model: type[_Model], key: str) -> list[_Model]:
        """Read a list of which nothing may be missed: a bad row makes the answer unusable."""
        read = self.read_each(model, key, required=True)
        if read.unread is not None:
            raise read.unread
        return read

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
