"""Microsoft's part of an examination: clock, consent, application access policy (microsoft.md 1.4, 1.5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.findings import Check, Finding, Verdict
from connector.domain.graph_permissions import missing
from connector.ports.errors import BadAnswer, Denied, Gone
from connector.ports.examination import MicrosoftExamination
from connector.ports.system import Clock
from connector.usecases.examination_steps import Step, Subject, clock_finding

_POLICY = "application_access_policy"


@dataclass(frozen=True, slots=True)
class ExamineMicrosoft:
    microsoft: MicrosoftExamination
    clock: Clock
    subject: Subject

    def steps(self) -> Sequence[Step]:
        return [
            Step(Check.GRAPH_CLOCK, self.graph_clock),
            Step(Check.CONSENT, self.consent),
            Step(Check.MEETING_POLICY, self.meeting_policy),
        ]

    def graph_clock(self) -> Finding:
        sent = self.clock.now()
        date = self.microsoft.graph_date()
        return clock_finding(Check.GRAPH_CLOCK, date, sent, self.clock.now())

    def consent(self) -> Finding:
        """A token that cannot be looked into is no proof of anything: Graph itself says no, later."""
        try:
            roles = self.microsoft.permissions(self.subject.tenant_id)
        except BadAnswer as opaque:
            return Finding(Check.CONSENT, Verdict.WARNING, opaque.code)
        lacking = missing(roles)
        if not lacking:
            return Finding(Check.CONSENT, Verdict.OK)
        required = any(permission.required for permission in lacking)
        facts = {
            "permissions": ", ".join(permission.name for permission in lacking),
            "features": "; ".join(permission.feature for permission in lacking),
        }
        verdict = Verdict.FAILED if required else Verdict.WARNING
        return Finding(Check.CONSENT, verdict, "permissions_missing", facts)

    def meeting_policy(self) -> Finding:
        """One person is tried; a policy may be granted to some people only, so a no is a warning."""
        try:
            self.microsoft.require_meeting_policy(self.subject.tenant_id, self.subject.person_id)
        except Gone as unknown:
            return Finding(
                Check.MEETING_POLICY, Verdict.WARNING, "person_unknown", {"said": unknown.code}
            )
        except Denied as refused:
            if refused.code != _POLICY:
                raise
            return Finding(Check.MEETING_POLICY, Verdict.WARNING, _POLICY)
        return Finding(Check.MEETING_POLICY, Verdict.OK)
