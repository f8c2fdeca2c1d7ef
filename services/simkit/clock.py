"""Simulator time: a tester may set and advance it; it keeps running from there."""

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus an offset. Thread-safe."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Aware, UTC."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    def set(self, instant: datetime) -> None:
        """Make `now()` this instant; a naive one is refused with ValueError."""
        if instant.tzinfo is None:
            raise ValueError("the instant needs a time zone, for example 2026-11-25T15:00:00Z")
        with self._lock:
            self._offset = instant - datetime.now(UTC)

    def advance(self, by: timedelta) -> None:
        with self._lock:
            self._offset += by

    def reset(self) -> None:
        with self._lock:
            self._offset = timedelta()

    @property
    def offset_seconds(self) -> float:
        return self._offset.total_seconds()


def parse_instant(text: str) -> datetime:
    """An ISO 8601 date and time with zone, as aware UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("the instant needs a time zone, for example 2026-11-25T15:00:00Z")
    return instant.astimezone(UTC)


def instant_text(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, the form every simulator prints."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
