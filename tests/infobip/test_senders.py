"""A sender's own affairs: being added, its one-time password, its business info."""

import pytest
from pydantic import SecretStr

from tests.infobip.conftest import sent
from waboard.domain.ids import PhoneNumber, WabaId
from waboard.infobip import InfobipError
from waboard.infobip.senders import (
    AddedStatus,
    BusinessInfo,
    BusinessInfoChange,
    BusinessVertical,
    CodeBy,
    NewSender,
)

WABA = WabaId("104996122399160")
SENDER = PhoneNumber("447796344125")
SIGNUP = "/whatsapp/1/embedded-signup/registrations"
ADD = f"{SIGNUP}/business-account/{WABA}/senders"
CODE = f"{SIGNUP}/senders/{SENDER}/verification"
INFO = f"/whatsapp/1/senders/{SENDER}/business-info"
NEW = NewSender(number=SENDER, display_name="Acme")


class TestAdding:
    """A number becomes a sender of a WABA."""

    async def test_sends_the_number_in_two_parts(self, client, infobip, limiter):
        """By SMS and in English, unless told otherwise."""
        route = infobip.post(ADD).respond(202, json={"status": "OTP_REQUESTED"})
        assert await client.senders.add(WABA, NEW) == AddedStatus.OTP_REQUESTED
        assert sent(route) == {
            "countryCode": "44",
            "phoneNumber": "7796344125",
            "displayName": "Acme",
            "type": "EXTERNAL_SMS",
            "locale": "en_US",
        }
        assert limiter.acquired == ["embedded-signup"]

    @pytest.mark.parametrize(
        ("number", "parts"),
        [
            ("13135138538", ("1", "3135138538")),
            ("385911234567", ("385", "911234567")),
            ("390612345678", ("39", "0612345678")),
        ],
    )
    def test_a_country_code_has_one_to_three_digits(self, number, parts):
        """And an Italian number keeps its zero."""
        wire = NewSender(number=PhoneNumber(number), display_name="Acme").to_wire()
        assert (wire["countryCode"], wire["phoneNumber"]) == parts

    def test_a_number_of_no_country_is_refused_without_being_shown(self):
        """Nothing would be sent that Infobip can use."""
        with pytest.raises(ValueError, match="country code") as caught:
            NewSender(number=PhoneNumber("0000000000"), display_name="Acme").to_wire()
        assert "0000" not in str(caught.value)
        assert caught.value.__context__ is None

    async def test_an_unknown_status_is_kept(self, client, infobip):
        """It is shown, not an exception."""
        infobip.post(ADD).respond(202, json={"status": "BRAND_NEW", "new": 1})
        assert await client.senders.add(WABA, NEW) == "BRAND_NEW"

    @pytest.mark.parametrize("body", ["", "{}"])
    async def test_an_answer_without_a_status_is_ambiguous(self, client, infobip, body):
        """The number was taken; whether a password was sent is not known."""
        infobip.post(ADD).respond(202, text=body)
        with pytest.raises(InfobipError) as caught:
            await client.senders.add(WABA, NEW)
        assert caught.value.ambiguous

    async def test_a_waba_that_is_not_there_is_an_error(self, client, infobip):
        """Nothing of the number or the WABA is shown but the end."""
        infobip.post(ADD).respond(404)
        with pytest.raises(InfobipError, match="Adding sender …4125 to WABA …9160") as caught:
            await client.senders.add(WABA, NEW)
        assert SENDER not in str(caught.value)


class TestCode:
    """The one-time password."""

    async def test_is_sent_again_in_another_way(self, client, infobip, limiter):
        """A call instead of an SMS, and in another language."""
        route = infobip.put(CODE).respond(202)
        await client.senders.resend_code(SENDER, CodeBy.VOICE, "hr_HR")
        assert sent(route) == {"type": "EXTERNAL_VOICE", "locale": "hr_HR"}
        assert limiter.acquired == ["embedded-signup"]

    async def test_is_passed_on(self, client, infobip, limiter):
        """Accepted, with no body."""
        route = infobip.post(CODE).respond(202)
        await client.senders.submit_code(SENDER, SecretStr("123456"))
        assert sent(route) == {"code": "123456"}
        assert limiter.acquired == ["embedded-signup"]

    async def test_is_not_quoted_by_an_error(self, client, infobip):
        """It may still be good."""
        wrong = {"messageId": "BAD_REQUEST", "text": "code 123456 has expired"}
        infobip.post(CODE).respond(400, json={"requestError": {"serviceException": wrong}})
        with pytest.raises(InfobipError, match=r"code \[secret\] has expired") as caught:
            await client.senders.submit_code(SENDER, SecretStr("123456"))
        assert "123456" not in f"{caught.value} {vars(caught.value)}"

    async def test_an_empty_one_does_not_garble_the_error(self, client, infobip):
        """There is nothing in it to hide."""
        wrong = {"messageId": "BAD_REQUEST", "text": "code is empty"}
        infobip.post(CODE).respond(400, json={"requestError": {"serviceException": wrong}})
        with pytest.raises(InfobipError, match="code is empty"):
            await client.senders.submit_code(SENDER, SecretStr(""))


class TestBusinessInfo:
    """What people see of a business."""

    async def test_is_read(self, client, infobip, limiter):
        """With the display name, which nothing here changes."""
        body = {
            "about": "Bread",
            "address": "1 Mill Lane",
            "description": "Since 1921",
            "email": "hello@acme.test",
            "vertical": "FOOD_AND_GROCERY",
            "websites": ["https://acme.test"],
            "displayName": "Acme",
            "new": 1,
        }
        infobip.get(INFO).respond(json=body)
        assert await client.senders.business_info(SENDER) == BusinessInfo(
            display_name="Acme",
            about="Bread",
            address="1 Mill Lane",
            description="Since 1921",
            email="hello@acme.test",
            vertical=BusinessVertical.FOOD_AND_GROCERY,
            websites=("https://acme.test",),
        )
        assert limiter.acquired == ["business-info"]

    async def test_is_read_tolerantly(self, client, infobip):
        """Longer than it may be written, null, or of an unknown kind."""
        infobip.get(INFO).respond(json={"about": "a" * 200, "websites": None, "vertical": "MOON"})
        found = await client.senders.business_info(SENDER)
        assert found == BusinessInfo(about="a" * 200, vertical="MOON")

    async def test_there_is_none_before_there_is_a_sender(self, client, infobip):
        """A 404 is an answer."""
        infobip.get(INFO).respond(404)
        assert await client.senders.business_info(SENDER) is None

    async def test_only_what_is_named_changes(self, client, infobip, limiter):
        """An empty text is named, None is not."""
        route = infobip.patch(INFO).respond(204)
        change = BusinessInfoChange(
            about="",
            websites=(),
            vertical=BusinessVertical.OTHER,
            logo_url="https://acme.test/logo.png",
        )
        await client.senders.change_business_info(SENDER, change)
        assert sent(route) == {
            "about": "",
            "websites": [],
            "vertical": "OTHER",
            "logoUrl": "https://acme.test/logo.png",
        }
        assert limiter.acquired == ["business-info"]

    @pytest.mark.parametrize(
        "field",
        [
            {"about": "a" * 131},
            {"address": "a" * 257},
            {"description": "a" * 513},
            {"email": "a" * 129},
            {"websites": ("a", "b", "c")},
            {"websites": ("a" * 257,)},
            {"logo_url": "https://" + "a" * 2041},
            {"logo_url": "file:///logo.png"},
        ],
    )
    def test_what_is_too_long_is_refused_here(self, field):
        """The documented limits."""
        with pytest.raises(ValueError, match=next(iter(field))):
            BusinessInfoChange.model_validate(field)
