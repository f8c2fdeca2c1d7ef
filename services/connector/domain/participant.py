"""One person's presence in the meeting, as the call events tell it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Who somebody is to the visit; the connector keeps no name."""

    PROVIDER = "provider"
    PATIENT = "patient"


class Presence(StrEnum):
    """Where somebody is now."""

    LOBBY = "lobby"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"


class ConnectionStatus(StrEnum):
    """What the EHR is told. Values are the connector's; adapters know each EHR's wire codes."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOBBY = "lobby"


@dataclass(frozen=True, slots=True)
class RosterChange:
    """One participant's line of one call event.

    `key` is a keyed hash of Graph's participant id; `object_id` is None for people without an
    account. `at` is Graph's event time in aware UTC.
    """

    key: str
    presence: Presence
    at: datetime
    object_id: str | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """A person in the roster; `status_at` is the newest event time applied."""

    key: str
    role: Role
    presence: Presence
    status_at: datetime
    ehr_id_sealed: bytes | None = None
    unheard_leave_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A change of somebody's connection that the EHR must hear of, once."""

    participant_key: str
    role: Role
    status: ConnectionStatus
    at: datetime


_STATUS_OF = {
    Presence.CONNECTED: ConnectionStatus.CONNECTED,
    Presence.DISCONNECTED: ConnectionStatus.DISCONNECTED,
    Presence.LOBBY: ConnectionStatus.LOBBY,
}


def arrived(change: RosterChange, role: Role) -> tuple[Participant, list[StatusReport]]:
    """First word of somebody. A leave heard before its join reports nothing yet."""
    early_leave = change.presence is Presence.DISCONNECTED
    participant = Participant(
        key=change.key,
        role=role,
        presence=change.presence,
        status_at=change.at,
        unheard_leave_at=change.at if early_leave else None,
    )
    return participant, [] if early_leave else [_report(participant, change.presence, change.at)]


def moved(participant: Participant, change: RosterChange) -> tuple[Participant, list[StatusReport]]:
    """Apply one change by event time: older and repeated news never move anybody backwards.

    Returns:
        The participant after it, and the reports the EHR is owed, in event order.
    """
    if change.at < participant.status_at:
        return _caught_up(participant, change)
    if change.presence is participant.presence:
        return replace(participant, status_at=change.at), []
    after = replace(
        participant, presence=change.presence, status_at=change.at, unheard_leave_at=None
    )
    return after, [_report(after, change.presence, change.at)]


def _caught_up(
    participant: Participant, change: RosterChange
) -> tuple[Participant, list[StatusReport]]:
    """The join of a leave that came first: the EHR is owed both, in order."""
    left_at = participant.unheard_leave_at
    if left_at is None or change.presence is not Presence.CONNECTED:
        return participant, []
    if left_at < change.at:  # that leave ended an earlier stay: the newest one ended this
        left_at = participant.status_at
    return replace(participant, unheard_leave_at=None), [
        _report(participant, Presence.CONNECTED, change.at),
        _report(participant, Presence.DISCONNECTED, left_at),
    ]


def _report(participant: Participant, presence: Presence, at: datetime) -> StatusReport:
    return StatusReport(participant.key, participant.role, _STATUS_OF[presence], at)
