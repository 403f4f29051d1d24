"""What people see of a business, read and changed."""

from typing import Any

import httpx
import pytest

from tests.sandbox.lab import FAILED_NUMBER, FINISHED_NUMBER, Lab, lab
from tests.sandbox.test_senders import NUMBER, added

EMPTY: dict[str, Any] = {
    "about": "",
    "address": "",
    "description": "",
    "email": "",
    "vertical": "UNKNOWN",
    "websites": [],
    "displayName": "Sandbox client",
}


def info_of(number: str = FINISHED_NUMBER) -> str:
    return f"/whatsapp/1/senders/{number}/business-info"


async def change(sandbox: Lab, number: str = FINISHED_NUMBER, **changes: Any) -> httpx.Response:
    return await sandbox.http.patch(info_of(number), json=changes)


async def read(sandbox: Lab, number: str = FINISHED_NUMBER) -> dict[str, Any]:
    return (await sandbox.http.get(info_of(number))).json()


async def test_it_is_empty_at_first(sandbox: Lab):
    """But every property is there, as the document has them all required."""
    await sandbox.share()
    assert await read(sandbox) == EMPTY


async def test_what_is_given_changes_and_the_rest_stays(sandbox: Lab):
    """A list as a whole; null is as good as nothing."""
    await sandbox.share()
    await change(sandbox, about="Bread", websites=["https://a.test", "https://b.test"])
    response = await change(sandbox, websites=["https://c.test"], vertical="OTHER")
    assert (response.status_code, response.content) == (204, b"")
    await change(sandbox, about=None)
    changed = {"about": "Bread", "websites": ["https://c.test"], "vertical": "OTHER"}
    assert await read(sandbox) == {**EMPTY, **changed}


async def test_each_sender_has_its_own(sandbox: Lab):
    """Under the name that it was added with, which nobody can change here."""
    await sandbox.share()
    await added(sandbox)
    await change(sandbox, about="Bread", displayName="Other")
    assert await read(sandbox, NUMBER) == {**EMPTY, "displayName": "Acme"}
    assert (await read(sandbox))["displayName"] == "Sandbox client"


async def test_the_logo_is_only_in_the_books(sandbox: Lab):
    """Taken, and never fetched."""
    await sandbox.share()
    await change(sandbox, logoUrl="https://acme.test/logo.png")
    assert await read(sandbox) == EMPTY
    kept = (await sandbox.books())["business_info"]
    assert kept == {FINISHED_NUMBER: {"logoUrl": "https://acme.test/logo.png"}}


@pytest.mark.parametrize("number", [FAILED_NUMBER, "447000000000"])
async def test_only_a_registered_sender_has_one(sandbox: Lab, number: str):
    """404, in the newer family of error bodies."""
    await sandbox.share()
    answers = [await sandbox.http.get(info_of(number)), await change(sandbox, number, about="x")]
    assert [each.status_code for each in answers] == [404, 404]
    assert {each.json()["errorCode"] for each in answers} == {"E404"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("about", "x" * 131),
        ("address", "x" * 257),
        ("description", "x" * 513),
        ("email", "x" * 129),
        ("vertical", "BAKERY"),
        ("websites", ["a", "b", "c"]),
        ("logoUrl", "ftp://acme.test/logo.png"),
    ],
)
async def test_what_is_too_much_or_wrong_is_named(sandbox: Lab, name: str, value: Any):
    """And nothing is changed."""
    await sandbox.share()
    response = await change(sandbox, **{"about": "Bread", name: value})
    violations = [each["property"] for each in response.json()["violations"]]
    assert (response.status_code, violations) == (400, [name])
    assert await read(sandbox) == EMPTY


async def test_a_sender_is_up_to_fifteen_digits(sandbox: Lab):
    """Anything else cannot be one."""
    for number in ("1" * 16, "acme"):
        assert (await sandbox.http.get(info_of(number))).status_code == 400


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_ten_a_second(method: str):
    """Each of the two for itself."""
    async with lab(rate_limits=True) as sandbox:
        answers = [await sandbox.http.request(method, info_of(), json={}) for _ in range(11)]
    assert [each.status_code for each in answers[-2:]] == [404, 429]
