"""Examine a configuration, entered or stored, and say what is wrong with it, in dependency order.

Nothing is stored but one line of the audit trail, no visit is touched, and what one check finds
broken is not asked about again by those that rest on it.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Semaphore

from connector.domain.audit import Event, Outcome
from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.fhir_base_url import normalised
from connector.domain.findings import Check, Finding, Verdict, blocked_by
from connector.domain.organization import Environment
from connector.ports.answers import host_of
from connector.ports.errors import OutsideError
from connector.ports.examination import (
    EhrExamination,
    MicrosoftExamination,
    WriteBackExamination,
)
from connector.ports.storage import AuditEntry, StorageUnavailable, Store
from connector.ports.system import Clock, Ids
from connector.usecases.examination_steps import Step, Subject
from connector.usecases.examine_deployment import ExamineDeployment
from connector.usecases.examine_ehr import ExamineEhr, suggestions
from connector.usecases.examine_microsoft import ExamineMicrosoft

# Longer than an examination whose every answer is slow but there; a last step may overrun it by 8 s.
LONGEST = timedelta(seconds=40)
# A slow EHR holds a thread for as long; launches need the others (reliability.md case 78).
MOST_AT_ONCE = 2
_A_TURN_SECONDS = 30.0
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ExaminedBy:
    """Who asked: `actor` is an Entra object id or `OPERATOR`; `reference` is that of the request."""

    actor: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A stored environment with the revision an examination takes."""

    environment: Environment
    revision: Revision

    @property
    def subject(self) -> Subject:
        return Subject(
            tenant_id=self.revision.tenant_id,
            fhir_base_url=self.revision.fhir_base_url,
            clients=self.revision.clients,
            person_id=self.revision.approver.object_id,
            vendor=self.revision.vendor,
            pinned=self.revision.endpoints,
            environment_id=self.environment.id,
        )


@dataclass(frozen=True, slots=True)
class Diagnose:
    """`public_url` is where EHRs and Graph reach this deployment."""

    store: Store
    ehr: EhrExamination
    write_back: WriteBackExamination
    microsoft: MicrosoftExamination
    clock: Clock
    ids: Ids
    public_url: str
    turns: Semaphore = field(default_factory=lambda: Semaphore(MOST_AT_ONCE))

    def __call__(self, subject: Subject, by: ExaminedBy) -> list[Finding]:
        """Everything there is to find: this deployment, the EHR, Microsoft, in the order of `Check`.

        Raises:
            Refused: `EXAMINATION_BUSY`, this process is at as many examinations as it spares threads for.
        """
        if not self.turns.acquire(blocking=False):
            raise Refused(Reason.EXAMINATION_BUSY, retry_after_seconds=_A_TURN_SECONDS)
        try:
            return [*self.deployment(), *self.configuration(subject, by)]
        finally:
            self.turns.release()

    def deployment(self) -> Iterator[Finding]:
        """This deployment alone, each finding as it is made."""
        steps = ExamineDeployment(
            self.store, self.ehr, self.microsoft, self.clock, self.ids, self.public_url
        ).steps()
        yield from self._run(steps, {})

    def configuration(self, subject: Subject, by: ExaminedBy) -> Iterator[Finding]:
        """The EHR and Microsoft, each finding as it is made.

        Whoever stops listening ends the examination; what was found until then is audited.
        """
        findings: dict[Check, Finding] = {}
        ehr = ExamineEhr(self.ehr, self.write_back, self.clock, subject)
        microsoft = ExamineMicrosoft(self.microsoft, self.clock, subject)
        try:
            yield from self._run([*ehr.steps(), *microsoft.steps()], findings)
        finally:
            self._audit(subject, by, findings)

    def suggestions(self, fhir_base_url: str) -> list[str]:
        """Base URLs one may have meant instead: same origin, and a SMART server answers there (E1).

        Raises:
            Refused: `URL_REFUSED`, as `normalised`.
        """
        return suggestions(self.ehr, self.clock, normalised(fhir_base_url))

    def case(self, environment_id: str, tenant_id: str) -> Case:
        """The newest revision of the environment, the one its admin is at work on.

        Raises:
            Refused: `CONFIGURATION_UNKNOWN`, also for another tenant's (case 74).
        """
        with self.store.read() as tx:
            environment = tx.configurations.environment(environment_id)
            revisions = tx.configurations.revisions(environment_id)
        if environment is None or environment.tenant_id != tenant_id or not revisions:
            raise Refused(Reason.CONFIGURATION_UNKNOWN)
        return Case(environment, revisions[0])

    def live_case(self, environment_id: str) -> Case | None:
        """For operators: what launches of the environment use, else its newest revision."""
        with self.store.read() as tx:
            environment = tx.configurations.environment(environment_id)
            door = tx.configurations.door_of_environment(environment_id)
            revisions = tx.configurations.revisions(environment_id)
        if environment is None or not revisions:
            return None
        return Case(environment, door.revision if door else revisions[0])

    def _run(self, steps: Sequence[Step], findings: dict[Check, Finding]) -> Iterator[Finding]:
        """`findings` holds what was found so far, also for whoever gave it."""
        until = self.clock.now() + LONGEST
        for step in steps:
            findings[step.check] = self._examine(step, findings, until)
            yield findings[step.check]

    def _examine(self, step: Step, findings: Mapping[Check, Finding], until: datetime) -> Finding:
        if self.clock.now() >= until:
            return Finding(step.check, Verdict.SKIPPED, "out_of_time")
        obstacle = blocked_by(step.check, findings)
        if obstacle is not None:
            return Finding(step.check, Verdict.SKIPPED, "rests_on", {"check": obstacle.value})
        try:
            return step.examine()
        except OutsideError as failed:
            facts = {"host": failed.host} if failed.host else {}
            return Finding(step.check, Verdict.FAILED, failed.code, facts)
        except StorageUnavailable as failed:
            return Finding(step.check, Verdict.FAILED, failed.code)

    def _audit(self, subject: Subject, by: ExaminedBy, found: Mapping[Check, Finding]) -> None:
        failed = [f.check for f in found.values() if f.verdict is Verdict.FAILED]
        entry = AuditEntry(
            at=self.clock.now(),
            event=Event.CONFIGURATION_EXAMINED,
            outcome=Outcome.FAILURE if failed else Outcome.SUCCESS,
            reference=by.reference,
            tenant_id=subject.tenant_id,
            environment_id=subject.environment_id,
            actor=by.actor,
            facts={"host": _host(subject), "failed": " ".join(failed)},
        )
        # A database that cannot be written to is a finding, not a reason to withhold the others.
        with contextlib.suppress(StorageUnavailable):
            self.store.audit_all([entry])


def _host(subject: Subject) -> str:
    """Empty for what is no base URL: whatever was typed then does not belong into an audit trail."""
    try:
        return host_of(normalised(subject.fhir_base_url))
    except Refused:
        return ""
