"""Times as the clinic's clock shows them: what is stored in UTC is told in the site's zone."""

from datetime import datetime
from zoneinfo import ZoneInfo


def clock_time(at: datetime, time_zone: str) -> str:
    """24-hour clock with seconds, for what happens now: `14:05:09`."""
    return at.astimezone(ZoneInfo(time_zone)).strftime("%H:%M:%S")


def date_time(at: datetime, time_zone: str) -> str:
    """Day, time and zone, for what is kept: `2 March 2026, 09:00 CST`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local.day} {local:%B %Y, %H:%M %Z}"
