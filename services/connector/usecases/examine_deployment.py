"""Our own part of an examination: database, worker, and what others fetch or post at our public URL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.findings import Check, Finding, Verdict
from connector.ports.examination import EhrExamination, MicrosoftExamination
from connector.ports.storage import Store
from connector.ports.system import Clock, Ids
from connector.usecases.examination_steps import Step

NOTIFICATIONS = "/graph/notifications"
WORKER_SILENT_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class ExamineDeployment:
    """`public_url` is asked over the guarded way out, as an EHR or Graph would ask it."""

    store: Store
    ehr: EhrExamination
    microsoft: MicrosoftExamination
    clock: Clock
    ids: Ids
    public_url: str

    def steps(self) -> Sequence[Step]:
        return [
            Step(Check.DATABASE, self.database),
            Step(Check.WORKER, self.worker),
            Step(Check.PUBLISHED_KEYS, self.published_keys),
            Step(Check.WEBHOOK, self.webhook),
        ]

    def database(self) -> Finding:
        problem = self.store.ready()
        if problem is None:
            return Finding(Check.DATABASE, Verdict.OK)
        return Finding(Check.DATABASE, Verdict.FAILED, problem)

    def worker(self) -> Finding:
        with self.store.read() as tx:
            heard = tx.last_heartbeat("worker")
        if heard is None:
            return Finding(Check.WORKER, Verdict.FAILED, "never_heard")
        silent = self.clock.now() - heard
        if silent < WORKER_SILENT_AFTER:
            return Finding(Check.WORKER, Verdict.OK)
        facts = {"seconds": f"{silent.total_seconds():.0f}"}
        return Finding(Check.WORKER, Verdict.FAILED, "silent", facts)

    def published_keys(self) -> Finding:
        missing = self.ehr.missing_keys(self.public_url)
        if not missing:
            return Finding(Check.PUBLISHED_KEYS, Verdict.OK)
        facts = {"keys": " ".join(sorted(missing))}
        return Finding(Check.PUBLISHED_KEYS, Verdict.FAILED, "keys_missing", facts)

    def webhook(self) -> Finding:
        self.microsoft.require_webhook(f"{self.public_url}{NOTIFICATIONS}", self.ids.identifier())
        return Finding(Check.WEBHOOK, Verdict.OK)
