"""One event of a visit's call becomes presence, the visit's state, lines for the page, write-backs.

All of it is one transaction of the caller's: either everything of an event is kept or nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import idempotency_key
from connector.domain.participant import (
    Participant,
    Presence,
    Role,
    RosterChange,
    StatusReport,
    call_ended,
    moved,
    owed,
)
from connector.domain.visit import Visit
from connector.ports.errors import Untrusted
from connector.ports.microsoft import CallEvent, CallEventType, IdentityKind, RosterLine
from connector.ports.storage import AuditEntry, Transaction, VisitPerson, VisitSecrets
from connector.ports.system import Clock
from connector.ports.vault import Sealer, VisitSealer

_PATIENT_KINDS = frozenset({IdentityKind.GUEST, IdentityKind.COMMUNICATION_SERVICES_USER})


@dataclass(frozen=True, slots=True)
class ApplyCallEvent:
    sealer: Sealer
    visit_sealer: VisitSealer
    clock: Clock

    def __call__(self, tx: Transaction, visit: Visit, event: CallEvent) -> None:
        """Apply it by its time, whatever was applied before; `visit` is as read in `tx`."""
        before = {p.key: p for p in tx.visits.roster(visit.id)}
        roster = dict(before)
        people = tx.visits.people(visit.id)
        reports: list[StatusReport] = []
        for line in event.roster:
            changed, told = self._entered(visit, line, event, people, roster)
            roster[changed.key] = changed
            reports += told
        # Late news of a call that is known to be over: whoever joined it has left it.
        if ended_at := event.at if event.type is CallEventType.ENDED else visit.call_ended_at:
            for participant in list(roster.values()):
                roster[participant.key], told = call_ended(participant, ended_at)
                reports += told
        visit = visit.with_roster(roster.values(), event.at)
        if event.type is CallEventType.ENDED:
            visit = visit.call_ended(roster.values(), event.at)
        for participant in roster.values():
            tx.visits.save_participant(visit.id, participant)
        tx.visits.save(visit)
        for report in reports:
            tx.visits.add_event(visit.id, "participant", report.role, report.status, report.at)
        for ehr_id_sealed, report in _owed_to_ehr(before, roster, event.at):
            self._tell_ehr(tx, visit, report, ehr_id_sealed)
        tx.visits.add_event(visit.id, "state", "", visit.state.value, event.at)

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

    def _tell_ehr(
        self, tx: Transaction, visit: Visit, report: StatusReport, ehr_id_sealed: bytes
    ) -> None:
        secrets = tx.visits.secrets(visit.id)
        if secrets is None:  # pragma: no cover - ids without a key are empty and told of nobody
            return
        try:
            sealed = self._sealed(secrets, report, ehr_id_sealed)
        except Untrusted as err:
            tx.audit(self._untold(visit, err))
        else:
            tx.outbox.add(visit, idempotency_key(visit.id, report), sealed, self.clock.now())

    def _sealed(self, secrets: VisitSecrets, report: StatusReport, ehr_id_sealed: bytes) -> bytes:
        """Raises: Untrusted: an id was sealed under a key that is destroyed, or damaged."""
        opened = self.visit_sealer.open
        visit_conference = opened(secrets.wrapped_key, secrets.conference_id_sealed).decode()
        # In a group the person's own number stands before the id; no FHIR id holds a slash.
        told_as = opened(secrets.wrapped_key, ehr_id_sealed).decode()
        conference, _, person = told_as.rpartition("/")
        payload = {
            "conference_id": conference or visit_conference,
            "person_id": person,
            "role": report.role.value,
            "status": report.status.value,
        }
        return self.visit_sealer.seal(secrets.wrapped_key, json.dumps(payload).encode())

    def _untold(self, visit: Visit, err: Untrusted) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            event=Event.WRITE_BACK_PARKED,
            outcome=Outcome.FAILURE,
            reference="",
            tenant_id=visit.tenant_id,
            environment_id=visit.environment_id,
            actor="connector",
            facts={"visit": visit.id, "code": err.code},
        )


def _owed_to_ehr(
    before: Mapping[str, Participant], after: Mapping[str, Participant], cause_at: datetime
) -> list[tuple[bytes, StatusReport]]:
    """One line per EHR person, whatever devices they use: (sealed EHR id, report) each.

    Whoever rejoins is a new participant to Graph, and a leave may be heard after the rejoin.
    """
    reports: list[tuple[bytes, StatusReport]] = []
    for ehr_id in {p.ehr_id_sealed for p in after.values() if p.ehr_id_sealed}:
        now = [p for p in after.values() if p.ehr_id_sealed == ehr_id]
        keys = {p.key for p in now}
        # Nobody's story was told while they were not identified; under a destroyed id it was.
        told = [p for p in before.values() if p.key in keys and p.ehr_id_sealed is not None]
        reports += [(ehr_id, report) for report in owed(told, now, cause_at)]
    return reports


def role_of(line: RosterLine, visit: Visit, people: Sequence[VisitPerson]) -> Role:
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
