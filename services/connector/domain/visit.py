"""The visit: one meeting for one appointment, and where it stands (design.md section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.participant import Participant, Presence, Role


class VisitState(StrEnum):
    """`ENDED` and the three below it are final until somebody launches the visit again."""

    WAITING_FOR_PROVIDER = "waiting_for_provider"
    WAITING_FOR_PATIENT = "waiting_for_patient"
    LOBBY = "lobby"
    IN_VISIT = "in_visit"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    PATIENT_NO_SHOW = "patient_no_show"
    PROVIDER_NO_SHOW = "provider_no_show"
    ABANDONED = "abandoned"


FINAL = frozenset(
    {
        VisitState.ENDED,
        VisitState.PATIENT_NO_SHOW,
        VisitState.PROVIDER_NO_SHOW,
        VisitState.ABANDONED,
    }
)


BOTH_CONNECTED = {
    (Role.PROVIDER, Presence.CONNECTED),
    (Role.PATIENT, Presence.CONNECTED),
}


@dataclass(frozen=True, slots=True)
class Meeting:
    """The Teams meeting of a visit. URLs are opaque: compared and redirected to, never parsed."""

    id: str
    join_url: str
    patient_join_url: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as stored: opaque ids, times and state; nobody's name.

    `visit_key` is the HMAC of the EHR's appointment under the environment's own key.
    `organizer_id` is the Entra object id the meeting belongs to: the first provider to launch.
    """

    id: str
    environment_id: str
    tenant_id: str
    visit_key: str
    state: VisitState
    created_at: datetime
    organizer_id: str | None = None
    meeting: Meeting | None = None
    met: bool = False
    ended_at: datetime | None = None

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def reopened(self) -> "Visit":
        """A provider launches a finished visit again: it goes on in the same meeting."""
        return replace(self, state=VisitState.WAITING_FOR_PATIENT, ended_at=None)

    def with_roster(self, people: Iterable[Participant], at: datetime) -> "Visit":
        """Where the visit stands after an event of time `at`, given everybody's presence.

        A final state stays for whatever happened before it; somebody who connects after it (the
        call was started again) takes the visit up again.
        """
        people = list(people)
        connected = any(p.presence is Presence.CONNECTED for p in people)
        if self.final and not (connected and self.ended_at and at > self.ended_at):
            return self
        here = {(p.role, p.presence) for p in people}
        met = self.met or here >= BOTH_CONNECTED
        return replace(self, met=met, state=_standing(here, met=met), ended_at=None)

    def call_ended(self, came: Iterable[Participant], at: datetime) -> "Visit":
        """The call is over for everybody; what it was depends on who `came`, now gone or not."""
        if self.final:
            return self
        state = VisitState.ENDED if self.met else _unmet({p.role for p in came})
        return replace(self, state=state, ended_at=at)


def _standing(here: set[tuple[Role, Presence]], *, met: bool) -> VisitState:
    provider = (Role.PROVIDER, Presence.CONNECTED) in here
    patient = (Role.PATIENT, Presence.CONNECTED) in here
    if provider and patient:
        return VisitState.IN_VISIT
    if (Role.PATIENT, Presence.LOBBY) in here:
        return VisitState.LOBBY
    if met:
        return VisitState.INTERRUPTED
    return VisitState.WAITING_FOR_PROVIDER if patient else VisitState.WAITING_FOR_PATIENT


def _unmet(came: set[Role]) -> VisitState:
    """A call that ended before both were in it together."""
    if came == {Role.PATIENT}:
        return VisitState.PROVIDER_NO_SHOW
    return VisitState.PATIENT_NO_SHOW if came == {Role.PROVIDER} else VisitState.ABANDONED
