"""Who has to act next."""

from enum import StrEnum


class Party(StrEnum):
    """Whose turn it is. Waiting for somebody else is not the same as being broken."""

    US = "us"
    CLIENT = "client"
    OPERATOR = "operator"
    INFOBIP = "infobip"
    META = "meta"
