"""What log lines show of URLs: of those that we call, at Infobip and at Meta, and of our own."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from waboard.http_logs import MaskUrls, mask_access_logs, mask_httpx_logs

SECRETS = "client_id=600000000000001&client_secret=9c1d7e55aa10&code=AQ-code%2B8812"
LINE = 'HTTP Request: %s %s "%s %d %s"'
"""How httpx writes it: method, URL, version, status, reason."""
ACCESS = '%s - "%s %s HTTP/%s" %d'
"""How uvicorn writes it: caller, method, path with query, version, status."""
TOKEN = "9nZ0kq7fT2cX4vB6mL8rY1sD3gH5jK7pQ9wE0uI2oA4"


def shown(message: str, *args: Any) -> str:
    """What a log line shows once the filter has seen it."""
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, message, args, None)
    assert MaskUrls().filter(record) is True
    return record.getMessage()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://x.test/a", "https://x.test/a"),
        ("https://x.test/a?number=447860041117", "https://x.test/a?…"),
        (f"https://x.test/oauth/access_token?{SECRETS}", "https://x.test/oauth/access_token?…"),
        ("https://x.test/a?a=1?b=2#c", "https://x.test/a?…"),
        ("https://x.test/a?", "https://x.test/a?…"),
        ("https://x.test/102384266223093/subscribed_apps", "https://x.test/…3093/subscribed_apps"),
        ("http://127.0.0.1:8430/v1/7", "http://127.0.0.1:8430/v1/7"),
    ],
)
def test_a_url_is_shown_without_its_query_and_without_whole_ids(url: str, masked: str):
    """A query holds numbers at Infobip, and secrets at Meta; a path holds a WABA's id."""
    line = shown(LINE, "GET", url, "HTTP/1.1", 200, "OK")
    assert line == f'HTTP Request: GET {masked} "HTTP/1.1 200 OK"'
    assert shown(LINE, "GET", httpx.URL(url), "HTTP/1.1", 200, "OK") == line


@pytest.mark.parametrize("value", [200, 12345678, 1.5, None, True])
def test_what_is_no_text_stays_what_it_is(value: Any):
    """A status is written with %d; the time that something took may have many digits."""
    assert shown("%s", value) == str(value)
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, "%s", (value,), None)
    MaskUrls().filter(record)
    assert record.args == (value,)


@pytest.mark.parametrize("args", [(), None])
def test_a_line_without_arguments_passes_as_it_is(args: Any):
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, "load_ssl_context", args, None)
    assert MaskUrls().filter(record) is True
    assert record.getMessage() == "load_ssl_context"


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        (f"/signup/{TOKEN}", "/signup/…"),
        (f"/signup/{TOKEN}/result", "/signup/…/result"),
        (f"/signup/{TOKEN}?lang={TOKEN}", "/signup/…?…"),
        ("/hooks/meta?hub.mode=subscribe&hub.verify_token=55aa10", "/hooks/meta?…"),
        ("/v1/signup-links/5a1d", "/v1/signup-links/5a1d"),
        ("/v1/onboardings", "/v1/onboardings"),
    ],
)
def test_who_calls_us_is_logged_without_the_token_of_a_link_and_without_a_query(
    path: str, masked: str
):
    """Whoever reads a link's token in a log could sign up in the client's place."""
    line = shown(ACCESS, "192.0.2.1:54321", "GET", path, "1.1", 200)
    assert line == f'192.0.2.1:54321 - "GET {masked} HTTP/1.1" 200'


def test_the_token_of_a_link_is_in_no_line_of_who_opens_it_either():
    """The demo does what a browser does."""
    url = f"https://in.provider.example/signup/{TOKEN}/progress"
    line = shown(LINE, "GET", url, "HTTP/1.1", 200, "OK")
    assert "https://in.provider.example/signup/…/progress " in line


@pytest.mark.parametrize(
    ("install", "name"), [(mask_httpx_logs, "httpx"), (mask_access_logs, "uvicorn.access")]
)
def test_the_filter_is_installed_once_however_often_it_is_asked_for(
    install: Callable[[], None], name: str
):
    """Each client and each gateway that is made asks for it."""
    for _ in range(3):
        install()
    filters = logging.getLogger(name).filters
    assert len([each for each in filters if isinstance(each, MaskUrls)]) == 1


async def test_what_httpx_really_logs_shows_no_secret(caplog: pytest.LogCaptureFixture):
    """However much it is asked to say, by whatever client of this process."""
    mask_httpx_logs()
    transport = httpx.MockTransport(lambda _: httpx.Response(400))
    with caplog.at_level(logging.DEBUG):
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(f"https://graph.test/v26.0/oauth/access_token?{SECRETS}")
            await client.get("https://graph.test/me", params={"input_token": "EAAG-5521"})
    lines = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert [line.split(" ")[3] for line in lines] == [
        "https://graph.test/v26.0/oauth/access_token?…",
        "https://graph.test/me?…",
    ]
    for secret in ("9c1d7e55aa10", "AQ-code", "EAAG-5521", "600000000000001"):
        assert secret not in caplog.text
