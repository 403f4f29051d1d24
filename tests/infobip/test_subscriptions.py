"""Setting up Infobip's webhooks: what goes out, what comes back, and what is never shown."""

import pytest
from pydantic import SecretStr

from tests.infobip.conftest import sent
from waboard.infobip import InfobipClient, InfobipError
from waboard.infobip.subscriptions import (
    BasicSecurity,
    Criterion,
    HmacSecurity,
    Profile,
    Security,
    Subscription,
    WhatsAppEvent,
)

PATHS = {
    "security": "/subscriptions/1/security",
    "profile": "/subscriptions/1/profiles",
    "subscription": "/subscriptions/1/subscription/WHATSAPP",
}
ID = {"security": "authId", "profile": "profileId", "subscription": "subscriptionId"}
SECRET = 'p"ss-w\u00f6rd'
HMAC = HmacSecurity(auth_id="waboard", secret_key=SecretStr(SECRET))
BASIC = BasicSecurity(auth_id="waboard", username="infobip", password=SecretStr(SECRET))
PROFILE = Profile(profile_id="waboard", notify_url="https://acme.test/hooks", auth_id="hmac")
SUBSCRIPTION = Subscription(
    subscription_id="waboard",
    name="waboard",
    profile_id="hooks",
    events=(WhatsAppEvent.ACCOUNT_REGISTRATION, WhatsAppEvent.DELIVERY),
    criteria=(Criterion(application_id="waboard"),),
)
ALL = {"security": HMAC, "profile": PROFILE, "subscription": SUBSCRIPTION}


def method(client: InfobipClient, verb: str, kind: str):
    name = verb if kind == "subscription" else f"{verb}_{kind}"
    return getattr(client.subscriptions, name)


@pytest.mark.parametrize("kind", PATHS)
class TestEachKind:
    """Security settings, profiles and subscriptions are handled alike."""

    async def test_finds_none_when_there_is_none(self, client, infobip, kind):
        """A 404 is an answer."""
        infobip.get(f"{PATHS[kind]}/waboard").respond(404)
        assert await method(client, "get", kind)("waboard") is None

    @pytest.mark.parametrize(("status", "new"), [(201, True), (409, False)])
    async def test_creates_one_unless_it_is_there(self, client, infobip, kind, status, new):
        """The id stands in the body, beside what a replacement sends."""
        route = infobip.post(PATHS[kind]).respond(status, json={})
        assert await method(client, "create", kind)(ALL[kind]) is new
        assert sent(route) == {ID[kind]: "waboard", **ALL[kind].to_wire()}

    async def test_replaces_one(self, client, infobip, kind):
        """The id stands in the path alone: it is for good."""
        route = infobip.put(f"{PATHS[kind]}/waboard").respond(200, json={})
        await method(client, "replace", kind)(ALL[kind])
        assert sent(route) == ALL[kind].to_wire()

    @pytest.mark.parametrize("status", [200, 404])
    async def test_deletes_one(self, client, infobip, kind, status):
        """Gone already is as good."""
        route = infobip.delete(f"{PATHS[kind]}/waboard").respond(status, json={})
        await method(client, "delete", kind)("waboard")
        assert route.called

    async def test_replacing_what_is_not_there_is_an_error(self, client, infobip, kind):
        """It is created under another verb."""
        infobip.put(f"{PATHS[kind]}/waboard").respond(404)
        with pytest.raises(InfobipError) as caught:
            await method(client, "replace", kind)(ALL[kind])
        assert caught.value.status == 404

    async def test_has_a_bucket_although_no_limit_is_published(
        self, client, infobip, limiter, kind
    ):
        """A refusal of one holds them all."""
        infobip.get(f"{PATHS[kind]}/waboard").respond(404)
        await method(client, "get", kind)("waboard")
        assert limiter.acquired == ["subscriptions"]


class TestSecurity:
    """Secrets that webhooks come with."""

    def test_hmac_is_sent_with_its_algorithm(self):
        """SHA-256 unless told otherwise."""
        credentials = {"secretKey": SECRET, "algorithm": "HMAC_SHA_256"}
        assert HMAC.to_wire() == {"type": "HMAC", "credentials": credentials}

    def test_basic_is_sent_with_its_name(self):
        """A name and a password."""
        credentials = {"username": "infobip", "password": SECRET}
        assert BASIC.to_wire() == {"type": "BASIC", "credentials": credentials}

    @pytest.mark.parametrize("security", [HMAC, BASIC])
    def test_only_the_wire_form_shows_the_secret(self, security):
        """A setting may be logged as somebody's argument."""
        assert SECRET not in f"{security!r} {security} {security.model_dump_json()}"

    @pytest.mark.parametrize("length", [0, 256])
    def test_a_secret_has_1_to_255_characters(self, length):
        """As documented; and the refusal does not quote it."""
        with pytest.raises(ValueError, match="secret") as caught:
            HmacSecurity(auth_id="waboard", secret_key=SecretStr("x" * length))
        assert "xx" not in str(caught.value)

    @pytest.mark.parametrize("security", [HMAC, BASIC])
    async def test_no_error_quotes_the_secret(self, client, infobip, security):
        """Infobip may name what is wrong by its value, plain or as it was written in JSON."""
        quoted = {"requestError": {"serviceException": {"text": f"{SECRET} is too weak"}}}
        infobip.post(PATHS["security"]).respond(400, json=quoted)
        infobip.put(f"{PATHS['security']}/waboard").respond(
            400, text='{"description": "p\\"ss-w\u00f6rd is too weak"}'
        )
        for verb in ("create", "replace"):
            with pytest.raises(InfobipError) as caught:
                await method(client, verb, "security")(security)
            assert "ss-w" not in f"{caught.value} {vars(caught.value)}"

    async def test_reads_one_with_or_without_its_credentials(self, client, infobip):
        """They are secrets, if they come at all."""
        path = f"{PATHS['security']}/waboard"
        shown = {"secretKey": SECRET, "algorithm": "HMAC_SHA_256", "scopes": ["odd"]}
        infobip.get(path).respond(json={"authId": "waboard", "type": "HMAC", "credentials": shown})
        found = await client.subscriptions.get_security("waboard")
        assert found is not None
        assert found.credentials == {
            "secretKey": SecretStr(SECRET),
            "algorithm": SecretStr("HMAC_SHA_256"),
        }
        assert SECRET not in repr(found)
        infobip.get(path).respond(json={"authId": "waboard", "type": "NEW", "credentials": None})
        assert await client.subscriptions.get_security("waboard") == Security(
            auth_id="waboard", type="NEW"
        )


class TestProfile:
    """Where webhooks go."""

    def test_is_sent_without_what_is_left_to_infobip(self):
        """A URL and a security setting by its id."""
        assert PROFILE.to_wire() == {
            "webhook": {"notifyUrl": "https://acme.test/hooks"},
            "security": {"authId": "hmac"},
        }
        assert Profile(profile_id="waboard").to_wire() == {}

    async def test_is_read_as_it_was_sent(self, client, infobip):
        """The nested names of the wire are flat here; unknown ones are ignored."""
        profile = PROFILE.model_copy(
            update={
                "max_bucket_size": 100,
                "connect_timeout": 5000,
                "read_timeout": 10000,
                "rate_limit": 50,
            }
        )
        body = {"profileId": "waboard", **profile.to_wire(), "enabledSSLProtocols": ["TLSv1.3"]}
        infobip.get(f"{PATHS['profile']}/waboard").respond(json=body)
        assert await client.subscriptions.get_profile("waboard") == profile

    async def test_may_have_neither_url_nor_security(self, client, infobip):
        """One that was made by hand, perhaps."""
        body = {"profileId": "waboard", "webhook": None, "security": {}}
        infobip.get(f"{PATHS['profile']}/waboard").respond(json=body)
        assert await client.subscriptions.get_profile("waboard") == Profile(profile_id="waboard")


class TestSubscription:
    """Which events go there."""

    def test_is_sent_with_the_id_of_its_profile(self):
        """A criterion may leave out one half; no criteria at all are left out."""
        assert SUBSCRIPTION.to_wire() == {
            "name": "waboard",
            "profile": {"profileId": "hooks"},
            "events": ["ACCOUNT_REGISTRATION", "DELIVERY"],
            "criteria": [{"applicationId": "waboard"}],
        }
        everything = SUBSCRIPTION.model_copy(update={"criteria": ()})
        assert "criteria" not in everything.to_wire()

    async def test_is_read_as_it_was_sent(self, client, infobip):
        """So that a difference is seen: Infobip ignores events that the channel does not have."""
        body = {"subscriptionId": "waboard", **SUBSCRIPTION.to_wire(), "resources": ["1"]}
        infobip.get(f"{PATHS['subscription']}/waboard").respond(json=body)
        assert await client.subscriptions.get("waboard") == SUBSCRIPTION

    async def test_is_read_tolerantly(self, client, infobip):
        """New events are kept, an event with a format is known by its name, null is none."""
        body = {
            "subscriptionId": "waboard",
            "events": ["BRAND_NEW", {"event": "SEEN", "format": "X"}],
            "criteria": None,
        }
        infobip.get(f"{PATHS['subscription']}/waboard").respond(json=body)
        found = await client.subscriptions.get("waboard")
        assert found is not None
        assert (found.events, found.criteria) == (("BRAND_NEW", "SEEN"), ())

    async def test_a_subscription_without_an_id_cannot_be_used(self, client, infobip):
        """Some proxy's JSON is no subscription."""
        infobip.get(f"{PATHS['subscription']}/waboard").respond(json={"events": "DELIVERY"})
        with pytest.raises(InfobipError, match="wrong in subscriptionId"):
            await client.subscriptions.get("waboard")
