"""How visits of an EHR environment behave: what an admin chooses and the approver approves."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from connector.domain.errors import Reason, Refused
from connector.domain.join_window import JoinWindow

_ORIGIN = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{1,4})?")
_DAY_MINUTES = 24 * 60
_MOST_ORIGINS = 10


class Department(StrEnum):
    """The mnemonic that names the department in the clinicians' record (F31, E13)."""

    LOGIN = "%LOGINDEPTID%"
    PERFORMING = "%PERFDEPID;;; ; ;;NONE;%"
    NONE = ""


class Lobby(StrEnum):
    """Who waits in the Teams lobby until admitted.

    https://learn.microsoft.com/graph/api/resources/lobbybypasssettings
    """

    PATIENTS = "patients"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class VisitSettings:
    """`join_opens_minutes` before the appointment's start and `join_closes_minutes` after its end a
    patient may join; `frame_ancestors` are https origins that may frame visit pages besides the EHR's.
    """

    department: Department = Department.LOGIN
    group_visits: bool = False
    browser_join: bool = True
    lobby: Lobby = Lobby.PATIENTS
    join_opens_minutes: int = _DAY_MINUTES
    join_closes_minutes: int = _DAY_MINUTES
    frame_ancestors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: Refused: `SETTING_INVALID`; fact `setting` names it."""
        minutes = (self.join_opens_minutes, self.join_closes_minutes)
        if not all(0 <= each <= _DAY_MINUTES for each in minutes):
            raise Refused(Reason.SETTING_INVALID, facts={"setting": "join_window"})
        plain = all(_ORIGIN.fullmatch(origin) for origin in self.frame_ancestors)
        if not plain or len(self.frame_ancestors) > _MOST_ORIGINS:
            raise Refused(Reason.SETTING_INVALID, facts={"setting": "frame_ancestors"})

    def values(self) -> dict[str, str]:
        """By name, as text, for digests, differences and pages."""
        return {
            "department": self.department.value,
            "group_visits": _on(self.group_visits),
            "browser_join": _on(self.browser_join),
            "lobby": self.lobby.value,
            "join_opens_minutes": str(self.join_opens_minutes),
            "join_closes_minutes": str(self.join_closes_minutes),
            "frame_ancestors": " ".join(self.frame_ancestors),
        }

    def join_window(self, start: datetime | None, end: datetime | None) -> JoinWindow:
        """When a patient may join an appointment; a side it does not say is always open (U1-U3).

        Minutes are counted in UTC: across a change of the clocks a zone's own count is an hour off.
        """
        last = end or start
        return JoinWindow(
            start and start.astimezone(UTC) - timedelta(minutes=self.join_opens_minutes),
            last and last.astimezone(UTC) + timedelta(minutes=self.join_closes_minutes),
        )


DEFAULTS = VisitSettings()


def _on(value: bool) -> str:  # noqa: FBT001 - one value in, one word out
    return "on" if value else "off"
