"""A CSV file of clients: checked as a whole before the first is started."""

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


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize("numbers", ["+1 313-513-8538;+12132186042", "+13135138538, +12132186042"])
def test_a_european_spreadsheet_is_read_as_any_other(tmp_path: Path, separator: str, numbers: str):
    """Several numbers stand in one cell, which it has quoted."""
    header = HEADER.replace(",", separator)
    line = separator.join(["acme", "1", "Acme", f'"{numbers}"'])
    (row,), problems = read_rows(file(tmp_path, f"\ufeff{header}\r\n{line}\r\n"))
    assert problems == []
    assert [n.strip() for n in row["phone_numbers"]] == row["phone_numbers"]
    assert [digits(n) for n in row["phone_numbers"]] == ["13135138538", "12132186042"]


def digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def test_numbers_that_are_not_quoted_are_named_with_what_to_do(tmp_path: Path):
    header = HEADER.replace(",", ";")
    _, (problem,) = read_rows(file(tmp_path, f"{header}\nacme;1;;+13135138538;+12132186042\n"))
    assert "line 2: a value without a column: a cell that holds the separator" in str(problem)


@pytest.mark.parametrize("cell", ["1.02384E+14", "1,02384e14", "1E+15"])
def test_a_number_that_a_spreadsheet_has_shortened_is_named_as_that(tmp_path: Path, cell: str):
    """Its digits are lost, so that it cannot be guessed."""
    text = f'client_ref,waba_id,phone_numbers\nacme,"{cell}","{cell}"\n'
    _, problems = read_rows(file(tmp_path, text))
    said = "a spreadsheet has shortened this number"
    assert [said in str(problem) for problem in problems] == [True, True]


@pytest.mark.parametrize("text", ["", "client_ref\nacme\n", "client_ref,waba_id,again\n"])
def test_a_file_without_the_columns_is_refused_with_those_that_there_are(tmp_path: Path, text: str):
    """Who begins anew with clients is said of the whole file."""
    with pytest.raises(BadInput, match="column") as caught:
        read_rows(file(tmp_path, text))
    assert "client_ref, " in caught.value.remedy
    assert "again" not in caught.value.remedy


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match="No such file"):
        read_rows(tmp_path / "none.csv")


def test_a_file_without_rows_brings_nobody(tmp_path: Path):
    assert read_rows(file(tmp_path, f"{HEADER}\n")) == ([], [])
