"""Each operation: what goes out, what comes back, and in which bucket it waits its turn."""

import logging

import httpx
import pytest
import respx
from pydantic import SecretStr

from tests.infobip.conftest import BASE, KEY, RecordingLimiter, sent
from waboard.domain.errors import BadInput
from waboard.domain.ids import NumberKey, PhoneNumber, WabaId
from waboard.infobip import LIMITS, InfobipClient, InfobipError
from waboard.infobip.endpoints import GET_ENTITY
from waboard.infobip.limits import UNPUBLISHED
from waboard.infobip.models import Application, Association, Entity, TemplateMessage

WABA = WabaId("104996122399160")
NUMBER = PhoneNumber("447860041117")
NUMBER_KEY = NumberKey("58B3840032C7774BAC840EEEA2C23A44")
LINK = {
    "resourceType": "NUMBER",
    "channel": "WHATSAPP",
    "applicationId": "waboard",
    "entityId": "acme",
    "resourceId": NUMBER_KEY,
}


class TestShareWaba:
    """Handing a WABA to Infobip."""

    PATH = "/whatsapp/1/embedded-signup/registrations/share-waba"

    async def test_sends_the_id_as_a_string_under_our_key(self, client, infobip, limiter):
        """By default the wire type is the one of the programme's page."""
        route = infobip.post(self.PATH).respond(202)
        await client.share_waba(WABA)
        assert sent(route) == {"businessAccountId": WABA}
        assert route.calls.last.request.headers["authorization"] == f"App {KEY}"
        assert limiter.acquired == ["share-waba"]

    async def test_sends_the_id_as_a_number_when_told_to(self, infobip):
        """The Java client's wire type is one argument away."""
        route = infobip.post(self.PATH).respond(202)
        async with InfobipClient(BASE, SecretStr(KEY), waba_id_as="number") as client:
            await client.share_waba(WABA)
        assert sent(route) == {"businessAccountId": int(WABA)}

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    async def test_takes_any_2xx_for_acceptance_and_reads_no_body(self, client, infobip, status):
        """A body that nobody documented cannot break anything."""
        infobip.post(self.PATH).respond(status, content=b"<<<")
        await client.share_waba(WABA)


class TestSenderQuality:
    """Asking how senders stand."""

    PATH = "/whatsapp/1/senders/quality"

    async def test_asks_for_several_senders_in_one_value(self, client, infobip, limiter):
        """The document's own example is one comma-separated value."""
        route = infobip.get(self.PATH).respond(json={"results": []})
        assert await client.sender_quality([NUMBER, PhoneNumber("447860041118")]) == []
        assert dict(route.calls.last.request.url.params) == {"senders": "447860041117,447860041118"}
        assert limiter.acquired == ["senders-quality"]

    async def test_keeps_unknown_values_and_ignores_unknown_fields(self, client, infobip):
        """A new status is shown, not an exception; a null one is unknown."""
        row = {"sender": "+44 7860 041117", "status": "ASLEEP", "qualityRating": None, "new": [1]}
        infobip.get(self.PATH).respond(json={"results": [row], "paging": {}})
        (quality,) = await client.sender_quality([NUMBER])
        assert (quality.sender, quality.status, quality.quality_rating) == (
            NUMBER,
            "ASLEEP",
            "UNKNOWN",
        )

    @pytest.mark.parametrize("count", [0, 101])
    async def test_refuses_more_numbers_than_one_call_may_hold(self, client, count):
        """The caller splits: it knows who waits for which number."""
        with pytest.raises(ValueError, match="1 to 100 numbers"):
            await client.sender_quality([NUMBER] * count)

    @pytest.mark.parametrize("body", ["[]", "null", "{}", '{"results": {}}', "<html>", ""])
    async def test_does_not_take_an_unreadable_answer_for_no_senders(self, client, infobip, body):
        """An empty list is evidence; a broken answer is not."""
        infobip.get(self.PATH).respond(200, text=body)
        with pytest.raises(InfobipError, match="without a list of results") as caught:
            await client.sender_quality([NUMBER])
        assert not caught.value.retryable
        assert not caught.value.ambiguous


@pytest.mark.parametrize("kind", ["application", "entity"])
class TestApplicationsAndEntities:
    """Two kinds of one thing."""

    @pytest.fixture
    def path(self, kind):
        return f"/provisioning/1/{'applications' if kind == 'application' else 'entities'}"

    async def test_reads_one(self, client, infobip, limiter, kind, path):
        """The name can be null: it is, when it was created under a wrong field name."""
        infobip.get(f"{path}/acme").respond(json={f"{kind}Id": "acme", f"{kind}Name": None})
        model = Application if kind == "application" else Entity
        found = await getattr(client, f"get_{kind}")("acme")
        assert found == model.model_validate({f"{kind}Id": "acme"})
        assert limiter.acquired == ["provisioning"]

    async def test_finds_none_when_there_is_none(self, client, infobip, kind, path):
        """A 404 is an answer."""
        infobip.get(f"{path}/acme").respond(404)
        assert await getattr(client, f"get_{kind}")("acme") is None

    async def test_creates_one(self, client, infobip, limiter, kind, path):
        """True: it was not there before."""
        route = infobip.post(path).respond(201)
        assert await getattr(client, f"create_{kind}")("acme", "Acme") is True
        assert sent(route) == {f"{kind}Id": "acme", f"{kind}Name": "Acme"}
        assert limiter.acquired == ["provisioning"]

    async def test_finds_the_id_taken(self, client, infobip, kind, path):
        """A 409 is normal: Infobip may have created it by itself."""
        infobip.post(path).respond(409, json={})
        assert await getattr(client, f"create_{kind}")("acme", "Acme") is False

    async def test_renames_one(self, client, infobip, limiter, kind, path):
        """The id is in the path, the name in the body."""
        route = infobip.put(f"{path}/acme").respond(204)
        await getattr(client, f"rename_{kind}")("acme", "Acme & Sons")
        assert sent(route) == {f"{kind}Name": "Acme & Sons"}
        assert limiter.acquired == ["provisioning"]

    async def test_quotes_the_id_in_the_path(self, client, infobip, kind, path):
        """An id cannot climb out of its place in the URL."""
        route = infobip.get(url__startswith=BASE).respond(404)
        await getattr(client, f"get_{kind}")("a/b?c")
        assert route.calls.last.request.url.raw_path.decode() == f"{path}/a%2Fb%3Fc"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_an_id_made_of_dots_never_becomes_a_path(segment):
    """An HTTP library would resolve it and call another operation."""
    with pytest.raises(ValueError, match="dots"):
        GET_ENTITY.at(segment)


class TestFindNumber:
    """From digits to a number key."""

    PATH = "/numbers/1/numbers"

    async def test_prefers_the_number_whose_type_is_whatsapp(self, client, infobip, limiter):
        """The same digits may be listed for SMS as well, and partial matches come along."""
        rows = [
            {"numberKey": "SMS", "number": NUMBER, "capabilities": ["SMS"]},
            {"numberKey": "CAN", "number": NUMBER, "type": "X", "capabilities": ["WHATSAPP"]},
            {"numberKey": "IS", "number": f"+{NUMBER}", "type": "WHATSAPP", "capabilities": None},
            {"numberKey": "OTHER", "number": f"{NUMBER}9", "type": "WHATSAPP"},
            {"number": NUMBER, "type": "WHATSAPP", "capabilities": ["WHATSAPP"]},
        ]
        route = infobip.get(self.PATH).respond(json={"numbers": rows, "numberCount": 5})
        found = await client.find_number(NUMBER)
        assert found is not None
        assert found.number_key == "IS"
        assert dict(route.calls.last.request.url.params) == {"number": NUMBER}
        assert limiter.acquired == ["numbers"]

    async def test_prefers_a_number_that_can_do_whatsapp(self, client, infobip):
        """Second best after the type."""
        rows = [
            {"numberKey": "SMS", "number": NUMBER, "capabilities": ["SMS"]},
            {"numberKey": "CAN", "number": NUMBER, "capabilities": ["SMS", "WHATSAPP"]},
        ]
        infobip.get(self.PATH).respond(json={"numbers": rows})
        found = await client.find_number(NUMBER)
        assert found is not None
        assert found.number_key == "CAN"

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(404),
            httpx.Response(200, json={}),
            httpx.Response(200, json={"numbers": []}),
        ],
    )
    async def test_finds_none_when_there_is_none(self, client, infobip, answer):
        """No list, an empty one and a 404 all mean that it is not there."""
        infobip.get(self.PATH).mock(return_value=answer)
        assert await client.find_number(NUMBER) is None


class TestAssociations:
    """Linking a number, reading the link, removing it."""

    PATH = "/provisioning/1/associations"

    async def test_reads_those_of_one_number_for_whatsapp(self, client, infobip, limiter):
        """What the filter should have left out is left out here."""
        others = [{**LINK, "resourceId": "OTHER"}, {**LINK, "channel": "SMS"}]
        route = infobip.get(self.PATH).respond(json={"results": [LINK, *others], "paging": {}})
        assert await client.associations(NUMBER_KEY) == [Association.model_validate(LINK)]
        params = dict(route.calls.last.request.url.params)
        assert params == {
            "resourceType": "NUMBER",
            "channel": "WHATSAPP",
            "resourceId": NUMBER_KEY,
            "size": "1000",
        }
        assert limiter.acquired == ["provisioning"]

    @pytest.mark.parametrize(
        ("links", "paging", "is_last"),
        [
            (1000, {}, False),
            (999, {}, True),
            (1000, {"totalResults": 3000}, True),
            (1000, {"totalResults": 3001}, False),
            (1, None, True),
        ],
    )
    async def test_reads_all_by_pages_of_a_thousand(
        self, client, infobip, limiter, links, paging, is_last
    ):
        """A page is the last that is not full, or with which all are there that were counted."""
        answer = {"results": [LINK] * links, "paging": paging}
        route = infobip.get(self.PATH).respond(json=answer)
        page = await client.associations_page(2)
        assert (len(page.found), page.is_last) == (links, is_last)
        assert page.total == (paging or {}).get("totalResults")
        params = dict(route.calls.last.request.url.params)
        assert (params["page"], params["size"]) == ("2", "1000")
        assert limiter.acquired == ["provisioning"]

    async def test_reads_all_that_an_entity_has_on_every_channel(self, client, infobip):
        """Page by page, and nothing that the filter should have left out."""
        theirs = {**LINK, "entityId": "bakery"}
        pages = [[theirs] * 1000, [LINK, {**LINK, "channel": "SMS"}, theirs]]
        answers = [httpx.Response(200, json={"results": page, "paging": {}}) for page in pages]
        route = infobip.get(self.PATH).mock(side_effect=answers)
        found = await client.filed_under(LINK["entityId"])
        assert [each.channel for each in found] == ["WHATSAPP", "SMS"]
        assert route.calls.last.request.url.params["entityId"] == LINK["entityId"]

    async def test_an_answer_without_a_list_does_not_say_that_an_entity_has_nothing(
        self, client, infobip
    ):
        """What hangs on an entity would be reset with it."""
        infobip.get(self.PATH).respond(json={})
        with pytest.raises(InfobipError):
            await client.filed_under("acme")

    @pytest.mark.parametrize("status", [200, 404])
    async def test_an_entity_that_is_gone_already_is_as_good_as_deleted(
        self, client, infobip, status
    ):
        """Whoever deleted it."""
        route = infobip.delete("/provisioning/1/entities/acme").respond(status)
        await client.delete_entity("acme")
        assert route.called

    async def test_reads_one_without_an_entity(self, client, infobip):
        """The entity of an association can be missing."""
        infobip.get(self.PATH).respond(json={"results": [{**LINK, "entityId": None}]})
        (found,) = await client.associations(NUMBER_KEY)
        assert found.entity_id is None

    @pytest.mark.parametrize(("status", "new"), [(201, True), (409, False)])
    async def test_associates(self, client, infobip, limiter, status, new):
        """False says that some association is there already."""
        route = infobip.post(self.PATH).respond(status)
        assert await client.associate(NUMBER_KEY, "waboard", "acme") is new
        assert sent(route) == LINK
        assert limiter.acquired == ["provisioning"]

    @pytest.mark.parametrize("status", [204, 404])
    async def test_dissociates_with_a_body(self, client, infobip, limiter, status):
        """The DELETE names what to remove in its body; gone already is as good."""
        route = infobip.delete(self.PATH).respond(status)
        await client.dissociate(Association.model_validate(LINK))
        assert sent(route) == LINK
        assert limiter.acquired == ["provisioning"]


class TestValidateMessage:
    """Asking before sending."""

    PATH = "/messages-api/1/messages/validate"

    async def test_says_yes_with_what_may_stay_as_it_is(self, client, infobip, limiter, message):
        """A 200 may name violations that can be skipped."""
        found = [{"property": "messages[0].x", "violation": "unknown"}]
        infobip.post(self.PATH).respond(
            json={"description": "ok", "action": "none", "skippableViolations": found}
        )
        validation = await client.traffic("messages-api").validate(message)
        assert validation.ok
        assert [str(v) for v in validation.violations] == ["messages[0].x: unknown"]
        assert limiter.acquired == ["messages-validate"]

    async def test_says_no_without_an_exception(self, client, infobip, message):
        """A 400 with violations is the answer to the question, with no whole number in it."""
        found = [{"property": "messages[0].sender", "violation": f"{NUMBER} is not yours"}]
        infobip.post(self.PATH).respond(
            400, json={"description": "bad", "action": "fix", "violations": found}
        )
        validation = await client.traffic("messages-api").validate(message)
        assert not validation.ok
        assert str(validation.violations[0]) == "messages[0].sender: …1117 is not yours"

    @pytest.mark.parametrize("body", ["<html>", '{"requestError": {}}'])
    async def test_a_400_of_another_kind_is_an_error(self, client, infobip, message, body):
        """It says nothing about the message."""
        infobip.post(self.PATH).respond(400, text=body)
        with pytest.raises(InfobipError) as caught:
            await client.traffic("messages-api").validate(message)
        assert caught.value.status == 400

    async def test_an_answer_that_is_no_object_is_an_error(self, client, infobip, message):
        """A page of some proxy is no yes; and as nothing is sent, nothing is ambiguous."""
        infobip.post(self.PATH).respond(200, text="<html>")
        with pytest.raises(InfobipError) as caught:
            await client.traffic("messages-api").validate(message)
        assert not caught.value.ambiguous


class TestSendMessage:
    """Sending one template."""

    PATH = "/messages-api/1/messages"

    async def test_sends_one_template_under_ids_and_reads_its_status(
        self, client, infobip, limiter, message
    ):
        """The ids ride on the message itself: that is what scopes its reports."""
        status = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "MESSAGE_ACCEPTED"}
        route = infobip.post(self.PATH).respond(
            json={"bulkId": "b", "messages": [{"messageId": "waboard-1", "status": status}]}
        )
        accepted = await client.traffic("messages-api").send_template(message)
        assert (accepted.message_id, accepted.status.name) == ("waboard-1", "MESSAGE_ACCEPTED")
        assert not accepted.failed
        assert sent(route) == {
            "messages": [
                {
                    "channel": "WHATSAPP",
                    "sender": "447860041117",
                    "destinations": [{"to": "385911234567", "messageId": "waboard-1"}],
                    "template": {"templateName": "welcome", "language": "en"},
                    "options": {"platform": {"applicationId": "waboard", "entityId": "acme"}},
                }
            ]
        }
        assert limiter.acquired == ["messages-send"]

    async def test_a_200_can_hold_a_refusal(self, client, infobip, message):
        """Acceptance of the request is not acceptance of the message."""
        status = {"groupId": 5, "groupName": "REJECTED", "id": 13, "name": "REJECTED_SENDER"}
        infobip.post(self.PATH).respond(json={"messages": [{"status": status}]})
        refused = await client.traffic("messages-api").send_template(message)
        assert refused.failed
        assert refused.message_id == message.message_id
        assert not refused.already_sent

    async def test_a_message_id_that_was_used_before_is_told_apart(self, client, infobip, message):
        """The first message with that id may have arrived: it is no plain failure."""
        status = {"groupId": 5, "id": 23, "name": "REJECTED_DUPLICATE_MESSAGE_ID"}
        infobip.post(self.PATH).respond(json={"messages": [{"status": status}]})
        assert (await client.traffic("messages-api").send_template(message)).already_sent

    @pytest.mark.parametrize("body", ["", '{"messages": []}', '{"messages": [{"status": 1}]}'])
    async def test_a_200_that_cannot_be_read_is_ambiguous(self, client, infobip, message, body):
        """The message may be on its way: it is looked for, not sent again."""
        infobip.post(self.PATH).respond(200, text=body)
        with pytest.raises(InfobipError) as caught:
            await client.traffic("messages-api").send_template(message)
        assert caught.value.ambiguous
        assert not caught.value.retryable

    def test_a_message_shows_no_number_in_its_repr(self, message: TemplateMessage):
        """It may be logged as somebody's argument."""
        assert "447860041117" not in repr(message)
        assert "385911234567" not in repr(message)


class TestDeliveryReports:
    """Draining the queue of reports."""

    PATH = "/messages-api/1/reports"

    async def test_hands_reports_out_as_they_came(self, client, infobip, limiter):
        """Each comes once: it is stored raw before anybody reads it."""
        reports = [{"messageId": "waboard-1", "status": {"groupId": 3}, "brand": {"new": 1}}]
        route = infobip.get(self.PATH).respond(json={"results": reports})
        assert await client.delivery_reports(message_id="waboard-1", limit=7) == reports
        params = dict(route.calls.last.request.url.params)
        assert params == {"channel": "WHATSAPP", "limit": "7", "messageId": "waboard-1"}
        assert limiter.acquired == ["messages-reports"]

    async def test_takes_fifty_of_any_message_by_default(self, client, infobip):
        """Only WhatsApp's: those of other channels belong to somebody else."""
        route = infobip.get(self.PATH).respond(json={"results": []})
        assert await client.delivery_reports() == []
        assert dict(route.calls.last.request.url.params) == {"channel": "WHATSAPP", "limit": "50"}

    @pytest.mark.parametrize("limit", [0, 1001])
    async def test_refuses_a_limit_that_infobip_does_not_know(self, client, limit):
        """The document's maximum is 1000."""
        with pytest.raises(ValueError, match="1 to 1000"):
            await client.delivery_reports(limit=limit)


class TestConfiguration:
    """What the client is made with."""

    @pytest.mark.parametrize(
        "url", ["", "acme.api.infobip.com", "ftp://x", "https://", "https://u:p@x", "https://x:y"]
    )
    def test_a_base_url_that_is_none_names_its_setting(self, url):
        """Infobip's portal shows it without https://, so this happens."""
        with pytest.raises(BadInput, match="WABOARD_INFOBIP_BASE_URL"):
            InfobipClient(url, SecretStr(KEY))

    @pytest.mark.parametrize("key", ["", "two words", "line\n", "schlüssel"])
    def test_a_key_that_no_header_can_hold_names_its_setting_and_not_itself(self, key):
        """The HTTP library would put it into its error."""
        with pytest.raises(BadInput, match="WABOARD_INFOBIP_API_KEY") as caught:
            InfobipClient(BASE, SecretStr(key))
        assert not key or key not in str(caught.value)

    async def test_a_base_url_may_have_a_path_and_a_slash(self, infobip):
        """The sandbox may live under one."""
        route = infobip.get("/sandbox/provisioning/1/entities/acme").respond(404)
        async with InfobipClient(f"{BASE}/sandbox/", SecretStr(KEY)) as client:
            await client.get_entity("acme")
        assert route.called

    async def test_works_without_a_limiter(self, infobip):
        """Somebody else may keep the rate, even when Infobip says to wait."""
        infobip.get("/provisioning/1/entities/acme").respond(429, headers={"Retry-After": "3"})
        async with InfobipClient(BASE, SecretStr(KEY)) as client:
            with pytest.raises(InfobipError):
                await client.get_entity("acme")

    def test_every_limit_has_a_source(self):
        """One request a second for all of provisioning, and so on."""
        assert {name: (limit.requests, limit.seconds) for name, limit in LIMITS.items()} == {
            "provisioning": (1, 1),
            "numbers": (1, 1),
            "senders-quality": (10, 1),
            "share-waba": (15, 1),
            "messages-validate": (10, 1),
            "embedded-signup": (15, 1),
            "business-info": (10, 1),
            "whatsapp-messages": (4000, 1),
            "templates-read": (2500, 1),
            "templates-create": (1000, 3600),
            "templates-delete": (200, 3600),
        }
        assert all(limit.source for limit in LIMITS.values())
        assert LIMITS["senders-quality"].interval == 0.1
        assert LIMITS["templates-delete"].interval == 18


class TestSecrecy:
    """What is never shown."""

    def test_the_repr_shows_the_address_and_not_the_key(self, client):
        """A client may be logged as somebody's argument."""
        assert repr(client) == f"InfobipClient({BASE!r})"

    async def test_the_log_of_the_http_library_shows_no_whole_number(self, client, infobip, caplog):
        """It logs every URL, and some of ours hold phone numbers."""
        infobip.get("/numbers/1/numbers").respond(json={})
        with caplog.at_level(logging.DEBUG):
            await client.find_number(NUMBER)
        assert "/numbers/1/numbers?… " in caplog.text
        assert "200 OK" in caplog.text
        assert NUMBER not in caplog.text
        assert KEY not in caplog.text


async def test_no_acquired_bucket_is_unknown_to_the_limits(
    client: InfobipClient, infobip: respx.MockRouter, limiter: RecordingLimiter
):
    """Whoever implements a limiter finds each bucket in the table."""
    infobip.route().respond(404)
    await client.get_entity("acme")
    await client.find_number(NUMBER)
    await client.subscriptions.get("acme")
    assert set(limiter.acquired) <= LIMITS.keys() | UNPUBLISHED
