"""When Graph's attendance reports are looked at: kept, so that a killed worker forgets no meeting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AttendanceCheck:
    """A claimed look at the reports of one visit's meeting.

    `awaited`: a call of it ended, as an event told, and its report has not been read; `failures`
    counts the looks before that brought nothing; `claims` names the claim that holds it.
    """

    visit_id: str
    awaited: bool
    failures: int
    claims: int


class AttendanceChecks(Protocol):
    """One row a visit; what a claim decides counts only while nobody else has claimed it since."""

    def expect(self, due_at: datetime) -> None:
        """Every open visit with a meeting is looked at then, unless it has its look or was given up.

        Without the data key of the visit nothing could be told: such visits are left out, here and
        below.
        """
        ...

    def await_report(self, visit_id: str, due_at: datetime) -> None:
        """A call is over: look then, with all tries anew, whatever was decided before."""
        ...

    def look_by(self, visit_id: str, due_at: datetime) -> None:
        """Look then at the latest; what is awaited, and a look that was given up, stay so."""
        ...

    def claim_due(self, now: datetime, limit: int) -> Sequence[AttendanceCheck]:
        """The longest due first, leased for four minutes."""
        ...

    def look_again(self, check: AttendanceCheck, due_at: datetime) -> None:
        """All known reports were read; nothing is awaited."""
        ...

    def retry(self, check: AttendanceCheck, due_at: datetime) -> None:
        """The look brought nothing; it counts as a failure."""
        ...

    def settle(self, check: AttendanceCheck) -> None:
        """No look is due any more, until the visit is open again or a call of it ends."""
        ...

    def give_up(self, check: AttendanceCheck, code: str) -> None:
        """No look is due any more, until a call of it ends; `code` says why there is no report."""
        ...

    def key_made_at(self, visit_id: str) -> datetime | None:
        """When the visit's data key was made; None when it has none."""
        ...

    def awaited(self) -> int:
        """How many visits wait for the report of a call that is over."""
        ...
