"""A table is read as spreadsheets save it, or refused with what to do."""

import csv
from contextlib import suppress
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waboard.domain.errors import BadInput
from waboard.domain.spreadsheets import SEPARATORS, Columns, Row, read_table

COLUMNS = Columns(
    known={"client_ref", "waba_id", "client_name", "phone_numbers"},
    needed=("client_ref", "waba_id"),
)
NAMES = ("client_ref", "waba_id", "client_name", "phone_numbers")
SPELLINGS = (str.upper, str.title, lambda name: f" {name} ", lambda name: name.replace("_", " "))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
UTF_8 = "no CSV file in UTF-8"
cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cc", "Cs"])
    | st.sampled_from(',;|\t"\n'),
    max_size=12,
).map(str.strip)


def read(content: str | bytes) -> list[Row]:
    raw = content.encode() if isinstance(content, str) else content
    return read_table("clients.csv", raw, COLUMNS)


def values(content: str | bytes) -> list[dict[str, str]]:
    return [row.cells for row in read(content)]


@given(
    rows=st.lists(st.tuples(*[cells] * len(NAMES)).filter(any), max_size=4),
    separator=st.sampled_from(SEPARATORS),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    spelling=st.sampled_from(SPELLINGS),
    trailing=st.integers(0, 2),
    tells=st.booleans(),
)
def test_however_it_was_saved_it_says_the_same(
    rows, separator, encoding, end, quoting, spelling, trailing, tells
):
    """Encoding, separator, ends of lines, quotes, the header's spelling, and empty columns."""
    if end == "\r":  # Python's writer quotes no other end of a line than its own
        quoting = csv.QUOTE_ALL
    written = StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator=end, quoting=quoting)
    empty = [""] * trailing
    writer.writerow([*map(spelling, NAMES), *empty])
    writer.writerows([*row, *empty] for row in rows)
    said = f"sep={separator}{end}" if tells else ""
    content = (said + written.getvalue()).encode(encoding)
    expected = [dict(zip(NAMES, row, strict=True)) for row in rows]
    assert values(content) == [{n: c for n, c in row.items() if c} for row in expected]


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_it_holds_it_is_read_or_refused_with_what_to_do(raw: bytes):
    with suppress(BadInput):
        assert all(row.cells or row.has_stray for row in read(raw))


@pytest.mark.parametrize(
    ("content", "why", "remedy"),
    [
        ("", "the column client_ref is missing", "separated by commas, semicolons or tabs"),
        ("client_ref\nacme\n", "the column waba_id is missing", "client_ref, "),
        ("client_ref:waba_id\na:1\n", "the column client_ref is missing", "commas, semicolons"),
        ("client_ref;waba_id;colour\n", "there is no column 'colour'", "client_name"),
        ("client_ref,waba_id,Client-Ref\n", "the column client_ref is there twice", "client_ref"),
        (b"client_ref,waba_id\n\xff,1\n", UTF_8, "CSV UTF-8"),
        ("client_ref;waba_id;client_name\na;1;Café\n".encode("cp1252"), UTF_8, "CSV UTF-8"),
        ("client_ref\twaba_id\n".encode("utf-16-le"), UTF_8, "CSV UTF-8"),
        (b"\xff\xfec\0l\0i", UTF_8, "CSV UTF-8"),
        (b"PK\x03\x04\x14\0", "a workbook", "CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1", "a workbook", "CSV UTF-8"),
        ('client_ref,waba_id\n"acme"x,1\n', "line 2, or one before it, has a quot", "double"),
        ('client_ref,waba_id\n"acme,1\nb,2\n', "line 3, or one before it, has a quot", "double"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    content: str | bytes, why: str, remedy: str
):
    with pytest.raises(BadInput) as caught:
        read(content)
    assert caught.value.field == "clients.csv"
    assert why in caught.value.message
    assert remedy in caught.value.remedy


def test_the_header_says_the_separator_and_no_cell_does():
    """Phone numbers stand in one cell, with a separator of their own."""
    header = ";".join(NAMES)
    content = f'{header}\nacme;1;"Acme, Bakery, Inc";"+1;+2"\nbolt;2;;+3\n'
    assert values(content) == [
        {
            "client_ref": "acme",
            "waba_id": "1",
            "client_name": "Acme, Bakery, Inc",
            "phone_numbers": "+1;+2",
        },
        {"client_ref": "bolt", "waba_id": "2", "phone_numbers": "+3"},
    ]


@pytest.mark.parametrize(
    ("content", "stray"),
    [
        ("client_ref,waba_id\nacme,1,,\n", False),
        ("client_ref,waba_id\nacme,1,,x\n", True),
        ("client_ref,waba_id,,\nacme,1,,\n", False),
        ("client_ref,waba_id,,\nacme,1,x,\n", True),
    ],
)
def test_a_value_under_no_column_is_noticed_and_an_empty_one_is_none(content: str, stray: bool):
    (row,) = read(content)
    assert row == Row(2, {"client_ref": "acme", "waba_id": "1"}, stray)


def test_a_row_is_where_it_ends_in_the_file():
    content = 'sep=;\n\nclient_ref;waba_id;client_name\nacme;1;"Two\nlines"\n;;\nbolt;2;\n'
    assert [row.line for row in read(content)] == [5, 7]
