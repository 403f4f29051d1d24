"""Applications, entities, associations and numbers."""

from typing import Any

import pytest

from tests.sandbox.lab import FINISHED_NUMBER, Lab, association

ENTITIES = "/provisioning/1/entities"
APPLICATIONS = "/provisioning/1/applications"
ASSOCIATIONS = "/provisioning/1/associations"


async def prepare(sandbox: Lab) -> str:
    """A finished sender, an application and an entity; the sender's numberKey."""
    await sandbox.share()
    await sandbox.http.post(APPLICATIONS, json={"applicationId": "app"})
    await sandbox.http.post(ENTITIES, json={"entityId": "acme", "entityName": "Acme"})
    return await sandbox.number_key()


async def number(sandbox: Lab) -> dict[str, Any]:
    response = await sandbox.http.get("/numbers/1/numbers", params={"number": FINISHED_NUMBER})
    return response.json()["numbers"][0]


async def test_what_is_created_can_be_read_and_is_there_only_once(sandbox: Lab):
    """201 without a body, then 409."""
    body = {"entityId": "acme", "entityName": "Acme"}
    first = await sandbox.http.post(ENTITIES, json=body)
    again = await sandbox.http.post(ENTITIES, json=body)
    assert (first.status_code, first.content, again.status_code) == (201, b"", 409)
    assert (await sandbox.http.get(f"{ENTITIES}/acme")).json() == body


async def test_a_wrong_name_key_is_accepted_and_leaves_no_name(sandbox: Lab):
    """As an integrator found: only a read-back shows it."""
    response = await sandbox.http.post(ENTITIES, json={"entityId": "acme", "name": "Acme"})
    assert response.status_code == 201
    assert (await sandbox.http.get(f"{ENTITIES}/acme")).json() == {"entityId": "acme"}


async def test_put_renames(sandbox: Lab):
    """204, and 404 for what is not there."""
    await sandbox.http.post(APPLICATIONS, json={"applicationId": "app"})
    named = await sandbox.http.put(f"{APPLICATIONS}/app", json={"applicationName": "App"})
    other = await sandbox.http.put(f"{APPLICATIONS}/none", json={"applicationName": "App"})
    assert (named.status_code, other.status_code) == (204, 404)
    assert (await sandbox.http.get(f"{APPLICATIONS}/app")).json()["applicationName"] == "App"


async def test_lists_are_paged_from_zero(sandbox: Lab):
    """Three entities, two a page."""
    for each in ("a", "b", "c"):
        await sandbox.http.post(ENTITIES, json={"entityId": each})
    body = (await sandbox.http.get(ENTITIES, params={"page": 1, "size": 2})).json()
    assert body["results"] == [{"entityId": "c"}]
    assert body["paging"] == {"page": 1, "size": 2, "totalPages": 2, "totalResults": 3}


async def test_a_sender_is_associated_by_its_number_key(sandbox: Lab):
    """And the numbers API shows it."""
    key = await prepare(sandbox)
    assert (await number(sandbox))["applicationId"] == "default"
    response = await sandbox.http.post(ASSOCIATIONS, json=association(key))
    assert (response.status_code, response.content) == (201, b"")
    assert {"applicationId": "app", "entityId": "acme"}.items() <= (await number(sandbox)).items()


async def test_a_resource_has_one_entity_on_a_channel(sandbox: Lab):
    """409 for a second one, whichever it is."""
    key = await prepare(sandbox)
    await sandbox.http.post(ENTITIES, json={"entityId": "other"})
    await sandbox.http.post(ASSOCIATIONS, json=association(key))
    for entity in ("acme", "other"):
        response = await sandbox.http.post(ASSOCIATIONS, json=association(key, entityId=entity))
        assert response.status_code == 409


@pytest.mark.parametrize(
    "changes",
    [
        {"applicationId": "none"},
        {"entityId": "none"},
        {"resourceId": FINISHED_NUMBER},
        {"channel": "SMS"},
        {"resourceType": "DOMAIN"},
    ],
)
async def test_what_is_unknown_cannot_be_associated(sandbox: Lab, changes: dict[str, str]):
    """404; a bare phone number is not a resource id either."""
    key = await prepare(sandbox)
    response = await sandbox.http.post(ASSOCIATIONS, json=association(key, **changes))
    assert response.status_code == 404


async def test_the_entity_may_be_null_but_not_missing(sandbox: Lab):
    """As the description says; a later association with an entity is then free."""
    key = await prepare(sandbox)
    body = association(key, entityId=None)
    assert (await sandbox.http.post(ASSOCIATIONS, json=body)).status_code == 201
    assert (await sandbox.http.post(ASSOCIATIONS, json=body)).status_code == 409
    assert (await sandbox.http.post(ASSOCIATIONS, json=association(key))).status_code == 201
    del body["entityId"]
    assert (await sandbox.http.post(ASSOCIATIONS, json=body)).status_code == 400


async def test_an_association_is_read_back_and_listed(sandbox: Lab):
    """Exactly one, and by filters."""
    key = await prepare(sandbox)
    await sandbox.http.post(ASSOCIATIONS, json=association(key))
    single = await sandbox.http.get(f"{ASSOCIATIONS}/single", params=association(key))
    other = await sandbox.http.get(
        f"{ASSOCIATIONS}/single", params=association(key, entityId="other")
    )
    listed = await sandbox.http.get(ASSOCIATIONS, params={"entityId": "acme"})
    none = await sandbox.http.get(ASSOCIATIONS, params={"entityId": "other"})
    assert (single.json(), other.status_code) == (association(key), 404)
    assert (listed.json()["results"], none.json()["results"]) == ([association(key)], [])


async def test_the_single_association_must_be_named(sandbox: Lab):
    """400 without the resource."""
    response = await sandbox.http.get(f"{ASSOCIATIONS}/single", params={"channel": "WHATSAPP"})
    assert response.status_code == 400


async def test_an_association_is_deleted_only_as_it_is(sandbox: Lab):
    """A DELETE with a body, 204; another entity's is 404."""
    key = await prepare(sandbox)
    await sandbox.http.post(ASSOCIATIONS, json=association(key))
    other = association(key, entityId=None)
    wrong = await sandbox.http.request("DELETE", ASSOCIATIONS, json=other)
    right = await sandbox.http.request("DELETE", ASSOCIATIONS, json=association(key))
    assert (wrong.status_code, right.status_code) == (404, 204)
    assert "entityId" not in await number(sandbox)


@pytest.mark.parametrize("path", [f"{ENTITIES}/acme", f"{APPLICATIONS}/app"])
async def test_deleting_an_owner_resets_application_and_entity(sandbox: Lab, path: str):
    """Both, as documented, whichever of the two is deleted; then there is nothing to delete."""
    key = await prepare(sandbox)
    await sandbox.http.post(ASSOCIATIONS, json=association(key))
    assert (await sandbox.http.delete(path)).status_code == 200
    assert (await sandbox.http.delete(path)).status_code == 404
    shown = await number(sandbox)
    assert shown["applicationId"] == "default"
    assert "entityId" not in shown


async def test_the_default_application_stays(sandbox: Lab):
    """Everything falls back to it."""
    assert (await sandbox.http.delete(f"{APPLICATIONS}/default")).status_code == 400


async def test_numbers_are_paged_and_counted(sandbox: Lab):
    """Two senders, one a page; the count is of all."""
    await sandbox.share("777")
    first = (await sandbox.http.get("/numbers/1/numbers", params={"limit": 1})).json()
    last = (await sandbox.http.get("/numbers/1/numbers", params={"limit": 1, "page": 1})).json()
    assert first["numberCount"] == last["numberCount"] == 2
    assert first["numbers"] != last["numbers"]
    assert len(first["numbers"][0]["numberKey"]) == 32
