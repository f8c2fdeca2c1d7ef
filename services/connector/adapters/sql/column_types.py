"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

_E = TypeVar("_E", bound=StrEnum)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in and out; SQLite has no time zones, so there the UTC wall time is stored.

    Raises:
        ValueError: a naive datetime was bound; guessing its zone would corrupt the order of events.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone is never stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


class ByValue(TypeDecorator[_E]):
    """An enumeration stored as its value: the words of the domain are the words in the database."""

    impl = Text
    cache_ok = True

    def __init__(self, enumeration: type[_E]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: _E | None, _dialect: Dialect) -> str | None:
        return None if value is None else self.enumeration(value).value

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> _E | None:
        return None if value is None else self.enumeration(value)
