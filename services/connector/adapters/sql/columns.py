"""How columns are declared: each says what it holds, and its table how long.

A comment reads `what; how long`; where a column has no `how long` of its own, its table's is appended.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    true,
)

from connector.adapters.sql.column_types import ByValue, UtcDateTime

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

# SQLite numbers rows itself only when the column is exactly INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

_T = TypeVar("_T", bound=Table[Any])
_E = TypeVar("_E", bound=StrEnum)


def text(
    about: str, *keys: ForeignKey, primary_key: bool = False, default: str | None = None
) -> Column[str]:
    """`default` is what rows of before the column was added hold."""
    return Column(
        Text,
        *keys,
        primary_key=primary_key,
        nullable=False,
        comment=about,
        server_default=default,
    )


def text_or_none(about: str, *keys: ForeignKey) -> Column[str | None]:
    return Column(Text, *keys, nullable=True, comment=about)


def word(
    enumeration: type[_E], about: str, *, primary_key: bool = False, default: _E | None = None
) -> Column[_E]:
    return Column(
        ByValue(enumeration),
        primary_key=primary_key,
        nullable=False,
        comment=about,
        server_default=default,
    )


def time(about: str) -> Column[datetime]:
    return Column(UtcDateTime, nullable=False, comment=about)


def time_or_none(about: str) -> Column[datetime | None]:
    return Column(UtcDateTime, nullable=True, comment=about)


def count(about: str) -> Column[int]:
    return Column(Integer, nullable=False, comment=about)


def flag(about: str, *, default: bool | None = None) -> Column[bool]:
    since = None if default is None else (true() if default else false())
    return Column(Boolean, nullable=False, comment=about, server_default=since)


def blob(about: str) -> Column[bytes]:
    return Column(LargeBinary, nullable=False, comment=about)


def numbered(about: str) -> Column[int]:
    return Column(_Number, Identity(), primary_key=True, comment=about)


def of_tenant() -> Column[str]:
    return text("Entra tenant id", ForeignKey("tenant.id"))


def of_environment() -> Column[str]:
    return text("EHR environment", ForeignKey("ehr_environment.id"))


def of_visit(*, primary_key: bool = False) -> Column[str]:
    owner = ForeignKey("visit.id", ondelete="CASCADE")
    return text("visit it belongs to", owner, primary_key=primary_key)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    known = ", ".join(f"'{word!s}'" for word in words)
    return CheckConstraint(f"{column} IN ({known})", name=f"{column}_known")


def kept(until: str, table: _T) -> _T:
    for column in table.columns:
        if ";" not in (column.comment or ""):
            column.comment = f"{column.comment}; {until}"
    return table
