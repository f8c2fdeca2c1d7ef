"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `ports.system.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)
