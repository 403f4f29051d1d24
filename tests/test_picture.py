"""Bars, as a picture that Markdown can hold."""

from base64 import b64decode
from xml.etree import ElementTree

from waboard.picture import bars

HEAD = "data:image/svg+xml;base64,"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(*rows: tuple[str, int]) -> ElementTree.Element:
    """The picture, read back as XML."""
    url = bars(rows)
    assert url.startswith(HEAD)
    return ElementTree.fromstring(b64decode(url.removeprefix(HEAD)))  # noqa: S314 - it is our own


def words(picture: ElementTree.Element) -> list[str | None]:
    return [text.text for text in picture.iter(f"{SVG}text")]


def widths(picture: ElementTree.Element) -> list[float]:
    """How long the bars are that are filled."""
    rows = [*picture.iter(f"{SVG}rect")][1:]
    return [float(rect.attrib["width"]) for rect in rows[1::2]]


def test_each_number_has_a_bar_as_long_as_its_share_of_the_first():
    whole, half, none = widths(drawn(("asked for", 10), ("live", 5), ("lost", 0)))
    assert (whole, none) == (half * 2, 0)


def test_each_says_its_name_its_number_and_its_share():
    assert words(drawn(("asked for", 8), ("live", 2))) == [
        "asked for",
        "8 · 100%",
        "live",
        "2 · 25%",
    ]


def test_with_nothing_to_count_the_bars_are_empty():
    assert widths(drawn(("asked for", 0), ("live", 0))) == [0, 0]
    assert widths(drawn()) == []


def test_a_name_is_no_markup():
    assert words(drawn(("<b> & co", 1)))[0] == "<b> & co"
