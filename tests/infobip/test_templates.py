"""Templates of a sender: what goes out, what comes back, and in which bucket."""

import pytest

from tests.infobip.conftest import sent
from waboard.domain.ids import PhoneNumber
from waboard.infobip import InfobipError
from waboard.infobip.templates import NewTemplate, Template, TemplateCategory, TemplateStatus

SENDER = PhoneNumber("447860041117")
PATH = f"/whatsapp/2/senders/{SENDER}/templates"
WIRE = {
    "id": "111",
    "businessAccountId": 104996122399160,
    "name": "welcome",
    "language": "en",
    "status": "APPROVED",
    "category": "UTILITY",
    "structure": {"body": {"text": "Hello {{1}}"}, "type": "TEXT"},
    "quality": "HIGH",
    "platform": {"entityId": "acme", "applicationId": "waboard"},
    "createdAt": "2026-07-01T00:00:00.000+0000",
    "lastUpdatedAt": "2026-07-02T00:00:00.000+0000",
}
READ = Template(
    id="111",
    business_account_id="104996122399160",
    name="welcome",
    language="en",
    status=TemplateStatus.APPROVED,
    category=TemplateCategory.UTILITY,
    quality="HIGH",
    structure_type="TEXT",
    body="Hello {{1}}",
    application_id="waboard",
    entity_id="acme",
    created_at="2026-07-01T00:00:00.000+0000",
    last_updated_at="2026-07-02T00:00:00.000+0000",
)
NEW = NewTemplate(
    name="welcome",
    language="en",
    category=TemplateCategory.UTILITY,
    body="Hello {{1}}",
    examples=("Ada",),
)


BARE = {"name": "bare", "language": "en", "structure": None}


class TestReading:
    """All of a sender, or one."""

    async def test_lists_those_of_a_sender(self, client, infobip, limiter):
        """They say which WABA they belong to: digits, whatever the wire type."""
        infobip.get(PATH).respond(json={"templates": [WIRE, BARE]})
        found = await client.templates.of(SENDER)
        assert found == [READ, Template(name="bare", language="en")]
        assert [each.is_approved for each in found] == [True, False]
        assert limiter.acquired == ["templates-read"]

    async def test_keeps_unknown_values(self, client, infobip):
        """A new status is shown, and is no approval."""
        infobip.get(PATH).respond(json={"templates": [{**WIRE, "status": "LIMITED", "new": 1}]})
        (found,) = await client.templates.of(SENDER)
        assert (found.status, found.is_approved) == ("LIMITED", False)

    async def test_no_sender_is_not_the_same_as_no_templates(self, client, infobip):
        """A 404 says that the sender is not there, or not yet."""
        infobip.get(PATH).respond(404)
        assert await client.templates.of(SENDER) is None
        infobip.get(PATH).respond(json={"templates": []})
        assert await client.templates.of(SENDER) == []

    @pytest.mark.parametrize("body", ["{}", "<html>", '{"templates": {}}'])
    async def test_a_broken_answer_is_not_no_templates(self, client, infobip, body):
        """Somebody would create them again."""
        infobip.get(PATH).respond(200, text=body)
        with pytest.raises(InfobipError, match="without a list of templates"):
            await client.templates.of(SENDER)

    async def test_reads_one(self, client, infobip, limiter):
        """By Meta's id."""
        infobip.get(f"{PATH}/111").respond(json=WIRE)
        assert await client.templates.get(SENDER, "111") == READ
        assert limiter.acquired == ["templates-read"]

    async def test_finds_none_when_there_is_none(self, client, infobip):
        """A 404 is an answer."""
        infobip.get(f"{PATH}/111").respond(404)
        assert await client.templates.get(SENDER, "111") is None


class TestCreating:
    """Handing one in for approval."""

    async def test_sends_text_and_an_example_for_each_placeholder(self, client, infobip, limiter):
        """What comes back has the id and the first status."""
        route = infobip.post(PATH).respond(201, json={**WIRE, "status": "PENDING"})
        created = await client.templates.create(SENDER, NEW)
        assert (created.id, created.status) == ("111", "PENDING")
        assert sent(route) == {
            "name": "welcome",
            "language": "en",
            "category": "UTILITY",
            "structure": {"body": {"text": "Hello {{1}}", "examples": ["Ada"]}},
        }
        assert limiter.acquired == ["templates-create"]

    def test_may_be_filed_under_an_application_and_an_entity(self):
        """Then its webhooks name them."""
        filed = NEW.model_copy(update={"application_id": "waboard", "entity_id": "acme"})
        assert filed.to_wire()["platform"] == {"applicationId": "waboard", "entityId": "acme"}

    @pytest.mark.parametrize("name", ["", "Welcome", "wel-come", "a" * 513])
    def test_a_name_has_small_letters_digits_and_underscores(self, name):
        """As documented, up to 512."""
        with pytest.raises(ValueError, match="name"):
            NewTemplate(name=name, language="en", category=TemplateCategory.UTILITY, body="Hello")

    async def test_an_answer_that_cannot_be_read_is_ambiguous(self, client, infobip):
        """It was probably created: list, do not repeat."""
        infobip.post(PATH).respond(201, text="")
        with pytest.raises(InfobipError) as caught:
            await client.templates.create(SENDER, NEW)
        assert caught.value.ambiguous
        assert SENDER not in str(caught.value)


class TestDeleting:
    """Removing one by its name."""

    @pytest.mark.parametrize("status", [204, 404])
    async def test_deletes_one(self, client, infobip, limiter, status):
        """Gone already is as good."""
        route = infobip.delete(f"{PATH}/welcome").respond(status)
        await client.templates.delete(SENDER, "welcome")
        assert route.called
        assert limiter.acquired == ["templates-delete"]
