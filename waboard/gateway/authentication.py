"""Who may come in: callers of the API by key, Infobip's webhooks as configured there.

Everything is compared in constant time, against every secret that is valid now: during a rotation
the old and the new one are.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from fastapi import Request
from pydantic import SecretStr

from waboard.gateway.problems import Unauthorized
from waboard.meta.client import sign
from waboard.settings import Settings

_ALGORITHMS = {
    "MD5": hashlib.md5,
    "SHA1": hashlib.sha1,
    "SHA224": hashlib.sha224,
    "SHA256": hashlib.sha256,
    "SHA384": hashlib.sha384,
    "SHA512": hashlib.sha512,
}


def require_api_key(request: Request, settings: Settings) -> None:
    """Let in whoever sends `Authorization: Bearer` and one of WABOARD_API_KEYS."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not _is_one_of(key.strip(), settings.api_keys):
        raise Unauthorized(
            "The API key is missing or wrong.",
            remedy="Send `Authorization: Bearer KEY` with one of WABOARD_API_KEYS.",
            challenge="Bearer",
        )


def require_infobip(request: Request, raw: bytes, settings: Settings) -> None:
    """Let in a webhook of Infobip's, by the way that WABOARD_INFOBIP_WEBHOOK_AUTH names."""
    way = settings.infobip_webhook_auth
    checks = {"hmac": _signed, "basic": _basic, "header": _header}
    if way != "none" and not checks[way](request, raw, settings):
        raise Unauthorized(
            f"The webhook does not authenticate by {way}.",
            remedy=f"Set the security of Infobip's webhook to {way} with one of "
            "WABOARD_INFOBIP_WEBHOOK_SECRETS, or change WABOARD_INFOBIP_WEBHOOK_AUTH.",
            challenge="Basic" if way == "basic" else None,
        )


def require_meta(request: Request, raw: bytes, settings: Settings) -> None:
    """Let in a webhook of Meta's, by `X-Hub-Signature-256` over the body as it came."""
    given = request.headers.get("x-hub-signature-256", "")
    secret = settings.meta_app_secret
    if secret is None or not _matches(given, [sign(raw, secret)]):
        raise Unauthorized(
            "The webhook does not carry the signature of our app.",
            remedy="Set WABOARD_META_APP_SECRET to the secret of the app that sends it.",
            challenge=None,
        )


def require_verify_token(mode: str, token: str, settings: Settings) -> None:
    """Let Meta's handshake pass with our own token."""
    secret = settings.meta_verify_token
    if mode != "subscribe" or secret is None or not _is_one_of(token, [secret]):
        raise Unauthorized(
            "The handshake does not carry our verify token.",
            remedy="Enter WABOARD_META_VERIFY_TOKEN in the app dashboard, WhatsApp > "
            "Configuration.",
            challenge=None,
        )


def _signed(request: Request, raw: bytes, settings: Settings) -> bool:
    # Live captures show `SHA256=<hex>`; the prefix is compared without regard to case.
    given = request.headers.get(settings.infobip_hmac_header, "")
    signature = given.rpartition("=")[2].strip().lower()
    algorithm = _ALGORITHMS[settings.infobip_hmac_algorithm]
    secrets = [s.get_secret_value().encode() for s in settings.infobip_webhook_secrets]
    return _matches(signature, [hmac.new(s, raw, algorithm).hexdigest() for s in secrets])


def _basic(request: Request, _raw: bytes, settings: Settings) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and _is_one_of(given, settings.infobip_webhook_secrets)


def _header(request: Request, _raw: bytes, settings: Settings) -> bool:
    given = request.headers.get(settings.infobip_webhook_header, "")
    return _is_one_of(given, settings.infobip_webhook_secrets)


def _is_one_of(given: str, secrets: Iterable[SecretStr]) -> bool:
    return _matches(given, [secret.get_secret_value() for secret in secrets])


def _matches(given: str, valid: Iterable[str]) -> bool:
    # All are compared, whatever the first says, so that the time tells nothing.
    found = [hmac.compare_digest(given.encode(), secret.encode()) for secret in valid]
    return bool(given) and any(found)
