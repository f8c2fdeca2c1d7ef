"""After a call: what its attendance report tells and no notification told is owed to the EHR (flow 3).

Somebody was in the meeting before its subscription existed, or notifications were lost; Graph has
no way to ask who is in a call, only reports of who was (microsoft.md 3.9). They are looked for some
time after an end that was heard, and now and then while a visit is open, since the end itself may
have been lost ([ADR 17](../../../docs/adr/0017-attendance-only-adds.md); case 53).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.attendance import (
    TOLERANCE,
    Stay,
    call_had_people,
    heard_of,
    untold,
    waited_for,
)
from connector.domain.audit import Event, Outcome
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
from connector.ports.attendance import AttendanceCheck
from connector.ports.errors import OutsideError, TryLater
from connector.ports.microsoft import Attendance, AttendanceReport, Attendee
from connector.ports.storage import AuditEntry, Store, Transaction, VisitPerson
from connector.ports.system import Clock
from connector.ports.vault import Sealer
from connector.usecases.apply_call_event import key_of_attendance, role_of
from connector.usecases.keep_roster import KeepRoster, Kept, RosterNews

# 1, 2, 4, 8, 16 and 32 times the delay after an end: 5 minutes to 2 h 40 with the default.
LOOKS = 6
# An open visit is looked at every twelve delays: each hour with the default.
UNHEARD = 12
# Calls that ended before the visit's data key was made were told under an earlier one, half an hour
# before at least; our clock and Graph's are never that far apart.
CLOCKS_APART = timedelta(minutes=5)
NOT_READY = "not_ready"

Attended = Mapping[bytes, Sequence[Stay]]


@dataclass(frozen=True, slots=True)
class ReconcileAttendance:
    """`after`: how long after a call's end its report is looked for first."""

    store: Store
    attendance: Attendance
    sealer: Sealer
    keep: KeepRoster
    clock: Clock
    after: timedelta

    def expect(self) -> None:
        """Every open visit has a look to come, also one of which nothing is ever heard."""
        with self.store.write() as tx:
            tx.attendance.expect(self.clock.now() + UNHEARD * self.after)

    def due(self, limit: int) -> Sequence[AttendanceCheck]:
        with self.store.write() as tx:
            return tx.attendance.claim_due(self.clock.now(), limit)

    def __call__(self, check: AttendanceCheck) -> None:
        """Look once: tell what was missed, then settle it, or look again, or give it up."""
        with self.store.read() as tx:
            visit = tx.visits.get(check.visit_id)
            key_made_at = tx.attendance.key_made_at(check.visit_id)
        if visit is None or key_made_at is None:  # purged, destroyed: and the check with them
            return
        try:
            reports = self._reports(visit, key_made_at - CLOCKS_APART)
        except OutsideError as err:
            asked = err.retry_after_seconds if isinstance(err, TryLater) else None
            with self.store.write() as tx:
                self._failed(tx, visit, check, err.code, asked)
            return
        with self.store.write() as tx:
            visit = tx.visits.get(check.visit_id)
            if visit is not None:  # pragma: no branch - purged a moment ago
                self._read(tx, visit, check, reports)

    def _reports(self, visit: Visit, since: datetime) -> Sequence[AttendanceReport]:
        if visit.meeting is None or visit.organizer_id is None:  # nobody can have been in it
            return []
        return self.attendance.reports(
            tenant_id=visit.tenant_id,
            organizer_id=visit.organizer_id,
            meeting_id=visit.meeting.id,
            since=since,
        )

    def _read(
        self,
        tx: Transaction,
        visit: Visit,
        check: AttendanceCheck,
        reports: Sequence[AttendanceReport],
    ) -> None:
        roster = tx.visits.roster(visit.id)
        end_was_lost = bool(reports) and _is_news(visit, reports[-1].ended_at)
        is_missing = check.awaited and _is_missing(visit, roster, reports)
        if reports:
            visit = self._reconcile(tx, visit, roster, reports)
        if is_missing:
            self._failed(tx, visit, check, NOT_READY, None)
        elif visit.final and not end_was_lost:
            tx.attendance.settle(check)
        else:  # whatever swallowed that end may swallow the next call as well
            tx.attendance.look_again(check, self.clock.now() + UNHEARD * self.after)

    def _reconcile(
        self,
        tx: Transaction,
        visit: Visit,
        roster: Sequence[Participant],
        reports: Sequence[AttendanceReport],
    ) -> Visit:
        """The visit with everything of the reports applied."""
        before = {p.key: p for p in roster}
        people = tx.visits.people(visit.id)
        attended = _attended(visit, people, reports)
        after, told = dict(before), list[StatusReport]()
        for person in people:
            stays = attended.get(person.ehr_id_sealed, [])
            told += self._add(visit, person, _without_others(stays, person, roster), after)
        ended_at, ended = reports[-1].ended_at, _is_news(visit, reports[-1].ended_at)
        for participant in list(after.values()) if ended else []:
            after[participant.key], left = call_ended(participant, ended_at)
            told += left
        if after == before and not ended:
            return visit
        kept = self.keep(tx, visit, RosterNews(before, after, told, ended_at, ended))
        self._audit(tx, visit, kept, attended)
        return kept.visit

    def _add(
        self,
        visit: Visit,
        person: VisitPerson,
        stays: Sequence[Stay],
        roster: dict[str, Participant],
    ) -> list[StatusReport]:
        """Put what no event told into `roster`.

        A stay nobody heard of is of who waited in the lobby then, else a participant's of its own.
        """
        devices = [p for p in roster.values() if p.ehr_id_sealed == person.ehr_id_sealed]
        lacking, reports = untold(devices, stays), list[StatusReport]()
        for left_at in lacking.leaves:
            for device in devices:
                roster[device.key], told = _left(roster[device.key], left_at)
                reports += told
        own_key = key_of_attendance(self.sealer, visit.id, person)
        own = roster.get(own_key) or Participant(own_key, person.role)
        own = Participant(own_key, person.role, own.story, person.ehr_id_sealed)
        for stay in lacking.stays:
            waiting = waited_for(stay, [roster[device.key] for device in devices])
            came, since = waiting or (own, stay.joined_at)
            for presence, at in (
                (Presence.CONNECTED, since),
                (Presence.DISCONNECTED, stay.left_at),
            ):
                came, told = moved(came, RosterChange(came.key, presence, at))
                reports += told
            roster[came.key] = came
            if waiting is None:
                own = came
        return reports

    def _failed(
        self,
        tx: Transaction,
        visit: Visit,
        check: AttendanceCheck,
        code: str,
        asked_seconds: float | None,
    ) -> None:
        if check.failures + 1 < LOOKS:
            pause = max(self.after * 2**check.failures, timedelta(seconds=asked_seconds or 0.0))
            tx.attendance.retry(check, self.clock.now() + pause)
            return
        tx.attendance.give_up(check, code)
        facts = {"visit": visit.id, "code": code, "looks": str(LOOKS)}
        tx.audit(self._entry(visit, Event.ATTENDANCE_GIVEN_UP, Outcome.FAILURE, facts))

    def _audit(self, tx: Transaction, visit: Visit, kept: Kept, attended: Attended) -> None:
        """A line for each report the EHR gets by inference, with the stay it is inferred from."""
        for ehr_id_sealed, report in kept.owed:
            facts = {
                "visit": visit.id,
                "role": report.role.value,
                "status": report.status.value,
                "at": report.at.isoformat(),
            }
            for stay in attended.get(ehr_id_sealed, []):
                if stay.joined_at <= report.at <= stay.left_at:
                    facts |= {
                        "joined_at": stay.joined_at.isoformat(),
                        "left_at": stay.left_at.isoformat(),
                    }
            tx.audit(self._entry(visit, Event.ATTENDANCE_RECONCILED, Outcome.SUCCESS, facts))

    def _entry(
        self, visit: Visit, event: Event, outcome: Outcome, facts: Mapping[str, str]
    ) -> AuditEntry:
        return AuditEntry.of_connector(self.clock.now(), event, outcome, visit, facts)


def _is_news(visit: Visit, ended_at: datetime) -> bool:
    """No event told of this end; the visit remembers the newest one that was."""
    return visit.call_ended_at is None or ended_at > visit.call_ended_at + TOLERANCE


def _is_missing(
    visit: Visit, roster: Sequence[Participant], reports: Sequence[AttendanceReport]
) -> bool:
    """The newest call whose end was heard has no report yet, and should have one."""
    reported_until = reports[-1].ended_at if reports else None
    if reported_until and visit.call_ended_at and reported_until >= visit.call_ended_at - TOLERANCE:
        return False
    return call_had_people(roster, reported_until)


def _attended(
    visit: Visit, people: Sequence[VisitPerson], reports: Sequence[AttendanceReport]
) -> Attended:
    """Stays by sealed EHR id, of those of whom it is certain who they are."""
    found: dict[bytes, list[Stay]] = {}
    for attendee in (each for report in reports for each in report.attendees):
        ehr_id = _ehr_id_of(attendee, visit, people)
        if ehr_id:
            found.setdefault(ehr_id, []).extend(attendee.stays)
    return found


def _ehr_id_of(attendee: Attendee, visit: Visit, people: Sequence[VisitPerson]) -> bytes:
    """Sealed; empty where it is nobody's, or perhaps another's: of several patients none (ADR 10)."""
    role = role_of(attendee, visit, people)
    candidates = [p for p in people if p.role is role]
    if role is Role.PROVIDER:
        candidates = [p for p in candidates if p.object_id == attendee.object_id]
    return candidates[0].ehr_id_sealed if len(candidates) == 1 else b""


def _without_others(
    stays: Sequence[Stay], person: VisitPerson, roster: Sequence[Participant]
) -> list[Stay]:
    """Without stays that are perhaps a telephone's or a recorder's: events name their kind, reports do not."""
    if person.role is not Role.PATIENT:
        return list(stays)
    others = [stay for p in roster if p.role is Role.OTHER for stay in heard_of([p])]
    return [stay for stay in stays if not any(stay.is_near(other) for other in others)]


def _left(participant: Participant, at: datetime) -> tuple[Participant, list[StatusReport]]:
    """As they had left by `at`, if they were in the call then; who waited in the lobby waits on."""
    earlier = [moment for moment in participant.story if moment.at <= at]
    if not earlier or earlier[-1].presence is not Presence.CONNECTED:
        return participant, []
    return moved(participant, RosterChange(participant.key, Presence.DISCONNECTED, at))
