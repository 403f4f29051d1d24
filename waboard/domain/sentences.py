"""Sentences that are put together from parts, some of which others wrote."""

import re

_MARKS = "!?…\u3002\uff01\uff1f"
"""What ends a sentence and is no full stop. A text that ends with one keeps it."""
_END = re.compile(rf"[\s.,:;{_MARKS}]+$")
_BEGIN = re.compile(rf"^[\s.,:;{_MARKS}]+\s")
_LOOSE = re.compile(rf"\s+(?=[.{_MARKS}]+([\s)]|$))")
_DOTS = re.compile(r"(?<![/.])\.{2,}(?![./])")


def sentence(text: str) -> str:
    """End a text as a sentence, with exactly one mark: its own, or else a full stop.

    A text that says nothing stays empty, whatever marks it consists of.
    """
    end = _END.search(text)
    body = text[: end.start()] if end else text
    mark = end[0].strip()[:1] if end else ""
    tidy = _DOTS.sub("…", _LOOSE.sub("", _BEGIN.sub("", body).strip()))
    return f"{tidy}{mark if mark and mark in _MARKS else '.'}" if tidy else ""


def sentences(*texts: str) -> str:
    """Put texts one after the other, each as a sentence. Those that say nothing are left out."""
    return " ".join(filter(None, map(sentence, texts)))
