"""Instants as Graph writes and reads them: UTC with seven fractional digits and `Z`."""

import re
from datetime import UTC, datetime

# Graph prints ticks of 100 ns; Python keeps microseconds, so digits after the sixth are cut before parsing.
_EXCESS_FRACTION = re.compile(r"(\.\d{6})\d+")


def graph_text(instant: datetime) -> str:
    moment = instant.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def graph_instant(text: str) -> datetime:
    """Aware UTC; a text without zone counts as UTC, as in OData. Raises ValueError."""
    instant = datetime.fromisoformat(_EXCESS_FRACTION.sub(r"\1", text))
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
