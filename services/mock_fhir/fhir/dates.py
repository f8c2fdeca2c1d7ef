"""Date search of FHIR R4: https://hl7.org/fhir/R4/search.html#date

A written date is an interval: `2026-11-25` is the whole day in the site's zone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_DATE = re.compile(
    r"^(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?$"
)
_PREFIXED = re.compile(r"^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d.*)$")
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)
DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime


def parse_interval(text: str, zone: ZoneInfo) -> Interval:
    """The interval a written date means. Raises ValueError."""
    match = _DATE.match(text)
    if match is None:
        raise ValueError(f"{text} is no FHIR date")
    part = {name: value for name, value in match.groupdict().items() if value}
    fraction = float(part.get("fraction", "0"))
    start = datetime(
        int(part["year"]),
        int(part.get("month", 1)),
        int(part.get("day", 1)),
        int(part.get("hour", 0)),
        int(part.get("minute", 0)),
        int(part.get("second", 0)),
        round(fraction * 1_000_000) if fraction else 0,
        tzinfo=_zone(part.get("zone"), zone),
    )
    return Interval(start, _end(start, part))


def _zone(text: str | None, site: ZoneInfo) -> ZoneInfo | None:
    if text is None:
        return site
    parsed = datetime.fromisoformat(f"2000-01-01T00:00:00{text}")
    return parsed.tzinfo  # type: ignore[return-value]  # any tzinfo serves


def _end(start: datetime, part: dict[str, str]) -> datetime:
    """One step of the finest part that was written."""
    steps = {
        "fraction": timedelta(milliseconds=1),
        "second": timedelta(seconds=1),
        "hour": timedelta(minutes=1),
        "day": timedelta(days=1),
    }
    step = next((step for name, step in steps.items() if name in part), None)
    if step is not None:
        return start + step
    year, month = start.year, start.month
    if "month" not in part:
        return start.replace(year=year + 1)
    return start.replace(year=year + month // DECEMBER, month=month % DECEMBER + 1)


COMPARISONS: dict[str, Callable[[Interval, Interval], bool]] = {
    "eq": lambda value, asked: asked.start <= value.start and value.end <= asked.end,
    "ne": lambda value, asked: not (asked.start <= value.start and value.end <= asked.end),
    "gt": lambda value, asked: value.end > asked.end,
    "lt": lambda value, asked: value.start < asked.start,
    "ge": lambda value, asked: value.start >= asked.start or value.end > asked.end,
    "le": lambda value, asked: value.end <= asked.end or value.start < asked.start,
    "sa": lambda value, asked: value.start >= asked.end,
    "eb": lambda value, asked: value.end <= asked.start,
    "ap": lambda value, asked: value.start < asked.end and asked.start < value.end,
}


def date_matcher(text: str, zone: ZoneInfo) -> Callable[[Interval], bool]:
    """A test for values, from a search value such as `ge2026-11-25`. Raises ValueError."""
    # the + of an offset arrives as a space when the client did not escape it
    match = _PREFIXED.match(text.replace(" ", "+"))
    if match is None:
        raise ValueError(f"{text} is no date with an optional prefix eq ne gt lt ge le sa eb ap")
    asked = parse_interval(match[2], zone)
    compare = COMPARISONS[match[1] or "eq"]
    return lambda value: compare(value, asked)
