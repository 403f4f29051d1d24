"""A CSV file of clients: checked as a whole before anybody is started."""

from pathlib import Path

import pytest

from waboard.domain.errors import BadInput
from waboard.importing import read_rows

HEADER = "client_ref,waba_id,client_name,phone_numbers"


def file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "clients.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_each_row_is_the_request_for_one_onboarding(tmp_path: Path):
    numbers = "+1 313-513-8538; +12132186042"
    text = f"\ufeff{HEADER}\r\nacme, 102384266223093 ,Acme Bakery,{numbers}\r\n\r\n"
    rows, problems = read_rows(file(tmp_path, text + "bakery,2,,\r\n"))
    assert problems == []
    assert rows == [
        {
            "client_ref": "acme",
            "waba_id": "102384266223093",
            "client_name": "Acme Bakery",
            "phone_numbers": ["+1 313-513-8538", "+12132186042"],
        },
        {"client_ref": "bakery", "waba_id": "2"},
    ]


def test_every_problem_is_named_with_its_line(tmp_path: Path):
    text = f"{HEADER}\nacme,1,,\nb/c,12ab,,x\nacme,3,,\nlast,1,,\nmore,5,,,extra\n,6,,\n"
    _, problems = read_rows(file(tmp_path, text))
    told = "\n".join(map(str, problems))
    assert "line 3: client_ref" in told
    assert "line 3: waba_id: a WABA id is 1 to 20 decimal digits" in told
    assert "line 3: phone_numbers" in told
    assert "line 4: client_ref: line 2 has the same" in told
    assert "line 5: waba_id: line 2 has the same" in told
    assert "line 6: a value without a column" in told
    assert "line 7: client_ref: Field required" in told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the column client_ref is missing"),
        ("client_ref\nacme\n", "the column waba_id is missing"),
        ("client_ref,waba_id,colour\n", "there is no column 'colour'"),
        (b"client_ref,waba_id\n\xff,1\n", "no CSV file in UTF-8"),
        ('client_ref,waba_id\n"acme"x,1\n', "no CSV file in UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_columns_it_needs(
    tmp_path: Path, text: str | bytes, why: str
):
    with pytest.raises(BadInput, match=why) as caught:
        read_rows(file(tmp_path, text))
    assert "client_ref, " in caught.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match="No such file"):
        read_rows(tmp_path / "none.csv")


def test_a_file_without_rows_brings_nobody(tmp_path: Path):
    assert read_rows(file(tmp_path, f"{HEADER}\n")) == ([], [])
