"""Step 3 of a launch: the visit is found or made, with exactly one meeting (cases 48-50).

The visit's row is the claim: whoever inserts it names the organizer, and everybody racing asks
Graph for the meeting of that organizer and that external id, which Graph makes once. So any number
of launches, retries and lost answers end in one meeting and no lock is held during a call.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.audit import Event, Outcome
from connector.domain.errors import Reason, Refused, ShownTime
from connector.domain.join_window import ALWAYS, Hold, JoinWindow, held_back
from connector.domain.launch import Intent, LaunchKind
from connector.domain.participant import Role
from connector.domain.visit import Meeting, Visit, VisitState
from connector.domain.visit_settings import Lobby
from connector.ports.errors import Denied, OutsideError, TryLater
from connector.ports.microsoft import Meetings
from connector.ports.storage import (
    AuditEntry,
    Door,
    Store,
    Transaction,
    VisitPerson,
    VisitSecrets,
)
from connector.ports.system import Clock, Ids
from connector.ports.vault import Sealer, VisitSealer
from connector.usecases.complete_launch import VerifiedLaunch


class Next(StrEnum):
    """Where the launching person goes."""

    MEETING = "meeting"
    WAIT = "wait"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class OpenedVisit:
    """`window` is when a patient may join; a clinician always may."""

    visit: Visit
    role: Role
    next: Next
    window: JoinWindow = ALWAYS


@dataclass(frozen=True, slots=True)
class OpenVisit:
    store: Store
    meetings: Meetings
    sealer: Sealer
    visit_sealer: VisitSealer
    clock: Clock
    ids: Ids

    def for_provider(self, launch: VerifiedLaunch, object_id: str, reference: str) -> OpenedVisit:
        """Raises: Refused: Graph has no meeting for us (`MEETING_…`, `MICROSOFT_UNREACHABLE`)."""
        with self.store.write() as tx:
            visit = tx.visits.find(launch.environment_id, self._key(launch))
            if visit and visit.meeting:
                return self._provider_enters(tx, launch, visit, object_id, reference)
            lobby = _door(tx, launch).revision.settings.lobby
            visit = self._organized(tx, launch, visit, object_id)
        meeting = self._ask_graph(launch, visit, lobby)
        with self.store.write() as tx:
            visit = tx.visits.record_meeting(visit.id, meeting)
            return self._provider_enters(tx, launch, visit, object_id, reference)

    def _provider_enters(
        self,
        tx: Transaction,
        launch: VerifiedLaunch,
        visit: Visit,
        object_id: str,
        reference: str,
    ) -> OpenedVisit:
        visit = self._enter(tx, launch, visit, VisitPersonOf(Role.PROVIDER, object_id))
        if visit.final:
            visit = visit.reopened()
            tx.visits.save(visit)
        if visit.meeting:  # pragma: no branch - it has one here, which its type cannot say
            tx.watches.want(visit.id, visit.tenant_id, visit.meeting.join_url, self.clock.now())
        self._audit(tx, launch, visit, reference, actor=object_id)
        shows_status = launch.intent is Intent.STATUS
        return OpenedVisit(visit, Role.PROVIDER, Next.STATUS if shows_status else Next.MEETING)

    def for_patient(self, launch: VerifiedLaunch, reference: str) -> OpenedVisit:
        """The patient never makes a meeting: without one, they wait for the provider.

        Raises:
            Refused: `JOIN_TOO_LATE`: nothing is stored then; who is early waits.
        """
        appointment = launch.appointment
        with self.store.write() as tx:
            door = _door(tx, launch)
            window = door.revision.settings.join_window(appointment.start, appointment.end)
            visit = tx.visits.claim(self._new(launch, VisitState.WAITING_FOR_PROVIDER))
            hold = held_back(visit, window, self.clock.now())
            if hold is Hold.TOO_LATE and window.closes_at:
                shown = ShownTime(window.closes_at, door.environment.time_zone)
                raise Refused(Reason.JOIN_TOO_LATE, shown=shown)
            visit = self._enter(tx, launch, visit, VisitPersonOf(Role.PATIENT, None))
            self._audit(tx, launch, visit, reference, actor="patient")
        return OpenedVisit(visit, Role.PATIENT, Next.WAIT if hold else Next.MEETING, window)

    def _organized(
        self, tx: Transaction, launch: VerifiedLaunch, visit: Visit | None, object_id: str
    ) -> Visit:
        """The visit, claimed if nobody did, with whoever was named its organizer first."""
        if visit is None:
            mine = self._new(launch, VisitState.WAITING_FOR_PATIENT)
            visit = tx.visits.claim(replace(mine, organizer_id=object_id))
        if visit.organizer_id:
            return visit
        return replace(visit, organizer_id=tx.visits.name_organizer(visit.id, object_id))

    def _ask_graph(self, launch: VerifiedLaunch, visit: Visit, lobby: Lobby) -> Meeting:
        """No transaction is open meanwhile."""
        organizer = visit.organizer_id or ""
        try:
            return self.meetings.create_or_get(
                tenant_id=visit.tenant_id,
                organizer_id=organizer,
                external_id=visit.visit_key,
                start=launch.appointment.start,
                end=launch.appointment.end,
                lobby=lobby,
            )
        except Denied as err:
            with self.store.write() as tx:
                tx.visits.release_organizer(visit.id, organizer)
            raise _meeting_refusal(err) from err
        except OutsideError as err:
            raise _meeting_refusal(err) from err

    def _enter(
        self, tx: Transaction, launch: VerifiedLaunch, visit: Visit, person: "VisitPersonOf"
    ) -> Visit:
        """The launch's one write: its state is spent and the person belongs to the visit."""
        if not tx.redemptions.redeem(launch.state_hash, visit.id, self.clock.now()):
            raise Refused(Reason.LAUNCH_ALREADY_USED, facts={"visit": visit.id})
        ehr_id = _ehr_id(launch)
        if ehr_id is None:
            return visit
        secrets = self._secrets(tx, launch, visit)
        tx.visits.add_person(
            visit.id,
            VisitPerson(
                role=person.role,
                object_id=person.object_id,
                ehr_id_hash=self.sealer.keyed_hash("person", f"{visit.id}:{ehr_id}"),
                ehr_id_sealed=self.visit_sealer.seal(
                    secrets.wrapped_key, _told_as(launch, ehr_id).encode()
                ),
            ),
        )
        return visit

    def _secrets(self, tx: Transaction, launch: VerifiedLaunch, visit: Visit) -> VisitSecrets:
        """The visit's data key; the first to launch makes it, everybody uses the stored one."""
        if kept := tx.visits.secrets(visit.id):
            return kept
        wrapped = self.visit_sealer.new_key()
        conference = launch.appointment.conference_id.encode()
        fresh = VisitSecrets(wrapped, self.visit_sealer.seal(wrapped, conference))
        is_ours = tx.visits.keep_secrets(visit.id, fresh, self.clock.now())
        return fresh if is_ours else tx.visits.secrets(visit.id) or fresh

    def _new(self, launch: VerifiedLaunch, state: VisitState) -> Visit:
        return Visit(
            id=self.ids.identifier(),
            environment_id=launch.environment_id,
            tenant_id=launch.tenant_id,
            visit_key=self._key(launch),
            state=state,
            created_at=self.clock.now(),
        )

    def _key(self, launch: VerifiedLaunch) -> str:
        return self.sealer.keyed_hash(f"visit:{launch.environment_id}", launch.visit_name)

    def _audit(
        self, tx: Transaction, launch: VerifiedLaunch, visit: Visit, reference: str, *, actor: str
    ) -> None:
        tx.audit(
            AuditEntry(
                at=self.clock.now(),
                event=Event.LAUNCH_COMPLETED,
                outcome=Outcome.SUCCESS,
                reference=reference,
                tenant_id=launch.tenant_id,
                environment_id=launch.environment_id,
                actor=actor,
                facts={"kind": launch.kind.value, "visit": visit.id},
            )
        )


@dataclass(frozen=True, slots=True)
class VisitPersonOf:
    """The launching person's role, and their account if they have one."""

    role: Role
    object_id: str | None


def _ehr_id(launch: VerifiedLaunch) -> str | None:
    """Who the EHR shall see as connected: the practitioner, or the visit's patient (also for a proxy)."""
    if launch.kind is LaunchKind.PROVIDER:
        return launch.user.fhir_id
    return launch.appointment.patient_id


def _told_as(launch: VerifiedLaunch, ehr_id: str) -> str:
    """In a group each person is told of with their own appointment's number, else with the visit's."""
    return f"{launch.appointment.conference_id}/{ehr_id}" if launch.conference else ehr_id


def _door(tx: Transaction, launch: VerifiedLaunch) -> Door:
    """Of the launch's environment, unless it was retired, or its address withdrawn, since."""
    door = tx.configurations.door_of_environment(launch.environment_id)
    if door is None:
        raise Refused(Reason.LAUNCH_EXPIRED, facts={"why": "configuration_changed"})
    return door


def _meeting_refusal(err: OutsideError) -> Refused:
    facts = {"code": err.code, "host": err.host}
    if isinstance(err, TryLater):
        return Refused(
            Reason.MICROSOFT_UNREACHABLE, facts=facts, retry_after_seconds=err.retry_after_seconds
        )
    if err.code == "application_access_policy":
        return Refused(Reason.MEETING_POLICY_MISSING, facts=facts)
    return Refused(Reason.MEETING_REFUSED, facts=facts)
