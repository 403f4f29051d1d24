"""Keeps secrets and phone numbers out of log lines that show URLs: what we call, and who calls us.

A query holds them: `GET /numbers/1/numbers?number=…` at Infobip, the exchange of a code at Meta,
our verify token in Meta's handshake. A signup link's token stands in its path.
"""

import logging
import re
from urllib.parse import unquote

from waboard.domain.masking import mask_digits

_QUERY = re.compile(r"\?(\S+|$)")
_TOKEN = re.compile(r"(/signup/)[^/\s?]+")


class MaskUrls(logging.Filter):
    """Show neither queries nor long runs of digits of what is filled into a log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, masked."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg if isinstance(arg, int | float | None) else mask_line(str(arg))
                for arg in record.args
            )
        return True


def mask_line(text: str) -> str:
    """Leave out the queries of URLs, the tokens of signup links, and most of a phone number."""
    # A number in a path may be written as people write it, and so with escapes.
    return mask_digits(_TOKEN.sub(r"\1…", unquote(_QUERY.sub("?…", text))))


_MASK_URLS = MaskUrls()


def mask_httpx_logs() -> None:
    """Install the filter for what we call; again is no harm."""
    logging.getLogger("httpx").addFilter(_MASK_URLS)


def mask_access_logs() -> None:
    """Install the filter for who calls us, in uvicorn's log; again is no harm."""
    logging.getLogger("uvicorn.access").addFilter(_MASK_URLS)
