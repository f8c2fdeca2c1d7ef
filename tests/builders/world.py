"""A working connector on SQLite with everything outside faked; a test breaks one thing of it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.builders.canaries import PATIENT_BIRTH_DATE, PATIENT_MRN, PATIENT_NAME, PROVIDER_NAME
from tests.builders.configurations import (
    NOON,
    TENANT,
    TEST_BASE,
    active,
    approver,
    environment,
    record,
    tenant,
)
from tests.builders.launches import PATIENT_USER, PROVIDER_USER, appointment
from tests.builders.store import sqlite_store
from tests.fakes.ehr import FakeAppointments, FakeWriteBack
from tests.fakes.examination import FakeEhrExamination, FakeMicrosoftExamination
from tests.fakes.microsoft import (
    FakeAttendance,
    FakeDirectory,
    FakeMeetings,
    FakeNotificationReader,
    FakeSubscriptions,
)
from tests.fakes.smart import FakeSmart
from tests.fakes.system import FixedClock, SequentialIds
from tests.fakes.vault import FakeSealer, FakeVisitSealer

from connector.adapters.ehr.examination import WriteBackPlaces
from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import Revision
from connector.domain.geography import Geography
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import AppointmentFacts, EhrUser, LaunchKind
from connector.domain.organization import Environment
from connector.domain.visit import Visit
from connector.usecases.apply_call_event import ApplyCallEvent
from connector.usecases.approve_configuration import ApproveConfiguration
from connector.usecases.begin_launch import AuthorizationRequest, BeginLaunch
from connector.usecases.check_address import CheckAddress
from connector.usecases.complete_launch import CompletedLaunch, CompleteLaunch
from connector.usecases.confirm_geography import ConfirmGeography
from connector.usecases.confirm_licence import ConfirmLicence
from connector.usecases.deliver_outbox import DeliverOutbox
from connector.usecases.diagnose import Diagnose
from connector.usecases.enter_configuration import EnterConfiguration
from connector.usecases.find_approver import FindApprover
from connector.usecases.find_way_in import FindWayIn
from connector.usecases.keep_roster import KeepRoster
from connector.usecases.keep_subscriptions import KeepSubscriptions
from connector.usecases.link_account import LinkAccount
from connector.usecases.open_visit import OpenVisit
from connector.usecases.promote_configuration import PromoteConfiguration
from connector.usecases.read_audit import ReadAudit
from connector.usecases.receive_notification import ReceiveNotification
from connector.usecases.reconcile_attendance import ReconcileAttendance
from connector.usecases.record_participants import RecordParticipants
from connector.usecases.redeem_code import RedeemCode
from connector.usecases.renew_on_request import RenewOnRequest
from connector.usecases.replay_outbox import ReplayOutbox
from connector.usecases.retire_environment import RetireEnvironment
from connector.usecases.roll_back import RollBack
from connector.usecases.share_address import AnswerShare, OfferShare, WithdrawShare
from connector.usecases.tell_of_person import TellOfPerson
from connector.usecases.tidy_up import TidyUp
from connector.usecases.verify_record import VerifyRecord

CALLBACK = "https://connector.example/launch/callback"
PUBLIC_URL = "https://connector.example"
APPROVAL_CALLBACK = "https://connector.example/approvals/ehr/callback"
VISITS_KEPT = timedelta(days=30)
ATTENDANCE_AFTER = timedelta(minutes=5)


def directory_of_contoso() -> FakeDirectory:
    """The approver of most tests is in it."""
    directory = FakeDirectory()
    directory.add(TENANT, approver())
    return directory


@dataclass
class World:
    """`folder` holds the database; the clock stands at noon until a test moves it."""

    folder: Path
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    ids: SequentialIds = field(default_factory=SequentialIds)
    smart: FakeSmart = field(default_factory=FakeSmart)
    appointments: FakeAppointments = field(default_factory=FakeAppointments)
    write_back: FakeWriteBack = field(default_factory=FakeWriteBack)
    meetings: FakeMeetings = field(default_factory=FakeMeetings)
    attendance: FakeAttendance = field(default_factory=FakeAttendance)
    directory: FakeDirectory = field(default_factory=directory_of_contoso)
    subscriptions: FakeSubscriptions = field(default_factory=FakeSubscriptions)
    reader: FakeNotificationReader = field(default_factory=FakeNotificationReader)
    sealer: FakeSealer = field(default_factory=FakeSealer)
    visit_sealer: FakeVisitSealer = field(default_factory=FakeVisitSealer)

    @cached_property
    def store(self) -> SqlStore:
        return sqlite_store(self.folder)

    # What is configured -------------------------------------------------------------------------

    def add_environment(self, of: Environment | None = None) -> Environment:
        """The environment with its two integration records, nothing approved yet."""
        of = of or environment()
        with self.store.write() as tx:
            tx.configurations.register_tenant(tenant(of.tenant_id))
            tx.configurations.add_environment(of, NOON)
            for kind in LaunchKind:
                suffix = "" if of.id == "env-test" else f"-{of.id}"
                record_id = f"record-{kind.value}{suffix}"
                tx.records.add(IntegrationRecord(record_id, of.id, kind))
        return of

    def approve(self, revision: Revision | None = None) -> Revision:
        """Make it the one launches use, as if its approver had said yes; its EHR answers."""
        revision = revision or active()
        with self.store.write() as tx:
            for earlier in tx.configurations.revisions(revision.environment_id):
                tx.configurations.save_revision(earlier.superseded(), earlier.state.value)
            tx.configurations.add_revision(revision)
            assert tx.configurations.activate(revision)
        self.smart.add_ehr(revision.fhir_base_url)
        self.ehr_examination.add_ehr(revision.fhir_base_url, revision.endpoints)
        return revision

    def book(self, facts: AppointmentFacts | None = None, base: str = TEST_BASE) -> None:
        self.appointments.add(base, facts or appointment())

    # What people do -----------------------------------------------------------------------------

    def sign_in(
        self,
        request: AuthorizationRequest,
        user: EhrUser,
        context: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The person signs in at the EHR; the query their browser comes back with."""
        url = f"{request.endpoint}?{urlencode(request.parameters)}"
        return self.smart.sign_in(
            url, user, context_of(request.transaction.kind) | dict(context or {})
        )

    def launch(
        self,
        kind: LaunchKind = LaunchKind.PROVIDER,
        user: EhrUser | None = None,
        context: Mapping[str, str] | None = None,
    ) -> CompletedLaunch:
        """From the EHR's button to a proven launch."""
        user = user or {LaunchKind.PROVIDER: PROVIDER_USER, LaunchKind.PATIENT: PATIENT_USER}[kind]
        request = self.begin_launch(kind, TEST_BASE, "launch-token")
        query = self.sign_in(request, user, context)
        return self.complete_launch(request.transaction, query)

    # What is stored -----------------------------------------------------------------------------

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row as SQLite holds it, oldest first; past the storage port."""
        connection = sqlite3.connect(self.folder / "connector.db")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608 - names of our own
        finally:
            connection.close()

    def audited(self, event: str) -> list[dict[str, Any]]:
        """Facts of every line of the audit trail with this event."""
        return [json.loads(r["facts"]) for r in self.rows("audit_event") if r["event"] == event]

    def visit(self) -> Visit:
        """The one visit there is."""
        (row,) = self.rows("visit")
        return self.visit_with(row["id"])

    def visit_with(self, visit_id: str) -> Visit:
        with self.store.read() as tx:
            found = tx.visits.get(visit_id)
        assert found is not None
        return found

    def stored_bytes(self) -> bytes:
        """The database and its journal, as they lie on the disk."""
        files = [self.folder / "connector.db", self.folder / "connector.db-wal"]
        return b"".join(path.read_bytes() for path in files if path.exists())

    # The use cases ------------------------------------------------------------------------------

    @cached_property
    def begin_launch(self) -> BeginLaunch:
        return BeginLaunch(self.store, self.clock, self.ids, CALLBACK)

    @cached_property
    def complete_launch(self) -> CompleteLaunch:
        redeem = RedeemCode(self.smart)
        return CompleteLaunch(self.store, redeem, self.appointments, self.clock, CALLBACK)

    @cached_property
    def link_account(self) -> LinkAccount:
        return LinkAccount(self.store, self.clock)

    @cached_property
    def open_visit(self) -> OpenVisit:
        return OpenVisit(
            store=self.store,
            meetings=self.meetings,
            sealer=self.sealer,
            visit_sealer=self.visit_sealer,
            clock=self.clock,
            ids=self.ids,
        )

    @cached_property
    def find_way_in(self) -> FindWayIn:
        return FindWayIn(self.store, self.meetings)

    @cached_property
    def receive_notification(self) -> ReceiveNotification:
        return ReceiveNotification(self.store, self.reader, self.sealer, self.clock)

    @cached_property
    def record_participants(self) -> RecordParticipants:
        return RecordParticipants(
            self.store, self.reader, self.sealer, self.apply_call_event, self.clock
        )

    @cached_property
    def apply_call_event(self) -> ApplyCallEvent:
        return ApplyCallEvent(self.sealer, self.keep_roster, self.clock, ATTENDANCE_AFTER)

    @cached_property
    def keep_roster(self) -> KeepRoster:
        return KeepRoster(self.visit_sealer, self.clock)

    @cached_property
    def reconcile_attendance(self) -> ReconcileAttendance:
        return ReconcileAttendance(
            self.store,
            self.attendance,
            self.sealer,
            self.keep_roster,
            self.clock,
            ATTENDANCE_AFTER,
        )

    @cached_property
    def deliver_outbox(self) -> DeliverOutbox:
        return DeliverOutbox(self.store, self.write_back, self.visit_sealer, self.clock, self.ids)

    @cached_property
    def keep_subscriptions(self) -> KeepSubscriptions:
        return KeepSubscriptions(self.store, self.subscriptions, self.sealer, self.clock, self.ids)

    @cached_property
    def renew_on_request(self) -> RenewOnRequest:
        return RenewOnRequest(self.store, self.reader, self.sealer, self.clock)

    @cached_property
    def enter_configuration(self) -> EnterConfiguration:
        return EnterConfiguration(
            self.store, self.smart, self.directory, self.clock, self.ids, Geography.AMERICAS
        )

    @cached_property
    def confirm_geography(self) -> ConfirmGeography:
        return ConfirmGeography(self.store, self.clock, Geography.AMERICAS)

    @cached_property
    def confirm_licence(self) -> ConfirmLicence:
        return ConfirmLicence(self.store, self.clock)

    @cached_property
    def verify_record(self) -> VerifyRecord:
        return VerifyRecord(self.store, self.clock, PUBLIC_URL)

    @cached_property
    def promote_configuration(self) -> PromoteConfiguration:
        return PromoteConfiguration(
            self.store, self.smart, self.directory, self.clock, self.ids, Geography.AMERICAS
        )

    @cached_property
    def roll_back(self) -> RollBack:
        return RollBack(self.store, self.clock, self.ids)

    @cached_property
    def retire_environment(self) -> RetireEnvironment:
        return RetireEnvironment(self.store, self.clock)

    @cached_property
    def offer_share(self) -> OfferShare:
        return OfferShare(self.store, self.clock, self.ids)

    @cached_property
    def answer_share(self) -> AnswerShare:
        return AnswerShare(self.store, self.clock)

    @cached_property
    def withdraw_share(self) -> WithdrawShare:
        return WithdrawShare(self.store, self.clock)

    @cached_property
    def check_address(self) -> CheckAddress:
        return CheckAddress(self.smart)

    @cached_property
    def find_approver(self) -> FindApprover:
        return FindApprover(self.directory)

    @cached_property
    def approve_configuration(self) -> ApproveConfiguration:
        redeem = RedeemCode(self.smart)
        return ApproveConfiguration(
            self.store, redeem, self.clock, self.ids, APPROVAL_CALLBACK, self.directory
        )

    @cached_property
    def tidy_up(self) -> TidyUp:
        return TidyUp(self.store, self.apply_call_event, self.clock, VISITS_KEPT)

    @cached_property
    def ehr_examination(self) -> FakeEhrExamination:
        return FakeEhrExamination(self.clock)

    @cached_property
    def microsoft_examination(self) -> FakeMicrosoftExamination:
        return FakeMicrosoftExamination(self.clock)

    @cached_property
    def diagnose(self) -> Diagnose:
        return Diagnose(
            store=self.store,
            ehr=self.ehr_examination,
            write_back=WriteBackPlaces(),
            microsoft=self.microsoft_examination,
            clock=self.clock,
            ids=self.ids,
            public_url=CALLBACK.removesuffix("/launch/callback"),
        )

    @cached_property
    def replay_outbox(self) -> ReplayOutbox:
        return ReplayOutbox(self.store, self.clock)

    @cached_property
    def read_audit(self) -> ReadAudit:
        return ReadAudit(self.store, self.store.audit_log, self.clock)

    @cached_property
    def tell_of_person(self) -> TellOfPerson:
        return TellOfPerson(self.store, self.store.audit_log, self.clock)

    # What the worker does -----------------------------------------------------------------------

    def watch_meetings(self) -> None:
        for watch in self.keep_subscriptions.due(100):
            self.keep_subscriptions(watch)

    def apply_notifications(self) -> None:
        """Every stored post that is due, once."""
        with self.store.write() as tx:
            stored = tx.inbox.claim(self.clock.now(), 1000)
        for notification in stored:
            self.record_participants(notification)

    def look_at_attendance(self) -> int:
        """Every look that is due, once; how many there were."""
        checks = self.reconcile_attendance.due(100)
        for check in checks:
            self.reconcile_attendance(check)
        return len(checks)

    def deliver(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            for message in self.deliver_outbox.due(100):
                self.deliver_outbox(message)


def context_of(kind: LaunchKind) -> dict[str, str]:
    """The token response's extra keys as Epic sends them, names and all (ehr.md 4.2)."""
    return {
        "appointment": appointment().appointment_id,
        "sessionId": appointment().conference_id,
        "environment": "test",
        "recordId": record(kind).id,
        "need_patient_banner": "false",
        "userName": PROVIDER_NAME,
        "patientName": PATIENT_NAME,
        "dob": PATIENT_BIRTH_DATE,
        "mrn": PATIENT_MRN,
    }


def values(rows: Sequence[Mapping[str, Any]], column: str) -> list[Any]:
    return [row[column] for row in rows]
