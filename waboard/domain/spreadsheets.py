"""A table as spreadsheets save it: its encoding, its separator, its header, its rows.

The separator is the one with which the first line names most of the columns: what follows may hold
any of them, as phone numbers that stand in one cell do.
"""

import codecs
import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import zip_longest

from waboard.domain.errors import BadInput

SEPARATORS = (",", ";", "\t", "|")
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as UTF-16 does, so it comes first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx, .ods and .xls begin."""
_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n])"?(?:\r\n?|\n)', re.IGNORECASE)
"""A first line of Excel's own, which names the separator."""


class _AsSaved(csv.excel):
    strict = True
    skipinitialspace = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row, by column, without its empty cells. It ends in that line of the file.

    `has_stray` says that a value stands under no column.
    """

    line: int
    cells: dict[str, str]
    has_stray: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a table may have, and those that it needs."""

    known: Collection[str]
    needed: Sequence[str]


def read_table(name: str, raw: bytes, columns: Columns) -> list[Row]:
    """Read a table. `name` is what it is called in an error.

    Raises BadInput, saying what to do, when it cannot be read or has other columns.
    """
    text = _decoded(name, raw)
    told = _SEPARATOR_LINE.match(text)
    if told is not None:
        lines = list(_lines(name, text[told.end() :], told[1], 1))
    else:
        lines = list(_lines(name, text, _separator(text, columns.known), 0))
    header = lines[0][1] if lines else []
    names = _names(name, header, columns)
    return [_row(line, names, cells) for line, cells in lines[1:]]


def _decoded(name: str, raw: bytes) -> str:
    if raw.startswith(_WORKBOOKS):
        raise BadInput(
            name,
            "this is a workbook, not a CSV file.",
            remedy="Save it as “CSV UTF-8” in the spreadsheet, and import that.",
        )
    encoding = next((known for mark, known in _MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # or what has no mark is in UTF-16
        raise BadInput(
            name,
            "this is no CSV file in UTF-8.",
            remedy="Save it as “CSV UTF-8” in the spreadsheet, and import that.",
        )
    return text


def _separator(text: str, known: Collection[str]) -> str:
    return max(SEPARATORS, key=lambda each: _named_with(text, each, known))


def _named_with(text: str, separator: str, known: Collection[str]) -> int:
    reader = csv.reader(StringIO(text, newline=""), _AsSaved, delimiter=separator)
    try:
        header = next((cells for cells in reader if "".join(cells).strip()), None)
    except csv.Error:
        return 0
    return sum(_plain(cell) in known for cell in header or ())


def _lines(name: str, text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), _AsSaved, delimiter=separator)
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield reader.line_num + skipped, stripped
    except csv.Error:
        raise BadInput(
            name,
            f"line {reader.line_num + skipped}, or one before it, has a quotation mark too many "
            "or too few.",
            remedy='Put a cell that holds quotes in quotes, and double those within: "The ""A""".',
        ) from None


def _plain(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _names(name: str, header: Sequence[str], columns: Columns) -> list[str]:
    names = [_plain(cell) for cell in header]
    missing = [each for each in columns.needed if each not in names]
    unknown = [
        cell for cell, plain in zip(header, names, strict=True) if plain not in {"", *columns.known}
    ]
    twice = [each for each in names if each and names.count(each) > 1]
    why = (
        (missing and f"the column {missing[0]} is missing")
        or (unknown and f"there is no column {unknown[0]!r}")
        or (twice and f"the column {twice[0]} is there twice")
    )
    if why:
        raise BadInput(
            name,
            f"{why}.",
            remedy="The first line names the columns, separated by commas, semicolons or tabs: "
            f"{', '.join(sorted(columns.known))}.",
        )
    return names


def _row(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    pairs = [pair for pair in zip_longest(names, cells, fillvalue="") if pair[1]]
    return Row(line, {name: cell for name, cell in pairs if name}, any(not n for n, _ in pairs))
