"""Where the facts are kept."""

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field

from waboard.domain.fields import Secret
from waboard.ledger.database import MANY, Ledger


class LedgerDatabase(Block):
    """The database of waboard's ledger. The URL holds a password, so it is a secret.

    Attributes:
        url: `sqlite:////path/to/ledger.db` or `postgresql://user:password@host/database`.

    Example:
        `ledger = (await LedgerDatabase.aload("waboard")).get_client()`
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Ledger database"
    _block_type_slug = "ledger-database"
    _description = "The database of waboard's ledger."

    url: Secret = Field(title="Database URL", description="SQLite or PostgreSQL.")

    def get_client(self, connections: int = MANY) -> Ledger:
        """Return the ledger, with so many connections at most. Close it after use."""
        return Ledger(self.url.get_secret_value(), connections)
