"""What must hold of every row, in words that both databases understand: they keep it themselves.

A rule is named by what it is about; the database's error names table and rule, such as
`ck_waits_kind`. What came from outside is kept as it came, so nothing is asked of its ids.
"""

from collections.abc import Iterable

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text

_ONLY_DIGITS = "ltrim({}, '0123456789') = ''"


def one_of(column: str, words: Iterable[str], *, optional: bool = False) -> CheckConstraint:
    """Only these words, or none where it is `optional`."""
    listed = ", ".join(f"'{word}'" for word in words)
    return _rule(column, f"{column} IN ({listed})", optional=optional)


def digits(column: str, *, optional: bool = False) -> CheckConstraint:
    """Decimal digits, as WABA ids and phone numbers are, or none where it is `optional`."""
    return _rule(
        column, f"{column} <> '' AND ltrim({column}, '0123456789') = ''", optional=optional
    )


def empty_or_digits(column: str) -> CheckConstraint:
    """A sender's number; empty where the whole onboarding is meant."""
    return _rule(column, _ONLY_DIGITS.format(column))


def said(*columns: str) -> list[CheckConstraint]:
    """Not empty: each of these says something."""
    return [_rule(column, f"{column} <> ''") for column in columns]


def at_least(least: int, column: str) -> CheckConstraint:
    """A number of times, or the first of them."""
    return _rule(column, f"{column} >= {least}")


def holds(name: str, condition: str) -> CheckConstraint:
    """What else holds of each row."""
    return CheckConstraint(condition, name=name)


def over_when(column: str, words: Iterable[str]) -> CheckConstraint:
    """It has ended in these states, and in no other."""
    listed = ", ".join(f"'{word}'" for word in words)
    return holds("ended", f"(ended_at IS NOT NULL) = ({column} IN ({listed}))")


def one_at_most(table: str, column: str, which: str, name: str) -> Index:
    """Of all rows of which something is true, at most one has the same value."""
    index = f"uq_{table}_{column}_{name}"
    where = text(which)
    return Index(index, column, unique=True, sqlite_where=where, postgresql_where=where)


def belongs_to_client() -> ForeignKeyConstraint:
    """It is of a client that we know."""
    return ForeignKeyConstraint(["client_ref"], ["clients.client_ref"])


def _rule(column: str, condition: str, *, optional: bool = False) -> CheckConstraint:
    whole = f"{column} IS NULL OR ({condition})" if optional else condition
    return CheckConstraint(whole, name=column)
