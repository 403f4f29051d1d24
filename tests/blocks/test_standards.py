"""What Prefect asks of every block, so that its form in the UI reads well and keeps secrets."""

import inspect
import re
from typing import Any

import pytest
from prefect.blocks.core import Block
from pydantic import SecretStr, ValidationError

from blocks.accounts import InfobipAccount, VerificationMessage
from blocks.infobip_webhooks import InfobipWebhooks
from blocks.ledger import LedgerDatabase
from blocks.meta import MetaAccount
from blocks.policy import OnboardingPolicy
from blocks.webhook import ProviderWebhook
from waboard import deploy

SECRET = "s3cret-4711"
PHONE = "41793026727"
SAMPLES: dict[type[Block], dict[str, Any]] = {
    InfobipAccount: {
        "base_url": "https://xyz.api.infobip.test",
        "api_key": SECRET,
        "application_id": "waboard",
        "application_name": "waboard",
    },
    VerificationMessage: {"recipient": PHONE, "template_name": "t", "language": "en"},
    LedgerDatabase: {"url": f"postgresql://waboard:{SECRET}@db/waboard"},
    MetaAccount: {
        "graph_url": "https://graph.facebook.com",
        "graph_version": "v26.0",
        "app_id": "600000000000001",
        "app_secret": SECRET,
        "token_keys": SECRET,
    },
    OnboardingPolicy: {
        "registration_nudge": 1,
        "registration_give_up": 2,
        "delivery_nudge": 3,
        "delivery_give_up": 4,
    },
    ProviderWebhook: {"url": "https://crm.test", "secrets": SECRET},
    InfobipWebhooks: {"public_url": "https://board.test", "auth": "hmac", "secret": SECRET},
}
SECRET_FIELDS = {
    InfobipAccount: ["api_key"],
    VerificationMessage: ["recipient"],
    LedgerDatabase: ["url"],
    MetaAccount: ["app_secret", "system_token", "token_keys"],
    OnboardingPolicy: [],
    ProviderWebhook: ["secrets"],
    InfobipWebhooks: ["secret"],
}
every_block = pytest.mark.parametrize("block", SAMPLES, ids=lambda block: block.__name__)
AnyBlock = type[Block]


def schema_of(block: AnyBlock) -> dict[str, Any]:
    return block.model_json_schema()


def test_every_block_is_here():
    ours = {found for found in vars(deploy).values() if inspect.isclass(found)}
    ours = {b for b in ours if issubclass(b, Block) and b.__module__.startswith("blocks.")}
    assert ours == set(SAMPLES)


@every_block
def test_it_has_a_name_a_slug_and_a_description(block: AnyBlock):
    words = re.findall(r"[A-Z][a-z]+", block.__name__)
    assert block.get_block_type_slug() == "-".join(words).lower()
    assert block._block_type_name == " ".join(words).capitalize()
    assert (block.get_description() or "").endswith(".")


@every_block
def test_its_docstring_tells_of_each_attribute_and_shows_an_example(block: AnyBlock):
    text = inspect.getdoc(block) or ""
    attributes, _, example = text.partition("Attributes:")[2].partition("Example:")
    told = re.findall(r"^ +(\w+): \S.*[.]?", attributes, re.MULTILINE)
    assert told == list(own_fields(block))
    assert f"{block.__name__}.aload(" in example


def own_fields(block: AnyBlock) -> dict[str, Any]:
    return {name: f for name, f in block.model_fields.items() if name not in Block.model_fields}


@every_block
def test_every_field_has_a_title_and_a_description(block: AnyBlock):
    for name, field in own_fields(block).items():
        assert field.title, name
        assert field.description, name
        assert field.description.endswith("."), name


@every_block
def test_its_schema_marks_its_secrets(block: AnyBlock):
    """So that the Prefect UI masks them."""
    schema = schema_of(block)
    assert schema["secret_fields"] == SECRET_FIELDS[block]
    for name in SECRET_FIELDS[block]:
        assert schema["properties"][name]["format"] == "password"


@every_block
def test_its_secrets_are_in_no_text_of_it(block: AnyBlock):
    filled = block(**SAMPLES[block])
    for text in (repr(filled), str(filled), filled.model_dump_json(), repr(filled.model_dump())):
        assert SECRET not in text
        assert PHONE not in text
    for name in SECRET_FIELDS[block]:
        assert isinstance(getattr(filled, name), SecretStr)


@every_block
def test_a_field_without_a_default_is_asked_for(block: AnyBlock):
    required = set(schema_of(block).get("required", []))
    assert required == set(SAMPLES[block])


@every_block
def test_what_is_wrong_with_it_is_said_without_what_was_given(block: AnyBlock):
    """It may be a secret, or somebody's phone number."""
    with pytest.raises(ValidationError) as caught:
        block(**{key: [PHONE] for key in SAMPLES[block]})
    assert PHONE not in str(caught.value)
