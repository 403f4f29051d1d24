"""Sealing what is secret before it is stored."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from waboard.domain.errors import BadInput, WaboardError

SETTING = "WABOARD_TOKEN_KEYS"
NEW_KEY = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)


class Sealer:
    """Seals with the first key, and opens with any: that is how keys are rotated.

    Raises BadInput, naming the setting, for a key that is none.
    """

    def __init__(self, keys: list[SecretStr]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        except ValueError:
            raise BadInput(SETTING, "this is no key.", remedy=f"Make one: `{NEW_KEY}`.") from None

    def seal(self, token: SecretStr) -> str:
        """Return what may be stored."""
        return self._fernet.encrypt(token.get_secret_value().encode()).decode()

    def open(self, sealed: str) -> SecretStr:
        """Return the token. Raises WaboardError when no key fits."""
        try:
            return SecretStr(self._fernet.decrypt(sealed.encode()).decode())
        except InvalidToken:
            raise WaboardError(
                "A client's token cannot be opened with the keys that are set.",
                remedy=f"Put the key that it was sealed with back into {SETTING}, or send the "
                "client a new signup link.",
            ) from None
