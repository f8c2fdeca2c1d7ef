"""What became of everybody in a visit's call is kept, shown and owed to the EHR.

All of it is one transaction of the caller's: either everything of the news is kept or nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.audit import Event, Outcome
from connector.domain.outbox import idempotency_key
from connector.domain.participant import Participant, StatusReport, owed
from connector.domain.visit import Visit
from connector.ports.errors import Untrusted
from connector.ports.storage import AuditEntry, Transaction, VisitSecrets
from connector.ports.system import Clock
from connector.ports.vault import VisitSealer


@dataclass(frozen=True, slots=True)
class RosterNews:
    """Everybody by key, before the news and after.

    `reports` are the lines for the live page; the news are of the time `at`; `ended`: a call was
    over then.
    """

    before: Mapping[str, Participant]
    after: Mapping[str, Participant]
    reports: Sequence[StatusReport]
    at: datetime
    ended: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """The visit as it is now, and what the EHR will be told: (sealed EHR id, report) each."""

    visit: Visit
    owed: Sequence[tuple[bytes, StatusReport]]


@dataclass(frozen=True, slots=True)
class KeepRoster:
    visit_sealer: VisitSealer
    clock: Clock

    def __call__(self, tx: Transaction, visit: Visit, news: RosterNews) -> Kept:
        """`visit` is as read in `tx`."""
        people = list(news.after.values())
        known = visit
        visit = visit.with_roster(people, news.at)
        if news.ended:
            visit = visit.call_ended(people, news.at)
        for participant in people:
            if participant != news.before.get(participant.key):
                tx.visits.save_participant(visit.id, participant)
        if visit != known:
            tx.visits.save(visit)
        for report in news.reports:
            tx.visits.add_event(visit.id, "participant", report.role, report.status, report.at)
        told = _owed_to_ehr(news.before, news.after, news.at)
        for ehr_id_sealed, report in told:
            self._tell_ehr(tx, visit, report, ehr_id_sealed)
        if visit != known or news.reports:  # lines pass a gate of the whole stamp
            tx.visits.add_event(visit.id, "state", "", visit.state.value, news.at)
        return Kept(visit, told)

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
        return AuditEntry.of_connector(
            self.clock.now(),
            Event.WRITE_BACK_PARKED,
            Outcome.FAILURE,
            visit,
            {"visit": visit.id, "code": err.code},
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
