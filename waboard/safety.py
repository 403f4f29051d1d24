"""Which settings would make a start unsafe or useless: secrets that are missing, weak, or known."""

import base64
import binascii
import re
from urllib.parse import urlsplit

from pydantic import SecretStr

from waboard.domain.errors import BadInput
from waboard.sealing import NEW_KEY, Sealer
from waboard.settings import META_TOGETHER, Settings, missing, setting_name

_SHORTEST_KEY = 24  # bytes, as the Standard Webhooks specification has it
_PLACEHOLDER = re.compile(
    r"^(sandbox|change|replace|your|example|dummy|secret|password|test|todo|xxx|<)|placeholder|\.\.\.",
    re.IGNORECASE,
)


def refuse_unsafe(settings: Settings) -> None:
    """Stop a start that would be unsafe or useless. Raises BadInput naming the setting."""
    for field in ("infobip_base_url", "infobip_api_key", "test_recipient"):
        if not getattr(settings, field):
            raise missing(field)
    for field in ("api_keys", "infobip_webhook_secrets"):
        if not getattr(settings, field) and not _needs_no_secret(settings, field):
            raise missing(field)
    if settings.infobip_webhook_auth == "basic":
        _refuse_no_password(settings)
    if settings.has_meta:
        _refuse_half_a_door(settings)
    if settings.meta_solution_id and not settings.meta_system_token:
        raise missing("meta_system_token")
    if settings.provider_webhook_url and not settings.provider_webhook_secrets:
        raise missing("provider_webhook_secrets")
    if not settings.sandbox:
        _refuse_sandbox_ways(settings)


def _refuse_half_a_door(settings: Settings) -> None:
    for field in META_TOGETHER:
        if not getattr(settings, field):
            raise missing(field)
    Sealer(settings.token_keys)


def _needs_no_secret(settings: Settings, field: str) -> bool:
    return field == "infobip_webhook_secrets" and settings.infobip_webhook_auth == "none"


def _refuse_no_password(settings: Settings) -> None:
    for secret in settings.infobip_webhook_secrets:
        user, colon, password = secret.get_secret_value().partition(":")
        if not (user and colon and password):
            raise BadInput(
                setting_name("infobip_webhook_secrets"),
                "for basic, each is a user and a password.",
                remedy="Write them as user:password.",
            )


def _signing_key(secret: SecretStr) -> bytes:
    """Return the key in a Standard Webhooks secret; empty when it is none."""
    prefix, _, encoded = secret.get_secret_value().partition("_")
    try:
        return base64.b64decode(encoded, validate=True) if prefix == "whsec" else b""
    except binascii.Error:
        return b""


def _refuse_sandbox_ways(settings: Settings) -> None:
    if settings.infobip_webhook_auth == "none":
        raise BadInput(
            setting_name("infobip_webhook_auth"),
            "webhooks without authentication are for the sandbox only.",
            remedy="Use hmac, basic or header.",
        )
    for field in ("infobip_api_key", "meta_app_secret", "meta_verify_token", "meta_system_token"):
        _refuse_placeholder(field, getattr(settings, field))
    if settings.has_meta and urlsplit(settings.signup_url).scheme != "https":
        raise BadInput(
            setting_name("public_url"),
            "Meta's signup works on https only.",
            remedy="Set it to the https address at which clients reach this gateway.",
        )
    for key in settings.token_keys:
        _refuse_known_key(key)
    for secret in settings.provider_webhook_secrets:
        _refuse_weak_signer(secret)
    for field in ("api_keys", "infobip_webhook_secrets"):
        for secret in getattr(settings, field):
            _refuse_placeholder(field, secret)


def _is_placeholder(key: bytes) -> bool:
    # Random bytes are no text, so none of them is taken for one by chance.
    text = key.decode("latin-1")
    return text.isascii() and text.isprintable() and _PLACEHOLDER.search(text) is not None


def _refuse_known_key(key: SecretStr) -> None:
    if _is_placeholder(base64.urlsafe_b64decode(key.get_secret_value())):
        raise BadInput(
            setting_name("token_keys"),
            "this key is a placeholder.",
            remedy=f"Make one: `{NEW_KEY}`.",
        )


def _refuse_weak_signer(secret: SecretStr) -> None:
    key = _signing_key(secret)
    if len(key) < _SHORTEST_KEY or _is_placeholder(key):
        raise BadInput(
            setting_name("provider_webhook_secrets"),
            "this is no signing secret.",
            remedy="Write whsec_ and the base64 of 24 to 64 random bytes, as Standard Webhooks "
            "has it.",
        )


def _refuse_placeholder(field: str, secret: SecretStr | None) -> None:
    value = secret.get_secret_value() if secret else None
    if value is not None and (len(value) < 8 or _PLACEHOLDER.search(value)):
        raise BadInput(
            setting_name(field),
            "this is a placeholder, or too short to be a secret.",
            remedy="Set a real secret; for the sandbox, start with `waboard up --sandbox`.",
        )
