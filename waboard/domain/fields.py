"""What settings and blocks may hold: the same whether it comes from the environment or a form."""

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter

from waboard.domain.ids import parse_phone_number

LONGEST_SECONDS = 100 * 365 * 86400.0
"""A hundred years: longer than anybody waits, and no time overflows."""

_http_url = TypeAdapter(AnyHttpUrl)


def _checked_url(value: str) -> str:
    _http_url.validate_python(value)
    return value


def _checked_phone(value: SecretStr) -> SecretStr:
    return SecretStr(parse_phone_number(value.get_secret_value()))


def _said(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("it must not be empty")
    return value


Seconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS, allow_inf_nan=False)]
WeeklyCap = Annotated[int, Field(ge=1, le=100_000)]
"""New clients in any seven days: with none, nobody would ever come in."""
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
GraphVersion = Annotated[str, Field(pattern=r"^v\d{1,3}\.\d$")]
TemplateName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
Language = Annotated[str, Field(pattern=r"^[A-Za-z_]{2,12}$")]
TemplateText = Annotated[str, Field(max_length=1024)]
ReplyText = Annotated[str, Field(min_length=1, max_length=4096)]
HttpUrl = Annotated[str, AfterValidator(_checked_url)]
SecretPhone = Annotated[SecretStr, AfterValidator(_checked_phone)]
"""A phone number in international form; kept as its digits."""
Secret = Annotated[SecretStr, AfterValidator(_said)]
"""One that is there."""
