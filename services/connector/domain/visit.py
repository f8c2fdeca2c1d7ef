"""The visit: one meeting for one appointment, and where it stands (design.md section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.participant import Participant, Presence, Role, met


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


# Recorders, phones and interpreters neither begin a visit nor make it one.
_COUNTS = frozenset({Role.PROVIDER, Role.PATIENT})


@dataclass(frozen=True, slots=True)
class Meeting:
    """The Teams meeting of a visit. URLs are opaque: compared and redirected to, never parsed.

    `patient_join_url` is its browser address, None until Graph said it.
    """

    id: str
    join_url: str
    patient_join_url: str | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as stored: opaque ids, times and state; nobody's name.

    `visit_key` is the HMAC of the EHR's appointment under the environment's own key.
    `organizer_id` is the Entra object id the meeting belongs to: the first provider to launch.
    `call_ended_at` is the newest end of a call in it, also after it was taken up again.
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
    call_ended_at: datetime | None = None

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def reopened(self) -> "Visit":
        """A provider launches a finished visit again: it goes on in the same meeting."""
        return replace(self, state=VisitState.WAITING_FOR_PATIENT, ended_at=None)

    def with_roster(self, people: Iterable[Participant], at: datetime) -> "Visit":
        """Where the visit stands after an event of time `at`, given everybody's presence.

        A final visit stays over for whatever happened before its end, though late news may show
        that both had met; somebody who connects after it (the call was started again) takes the
        visit up again.
        """
        people = [p for p in people if p.role in _COUNTS]
        have_met = self.met or met(people)
        connected = any(p.presence is Presence.CONNECTED for p in people)
        if self.final and not (connected and self.ended_at and at > self.ended_at):
            return self._over(people, have_met=have_met)
        here = {(p.role, p.presence) for p in people}
        return replace(self, met=have_met, state=_standing(here, met=have_met), ended_at=None)

    def call_ended(self, people: Iterable[Participant], at: datetime) -> "Visit":
        """A call in the meeting was over at `at`; the visit is too, unless somebody is back.

        What it was depends on who came; `people` are those of the roster after that end.
        """
        people = list(people)
        latest = max(at, self.call_ended_at or at)
        if self.final or any(p.presence is not Presence.DISCONNECTED for p in people):
            return replace(self, call_ended_at=latest)
        over = self._over(people, have_met=self.met or met(people))
        return replace(over, ended_at=at, call_ended_at=latest)

    def _over(self, came: Iterable[Participant], *, have_met: bool) -> "Visit":
        roles = {p.role for p in came} & _COUNTS
        ended = have_met or self.state is VisitState.ENDED
        return replace(self, met=have_met, state=VisitState.ENDED if ended else _unmet(roles))


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
