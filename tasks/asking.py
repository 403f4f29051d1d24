"""Asking a provider many times in a row, where one answer that fails must not undo the others."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tasks.services import Services
from waboard.domain.errors import ProviderError

T = TypeVar("T")
PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a question is asked again. The limits count by the second."""


async def ask(services: Services, question: Callable[[], Awaitable[T]]) -> T:
    """Ask what changes nothing, and again where that may go better. Raises the last error."""
    for pause in PAUSES:
        try:
            return await question()
        except ProviderError as error:
            if not error.retryable:
                raise
        await services.sleep(pause)
    return await question()
