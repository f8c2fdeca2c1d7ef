"""What happens in a call: roster lines, call events, and one participant's changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.builders.configurations import NOON, TENANT

from connector.domain.participant import Moment, Participant, Presence, Role, RosterChange
from connector.domain.visit import Meeting, Visit, VisitState
from connector.ports.microsoft import CallEvent, CallEventType, IdentityKind, RosterLine


def at(seconds: float) -> datetime:
    """Seconds after noon, the time every story here begins."""
    return NOON + timedelta(seconds=seconds)


def change(presence: Presence, seconds: float, key: str = "person") -> RosterChange:
    return RosterChange(key=key, presence=presence, at=at(seconds))


def participant(role: Role, presence: Presence, *, key: str = "person") -> Participant:
    return Participant(key=key, role=role, story=(Moment(NOON, presence),))


def meeting() -> Meeting:
    return Meeting("meeting-1", "https://teams.example/l/1", "https://visit.teams.example/1")


def visit(state: VisitState = VisitState.WAITING_FOR_PATIENT) -> Visit:
    return Visit(
        id="visit-1",
        environment_id="env-test",
        tenant_id="tenant-1",
        visit_key="key-1",
        state=state,
        created_at=NOON,
    )


def line(
    participant_id: str,
    object_id: str | None = None,
    *,
    kind: IdentityKind | None = None,
    tenant_id: str | None = TENANT,
) -> RosterLine:
    """Somebody in the call: an account of the visit's tenant, or a guest without one."""
    named = IdentityKind.USER if object_id else IdentityKind.GUEST
    return RosterLine(
        participant_id=participant_id,
        kind=kind or named,
        object_id=object_id,
        tenant_id=tenant_id if object_id else None,
        in_lobby=False,
        removed=False,
    )


def connected(participant_id: str, object_id: str | None = None) -> RosterLine:
    return line(participant_id, object_id)


def in_lobby(participant_id: str, object_id: str | None = None) -> RosterLine:
    return replace(line(participant_id, object_id), in_lobby=True)


def gone(participant_id: str, object_id: str | None = None) -> RosterLine:
    return replace(line(participant_id, object_id), removed=True)


def roster(seconds: float, *lines: RosterLine, key: str = "") -> CallEvent:
    return _event(CallEventType.ROSTER, seconds, lines, key)


def call_started(seconds: float) -> CallEvent:
    return _event(CallEventType.STARTED, seconds, (), "")


def call_ended(seconds: float, *, key: str = "") -> CallEvent:
    return _event(CallEventType.ENDED, seconds, (), key)


def _event(kind: CallEventType, seconds: float, lines: Sequence[RosterLine], key: str) -> CallEvent:
    names = "+".join(line.participant_id for line in lines)
    return CallEvent(key or f"{kind.value}@{seconds}:{names}", kind, at(seconds), lines)
