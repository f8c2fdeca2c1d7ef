"""One event of a visit's call becomes presence, the visit's state, lines for the page, write-backs.

All of it is one transaction of the caller's: either everything of an event is kept or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from connector.domain.attendance import reported
from connector.domain.participant import (
    Participant,
    Presence,
    Role,
    RosterChange,
    StatusReport,
    call_ended,
    moved,
)
from connector.domain.visit import Visit
from connector.ports.microsoft import Attendee, CallEvent, CallEventType, IdentityKind, RosterLine
from connector.ports.storage import Transaction, VisitPerson
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.keep_roster import KeepRoster, RosterNews

_PATIENT_KINDS = frozenset({IdentityKind.GUEST, IdentityKind.COMMUNICATION_SERVICES_USER})


@dataclass(frozen=True, slots=True)
class ApplyCallEvent:
    """`attendance_after`: how long after a call's end Graph's report of it is looked for."""

    sealer: Sealer
    keep: KeepRoster
    clock: Clock
    attendance_after: timedelta

    def __call__(self, tx: Transaction, visit: Visit, event: CallEvent) -> None:
        """Apply it by its time, whatever was applied before; `visit` is as read in `tx`."""
        before = {p.key: p for p in tx.visits.roster(visit.id)}
        roster = dict(before)
        people = tx.visits.people(visit.id)
        reports: list[StatusReport] = []
        for line in event.roster:
            changed, told = self._entered(visit, line, event, people, roster)
            if self._was_reported(visit, changed, event, people, roster):
                continue
            roster[changed.key] = changed
            reports += told
        # Late news of a call that is known to be over: whoever joined it has left it.
        ended = event.type is CallEventType.ENDED
        if ended_at := event.at if ended else visit.call_ended_at:
            for participant in list(roster.values()):
                roster[participant.key], told = call_ended(participant, ended_at)
                reports += told
        self.keep(tx, visit, RosterNews(before, roster, reports, event.at, ended))
        self._plan_attendance(tx, visit, roster.values(), ended=ended)

    def _was_reported(
        self,
        visit: Visit,
        changed: Participant,
        event: CallEvent,
        people: Sequence[VisitPerson],
        roster: Mapping[str, Participant],
    ) -> bool:
        """An attendance report was faster: the stay this late line is of was told by it."""
        keys = [
            key_of_attendance(self.sealer, visit.id, person)
            for person in people
            if changed.ehr_id_sealed and person.ehr_id_sealed == changed.ehr_id_sealed
        ]
        return any(reported(roster[key], changed, event.at) for key in keys if key in roster)

    def _plan_attendance(
        self, tx: Transaction, visit: Visit, roster: Iterable[Participant], *, ended: bool
    ) -> None:
        """The end of a call makes a report; where all have left, its end may have been lost."""
        due_at = self.clock.now() + self.attendance_after
        if ended:
            tx.attendance.await_report(visit.id, due_at)
        elif all(p.presence is Presence.DISCONNECTED for p in roster):
            tx.attendance.look_by(visit.id, due_at)

    def _entered(
        self,
        visit: Visit,
        line: RosterLine,
        event: CallEvent,
        people: Sequence[VisitPerson],
        roster: dict[str, Participant],
    ) -> tuple[Participant, list[StatusReport]]:
        key = self.sealer.keyed_hash("participant", f"{visit.id}:{line.participant_id}")
        known = roster.get(key) or Participant(key, Role.OTHER)
        if known.role is Role.OTHER:
            known = replace(known, role=role_of(line, visit, people))
        presence = Presence.LOBBY if line.in_lobby else Presence.CONNECTED
        if line.removed:
            presence = Presence.DISCONNECTED
        known = _identified(known, line, people, roster.values())
        return moved(known, RosterChange(key, presence, event.at))


def key_of_attendance(sealer: Sealer, visit_id: str, person: VisitPerson) -> str:
    """Of the participant that stands for the stays of a person which only a report told.

    FHIR ids are unique within a type only: a practitioner's may be a patient's as well.
    """
    who = f"{person.role.value}:{person.ehr_id_hash}"
    return sealer.keyed_hash("participant", f"{visit_id}:attendance:{who}")


def role_of(line: RosterLine | Attendee, visit: Visit, people: Sequence[VisitPerson]) -> Role:
    """Who somebody is to the visit, by the kind of identity Graph names them with.

    An account of the visit's tenant is a clinician's, anybody who came by a link is on the
    patient's side. Phones, recorders and whoever is not named are neither: a guess would put a
    wrong person into the EHR's audit trail.
    """
    if line.kind in _PATIENT_KINDS:
        return Role.PATIENT
    if line.kind is not IdentityKind.USER or line.object_id is None:
        return Role.OTHER
    if line.tenant_id is None:  # older events leave it out: then the launch must vouch
        launched = any(p.object_id == line.object_id for p in people)
        return Role.PROVIDER if launched else Role.OTHER
    return Role.PROVIDER if line.tenant_id == visit.tenant_id.lower() else Role.PATIENT


def _identified(
    participant: Participant,
    line: RosterLine,
    people: Sequence[VisitPerson],
    roster: Iterable[Participant],
) -> Participant:
    """With the EHR identity behind them, when it is certain.

    Everybody on the patient's side is the visit's one patient to the EHR (a parent's second device
    as well); clinicians are told by their account. In a group it is the one patient who launched and
    is not there yet; where that may be several, nobody is told (ADR 10). A destroyed id (empty)
    identifies nobody.
    """
    if participant.ehr_id_sealed or participant.role is Role.OTHER:
        return participant
    candidates = [p for p in people if p.role is participant.role]
    if participant.role is Role.PROVIDER:
        candidates = [p for p in candidates if p.object_id == line.object_id]
    if len(candidates) > 1:
        here = {p.ehr_id_sealed for p in roster if p.presence is not Presence.DISCONNECTED}
        candidates = [p for p in candidates if p.ehr_id_sealed not in here]
    if len(candidates) != 1 or not candidates[0].ehr_id_sealed:
        return participant
    return replace(participant, ehr_id_sealed=candidates[0].ehr_id_sealed)
