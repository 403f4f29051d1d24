"""What each kind of failure says, to a retry and to a person."""

import json
import pickle
from datetime import UTC, datetime

import httpx
import pytest

from tests.domain.test_sentences import HOSTILE, assert_well_ended
from tests.infobip.conftest import BASE, KEY
from waboard.domain.errors import ProviderError
from waboard.domain.ids import NumberKey, PhoneNumber, WabaId
from waboard.domain.parties import Party
from waboard.infobip import InfobipError, endpoints
from waboard.infobip.error_bodies import ErrorBody, read_error_body
from waboard.infobip.errors import refused

NOW = datetime(2026, 7, 24, 12, tzinfo=UTC)
WABA = WabaId("104996122399160")
SHARE = "/whatsapp/1/embedded-signup/registrations/share-waba"
ENTITY = "/provisioning/1/entities/acme"


def legacy(code: str, text: str, **more: object) -> dict[str, object]:
    return {"requestError": {"serviceException": {"messageId": code, "text": text, **more}}}


async def share_failure(client, infobip, **answer) -> InfobipError:
    infobip.post(SHARE).respond(**answer)
    with pytest.raises(InfobipError) as caught:
        await client.share_waba(WABA)
    return caught.value


async def read_failure(client, infobip, **answer) -> InfobipError:
    infobip.get(ENTITY).respond(**answer)
    with pytest.raises(InfobipError) as caught:
        await client.get_entity("acme")
    return caught.value


class TestStatuses:
    """Answers that are not 2xx."""

    @pytest.mark.parametrize(
        ("status", "retryable", "ambiguous", "awaiting"),
        [
            (302, False, False, Party.OPERATOR),
            (400, False, False, Party.OPERATOR),
            (401, False, False, Party.OPERATOR),
            (403, False, False, Party.OPERATOR),
            (404, False, False, Party.OPERATOR),
            (408, True, True, Party.INFOBIP),
            (409, False, False, Party.OPERATOR),
            (422, False, False, Party.OPERATOR),
            (429, True, False, Party.US),
            (500, True, True, Party.INFOBIP),
            (502, True, True, Party.INFOBIP),
            (503, True, True, Party.INFOBIP),
            (599, True, True, Party.INFOBIP),
        ],
    )
    async def test_a_change_that_was_refused(
        self, client, infobip, status, retryable, ambiguous, awaiting
    ):
        """Retryable: it may succeed later. Ambiguous: it may have happened."""
        error = await share_failure(client, infobip, status_code=status)
        assert (error.retryable, error.ambiguous) == (retryable, ambiguous)
        assert (error.status, error.awaiting) == (status, awaiting)
        assert isinstance(error, ProviderError)

    @pytest.mark.parametrize("status", [408, 429, 500, 503])
    async def test_a_read_that_failed_is_never_ambiguous(self, client, infobip, status):
        """Reading twice does nothing twice."""
        error = await read_failure(client, infobip, status_code=status)
        assert error.retryable
        assert not error.ambiguous

    async def test_a_401_names_the_setting_and_the_scope(self, client, infobip):
        """Whoever set the key finds where and what for."""
        error = await share_failure(client, infobip, status_code=401)
        assert "WABOARD_INFOBIP_API_KEY" in error.remedy
        assert "whatsapp:manage" in error.remedy

    async def test_a_403_names_the_scopes_that_would_do(self, client, infobip, message):
        """Any one of several, for messages."""
        infobip.post("/messages-api/1/messages").respond(403)
        with pytest.raises(InfobipError) as caught:
            await client.traffic("messages-api").send_template(message)
        assert "WABOARD_INFOBIP_API_KEY" in caught.value.remedy
        assert "one of the scopes message:send, messages-api:message:send" in caught.value.remedy

    @pytest.mark.parametrize(
        ("path", "call", "scope"),
        [
            ("/provisioning/1/associations", "associations", "application-entity:manage"),
            ("/numbers/1/numbers", "find_number", "numbers:manage"),
        ],
    )
    async def test_a_403_names_the_scope_of_its_operation(self, client, infobip, path, call, scope):
        """Each family of operations has its own."""
        infobip.get(path).respond(403)
        with pytest.raises(InfobipError, match=scope):
            await getattr(client, call)("447860041117")

    async def test_a_404_on_associating_is_an_error(self, client, infobip):
        """The number, the application or the entity is not there."""
        infobip.post("/provisioning/1/associations").respond(404)
        with pytest.raises(InfobipError, match="404") as caught:
            await client.associate(NumberKey("KEY"), "waboard", "acme")
        assert not caught.value.retryable

    async def test_a_redirect_names_the_base_url(self, client, infobip):
        """Infobip's API does not redirect; somebody else's page does."""
        error = await share_failure(client, infobip, status_code=301)
        assert "WABOARD_INFOBIP_BASE_URL" in error.remedy


class TestNoAnswer:
    """Connections that fail."""

    @pytest.mark.parametrize(
        ("failure", "ambiguous"),
        [
            (httpx.ConnectError("[Errno -2] Name or service not known"), False),
            (httpx.ConnectTimeout(""), False),
            (httpx.PoolTimeout(""), False),
            (httpx.ProxyError("407"), False),
            (httpx.ReadTimeout(""), True),
            (httpx.WriteTimeout(""), True),
            (httpx.ReadError("connection reset by peer"), True),
            (httpx.WriteError("broken pipe"), True),
            (httpx.RemoteProtocolError("server disconnected"), True),
            (httpx.DecodingError("not gzip"), True),
        ],
        ids=lambda value: type(value).__name__,
    )
    async def test_a_change_may_have_happened_once_it_was_sent(
        self, client, infobip, failure, ambiguous
    ):
        """Before that it cannot have; either way it is tried again."""
        infobip.post(SHARE).mock(side_effect=failure)
        with pytest.raises(InfobipError) as caught:
            await client.share_waba(WABA)
        error = caught.value
        assert (error.retryable, error.ambiguous) == (True, ambiguous)
        assert (error.status, error.code, error.request_id) == (None, None, None)
        assert type(failure).__name__ in str(error)

    async def test_a_read_is_never_ambiguous(self, client, infobip):
        """A timeout on reading is only a nuisance."""
        infobip.get(ENTITY).mock(side_effect=httpx.ReadTimeout(""))
        with pytest.raises(InfobipError) as caught:
            await client.get_entity("acme")
        assert not caught.value.ambiguous

    async def test_an_address_that_does_not_answer_names_its_setting(self, client, infobip):
        """The most likely reason is a typo in it."""
        infobip.get(ENTITY).mock(side_effect=httpx.ConnectError("refused"))
        with pytest.raises(InfobipError, match="WABOARD_INFOBIP_BASE_URL") as caught:
            await client.get_entity("acme")
        assert caught.value.awaiting is Party.OPERATOR


class TestRetryAfter:
    """Being told to wait."""

    async def test_holds_the_bucket_for_everybody(self, client, infobip, limiter):
        """The limit is the account's: who else calls would be refused too."""
        error = await read_failure(client, infobip, status_code=429, headers={"Retry-After": "7"})
        assert error.retry_after == 7
        assert limiter.held == [("provisioning", 7.0)]

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize(
        ("method", "path", "call", "bucket"),
        [
            (
                "GET",
                "/messages-api/1/reports",
                lambda c, _: c.delivery_reports(),
                "messages-reports",
            ),
            (
                "POST",
                "/messages-api/1/messages",
                lambda c, message: c.traffic("messages-api").send_template(message),
                "messages-send",
            ),
            (
                "GET",
                "/subscriptions/1/profiles/acme",
                lambda c, _: c.subscriptions.get_profile("acme"),
                "subscriptions",
            ),
        ],
    )
    async def test_holds_also_where_no_limit_is_published(
        self, client, infobip, limiter, message, method, path, call, bucket, status
    ):
        """The default send is one of these."""
        infobip.route(method=method, path=path).respond(status, headers={"Retry-After": "7"})
        with pytest.raises(InfobipError) as caught:
            await call(client, message)
        assert caught.value.retry_after == 7
        assert limiter.held == [(bucket, 7.0)]

    async def test_a_refusal_without_it_holds_the_bucket_ever_longer(
        self, client, infobip, limiter
    ):
        """Infobip advises exponential backoff, and documents no Retry-After."""
        for _ in range(7):
            error = await read_failure(client, infobip, status_code=429)
        assert error.retry_after is None
        assert [seconds for _, seconds in limiter.held] == [2, 4, 8, 16, 32, 60, 60]

    @pytest.mark.parametrize("value", ["0", "Thu, 23 Jul 2020 12:00:00 GMT", "soon"])
    async def test_one_that_asks_for_no_wait_counts_as_none(self, client, infobip, limiter, value):
        """The limit is exceeded, whatever a clock that is behind says."""
        await read_failure(client, infobip, status_code=429, headers={"Retry-After": value})
        assert limiter.held == [("provisioning", 2.0)]

    async def test_after_an_answer_the_next_refusal_is_a_first_one(self, client, infobip, limiter):
        """Each bucket for itself."""
        await read_failure(client, infobip, status_code=429)
        await share_failure(client, infobip, status_code=429)
        infobip.get(ENTITY).respond(404)
        await client.get_entity("acme")
        await read_failure(client, infobip, status_code=429)
        await share_failure(client, infobip, status_code=429)
        assert limiter.held == [
            ("provisioning", 2.0),
            ("share-waba", 2.0),
            ("provisioning", 2.0),
            ("share-waba", 4.0),
        ]

    @pytest.mark.parametrize("status", [400, 500, 503])
    async def test_other_refusals_hold_nothing_unless_they_say_when_to_come_again(
        self, client, infobip, limiter, status
    ):
        """They say nothing of how often we may call: the step that failed is tried again alone."""
        await read_failure(client, infobip, status_code=status)
        assert limiter.held == []

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("soon", None), ("86400", 3600), ("Thu, 23 Jul 2099 12:00:00 +02:00", 3600)],
    )
    async def test_is_at_most_an_hour(self, client, infobip, value, seconds):
        """A longer one would stop a whole account."""
        error = await read_failure(client, infobip, status_code=503, headers={"Retry-After": value})
        assert error.retry_after == seconds


class TestBodies:
    """Two shapes of one thing, and whatever else comes."""

    def test_the_legacy_shape_is_read(self):
        """Provisioning, numbers, quality and embedded signup speak it."""
        wrong = {"businessAccountId": ["must not be null", "must be a number"], "x": "bad"}
        body = read_error_body(
            httpx.Response(400, json=legacy("BAD_REQUEST", "Bad", validationErrors=wrong)).text
        )
        assert body == ErrorBody(
            code="BAD_REQUEST",
            text="Bad",
            violations=("businessAccountId: must not be null, must be a number", "x: bad"),
        )

    def test_the_newer_shape_is_read(self):
        """The Messages API speaks it."""
        raw = (
            '{"errorCode": "E400", "description": "Bad", "action": "Fix it", "requestId": "r-1",'
            ' "violations": [{"property": "to", "violation": "missing"}, "odd", null, 3]}'
        )
        assert read_error_body(raw) == ErrorBody(
            code="E400",
            text="Bad",
            action="Fix it",
            violations=("to: missing", "odd", "3"),
            request_id="r-1",
        )

    @pytest.mark.parametrize(
        "raw",
        [
            "",
            "null",
            "[]",
            "[1, {}]",
            "7",
            '"text"',
            "{}",
            "<html><body>502 Bad Gateway</body></html>",
            "{",
            "[" * 100_000,
            '{"requestError": null}',
            '{"requestError": []}',
            '{"requestError": {"serviceException": null}}',
            '{"requestError": {"serviceException": [{}]}}',
            '{"requestError": {"serviceException": {"messageId": {}, "text": ["x"]}}}',
            '{"errorCode": null, "description": {}, "violations": null}',
            '{"violations": {}}',
            '{"violations": [[], {}, {"property": {}, "violation": []}]}',
        ],
    )
    def test_an_unknown_shape_says_nothing_and_raises_nothing(self, raw):
        """It is not quoted either: who knows what is in it."""
        assert read_error_body(raw) == ErrorBody()

    async def test_a_gateways_page_is_not_quoted(self, client, infobip):
        """The status is all there is to say."""
        error = await share_failure(client, infobip, status_code=502, text="<h1>nginx 1.2</h1>")
        assert "nginx" not in str(error)
        assert "502: Bad Gateway, in a form that Infobip does not document." in str(error)

    async def test_a_400_names_what_to_correct(self, client, infobip):
        """The violations are the remedy."""
        wrong = {"businessAccountId": ["must not be null"]}
        body = legacy("BAD_REQUEST", "Bad request", validationErrors=wrong)
        error = await share_failure(client, infobip, status_code=400, json=body)
        assert error.remedy == "Correct what Infobip names: businessAccountId: must not be null."

    async def test_a_400_without_violations_passes_infobips_advice_on(self, client, infobip):
        """The newer shape has an action."""
        body = {"errorCode": "E400", "description": "Bad", "action": "Check the request."}
        error = await share_failure(client, infobip, status_code=400, json=body)
        assert error.remedy.endswith("Infobip advises: Check the request.")


class TestMessages:
    """What a person reads."""

    async def test_one_sentence_then_the_remedy(self, client, infobip):
        """Status, code and request id come first: support asks for them."""
        error = await share_failure(
            client,
            infobip,
            status_code=403,
            headers={"X-Request-Id": "1715000000000000001"},
            json=legacy("FORBIDDEN", "Not yours."),
        )
        assert error.message == (
            "Sharing WABA …9160 with Infobip: Infobip answered 403 FORBIDDEN "
            "(request 1715000000000000001): Not yours."
        )
        assert str(error) == f"{error.message} {error.remedy}"
        assert (error.operation, error.code, error.text, error.request_id) == (
            "Sharing WABA …9160 with Infobip",
            "FORBIDDEN",
            "Not yours.",
            "1715000000000000001",
        )

    async def test_a_request_id_that_looks_odd_is_left_out(self, client, infobip):
        """A header is somebody else's text too."""
        error = await share_failure(
            client, infobip, status_code=500, headers={"X-Request-Id": "call +447860041117"}
        )
        assert error.request_id is None

    async def test_an_undefined_status_still_reads(self, client, infobip):
        """Gateways invent some."""
        error = await share_failure(client, infobip, status_code=529)
        assert "answered 529: in a form" in str(error)

    async def test_an_unusable_answer_names_the_field_and_not_its_value(self, client, infobip):
        """And the other library's error, which quotes the body, does not come along."""
        infobip.get("/provisioning/1/associations").respond(
            json={"results": [{"resourceId": {"phone": "447860041117"}}]}
        )
        with pytest.raises(
            InfobipError, match=r"results\.0\.applicationId: .*; results\.0\.resourceId: "
        ) as caught:
            await client.associations(NumberKey("KEY"))
        assert "447860041117" not in str(caught.value)
        assert caught.value.__context__ is None

    async def test_survives_the_way_to_another_process(self, client, infobip):
        """Prefect may carry an error with the state of a task."""
        error = await share_failure(client, infobip, status_code=429, headers={"Retry-After": "5"})
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        assert isinstance(again, InfobipError)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


class TestSecrecy:
    """What is never shown."""

    @pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
    async def test_no_key_and_no_whole_number_in_what_is_said(self, client, infobip, status):
        """Even when Infobip quotes both back to us."""
        text = f"Key {KEY} may not call +44 7860 041117 or 447860041117" + " and so on" * 100
        wrong = {f"senders[447860041117] {KEY}": [text]}
        error = await share_failure(
            client,
            infobip,
            status_code=status,
            json=legacy(f"BAD {KEY}", text, validationErrors=wrong),
        )
        everything = "\n".join([str(error), repr(error), repr(vars(error))])
        assert KEY not in everything
        assert "447860041117" not in everything
        assert "7860 041117" not in everything
        assert WABA not in everything
        assert len(error.text) <= 300

    async def test_an_error_about_a_number_masks_it(self, client, infobip):
        """What was being done is told with the last four digits."""
        infobip.get("/whatsapp/1/senders/quality").respond(500)
        with pytest.raises(InfobipError, match="Asking how sender …1117 stands") as caught:
            await client.sender_quality([PhoneNumber("447860041117")])
        assert "447860041117" not in str(caught.value)

    async def test_the_http_librarys_own_error_shows_no_key(self, client, infobip):
        """It is kept as the cause, for whoever debugs."""
        infobip.get(url__startswith=BASE).mock(side_effect=httpx.ReadTimeout("late"))
        with pytest.raises(InfobipError) as caught:
            await client.get_entity("acme")
        cause = caught.value.__cause__
        assert isinstance(cause, httpx.ReadTimeout)
        assert KEY not in f"{cause!r} {cause.request!r} {cause.request.headers!r}"


@pytest.mark.parametrize("said", HOSTILE)
def test_what_infobip_says_ends_with_one_mark(said: str):
    """In the message, and in the remedy that repeats its advice."""
    shapes = (
        legacy("BAD_REQUEST", said, validationErrors={"number": [said]}),
        {"errorCode": "E400", "description": said, "action": said},
    )
    for body in shapes:
        response, raw = httpx.Response(400), json.dumps(body)
        error = refused("Sharing", endpoints.SHARE_WABA, response, raw=raw, now=NOW)
        for text in (error.message, error.remedy, str(error)):
            assert_well_ended(text)
