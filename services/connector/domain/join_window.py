"""When a patient may be in the meeting (U1-U4): compared in UTC, told in the clinic's zone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.visit import Visit


@dataclass(frozen=True, slots=True)
class JoinWindow:
    """From `opens_at` until `closes_at`, aware UTC; None on a side that is always open."""

    opens_at: datetime | None = None
    closes_at: datetime | None = None

    def early(self, now: datetime) -> bool:
        return self.opens_at is not None and now < self.opens_at

    def late(self, now: datetime) -> bool:
        return self.closes_at is not None and now > self.closes_at


ALWAYS = JoinWindow()


class Hold(StrEnum):
    """Why a patient is not let into the meeting now."""

    ENDED = "ended"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"
    NOT_STARTED = "not_started"


def held_back(visit: Visit, window: JoinWindow, now: datetime) -> Hold | None:
    """None: the patient may go to the meeting.

    A visit in which both have met is not cut off by its window: who loses the connection in a visit
    that runs late may come back.
    """
    reasons = {
        Hold.ENDED: visit.final,
        Hold.TOO_LATE: window.late(now) and not visit.met,
        Hold.TOO_EARLY: window.early(now),
        Hold.NOT_STARTED: visit.meeting is None,
    }
    return next((hold for hold, holds in reasons.items() if holds), None)
