"""What somebody looks for in the audit trail, read from the address of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from connector.ports.audit_log import AuditFilter

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """The filter as it was typed; days are in UTC, and `until` is included."""

    event: str
    outcome: str
    environment: str
    reference: str
    since: str
    until: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "AuditQuery":
        return cls(**{name: query.get(name, "").strip()[:_LONGEST] for name in cls.__slots__})

    @property
    def set(self) -> dict[str, str]:
        """What is asked for, as parameters of a link."""
        named = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in named.items() if value}

    @property
    def wrong(self) -> frozenset[str]:
        """Fields that hold no day."""
        days = {"since": self.since, "until": self.until}
        return frozenset(name for name, text in days.items() if text and _day(text) is None)

    def filter(self, tenant_id: str) -> AuditFilter:
        since, until = _day(self.since), _day(self.until)
        return AuditFilter(
            tenant_id=tenant_id,
            event=self.event,
            outcome=self.outcome,
            environment_id=self.environment,
            reference=self.reference.upper(),
            since=_midnight(since),
            until=_midnight(until + timedelta(days=1)) if until else None,
        )


def before_id(query: Mapping[str, str]) -> int | None:
    """The line that the page ends before; a number nobody was given is no number."""
    text = query.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(2**63)) else None


def _day(text: str) -> date | None:
    """`9999-12-31` has no day after it, so it is none either."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day < date.max else None


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
