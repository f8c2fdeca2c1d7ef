"""People of one call, what happened to them, and the report made of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mock_microsoft.directory import Person
from mock_microsoft.teams.lobby import Standing


class Presence(StrEnum):
    LOBBY = "lobby"
    IN_CALL = "in-call"
    LEFT = "left"
    DENIED = "denied"
    ENDED = "ended"


class Departure(StrEnum):
    """Texts of `removedState.reason`."""

    LEFT = "Participant has left the meeting call."
    INACTIVE = "Participant has entered an inactive state in the roster."


class EventType(StrEnum):
    CALL_STARTED = "callStarted"
    ROSTER_UPDATED = "rosterUpdated"
    CALL_ENDED = "callEnded"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Someone at the door: a signed-in person, or a display name only."""

    display_name: str
    person: Person | None = None


@dataclass(slots=True)
class Interval:
    """Time in the call; the lobby does not count. `left` is None while it lasts."""

    joined: datetime
    left: datetime | None = None


@dataclass(slots=True)
class Participant:
    """One stay in one call. `seat` is the secret in the address of this person's page.

    `person_key` stays the same when the same browser or account joins again; `id` does not.
    """

    id: str
    seat: str
    person_key: str
    visitor: Visitor
    standing: Standing
    presents: bool
    presence: Presence
    intervals: list[Interval] = field(default_factory=list)

    def is_present(self) -> bool:
        return self.presence in (Presence.LOBBY, Presence.IN_CALL)


@dataclass(frozen=True, slots=True)
class RosterChange:
    """One entry of `participants@delta`; `departure` None means present."""

    participant_id: str
    visitor: Visitor
    is_in_lobby: bool
    departure: Departure | None = None


@dataclass(frozen=True, slots=True)
class CallEvent:
    type: EventType
    at: datetime
    changes: tuple[RosterChange, ...] = ()


@dataclass(frozen=True, slots=True)
class AttendanceRecord:
    visitor: Visitor
    person_key: str
    role: str
    intervals: tuple[tuple[datetime, datetime], ...]

    @property
    def total_seconds(self) -> int:
        return sum(round((left - joined).total_seconds()) for joined, left in self.intervals)


@dataclass(frozen=True, slots=True)
class AttendanceReport:
    """Of one call session, from its start to its end."""

    id: str
    started: datetime
    ended: datetime
    records: tuple[AttendanceRecord, ...]


_ROLES = {Standing.ORGANIZER: "Organizer"}


def attendance_records(
    participants: list[Participant], ended: datetime
) -> tuple[AttendanceRecord, ...]:
    """One record a person who was in the call, with every interval, in order of first arrival."""
    stays: dict[str, list[Participant]] = {}
    for participant in participants:
        if participant.intervals:
            stays.setdefault(participant.person_key, []).append(participant)
    return tuple(_record(key, own, ended) for key, own in stays.items())


def _record(person_key: str, stays: list[Participant], ended: datetime) -> AttendanceRecord:
    first = stays[0]
    role = _ROLES.get(first.standing, "Presenter" if first.presents else "Attendee")
    intervals = (i for stay in stays for i in stay.intervals)
    return AttendanceRecord(
        first.visitor, person_key, role, tuple((i.joined, i.left or ended) for i in intervals)
    )
