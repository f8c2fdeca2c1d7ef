"""The EHR's part of an examination: is it there, is it the right one, does it know us (E1, E2)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from connector.domain.configuration import SmartEndpoints
from connector.domain.errors import Refused
from connector.domain.fhir_base_url import normalised
from connector.domain.findings import Check, Finding, Verdict
from connector.domain.scope_cover import covers, not_covered
from connector.domain.scopes import APPROVAL_SCOPES, LAUNCH_SCOPES, WRITE_BACK_SCOPE
from connector.domain.version_suffix import siblings
from connector.ports.errors import BadAnswer, Denied, Gone, NotConnected, OutsideError, TryLater
from connector.ports.examination import (
    EhrExamination,
    Metadata,
    PublishedSmart,
    WriteBackExamination,
)
from connector.ports.system import Clock
from connector.usecases.examination_steps import Step, Subject, clock_finding

LONGEST_SEARCH = timedelta(seconds=10)
NEEDED_SCOPES = " ".join([*LAUNCH_SCOPES.values(), APPROVAL_SCOPES, WRITE_BACK_SCOPE]).split()
_NAME_CODES = frozenset({"name_unknown", "name_timeout"})
_SIGN_IN_WANTED = frozenset({"http_401", "http_403"})
_MOST_SHOWN = 200


@dataclass(slots=True)
class ExamineEhr:
    """One examination of one base URL; what a step learns, later steps use.

    `/metadata` is asked first: how far that request came is the verdict on address and connection.
    """

    ehr: EhrExamination
    write_back: WriteBackExamination
    clock: Clock
    subject: Subject
    _base: str = ""
    _sent: datetime | None = None
    _received: datetime | None = None
    _metadata: Metadata | None = None
    _unread: TryLater | None = None
    _published: PublishedSmart | None = None
    _misplaced: bool = False
    _granted: frozenset[str] = frozenset()

    def steps(self) -> Sequence[Step]:
        pinned = (
            [Step(Check.PINNED_ENDPOINTS, self.pinned_endpoints)] if self.subject.pinned else []
        )
        return [
            Step(Check.ADDRESS, self.address),
            Step(Check.CONNECTION, self.connection),
            Step(Check.METADATA, self.capability_statement),
            Step(Check.SMART_CONFIGURATION, self.smart_configuration),
            Step(Check.VERSION_SUFFIX, self.version_suffix),
            Step(Check.EHR_CLOCK, self.ehr_clock),
            *pinned,
            Step(Check.GRANT_TYPES, self.grant_types),
            Step(Check.SCOPES, self.scopes),
            Step(Check.CLIENT_KNOWN, self.client_known),
            Step(Check.WRITE_BACK, self.write_back_allowed),
        ]

    def address(self) -> Finding:
        try:
            self._base = normalised(self.subject.fhir_base_url)
        except Refused as refused:
            return Finding(Check.ADDRESS, Verdict.FAILED, refused.facts["why"])
        self._sent = self.clock.now()
        try:
            self._metadata = self.ehr.metadata(self._base)
        except TryLater as failed:
            if failed.code in _NAME_CODES:
                raise
            self._unread = failed
        self._received = self.clock.now()
        return Finding(Check.ADDRESS, Verdict.OK)

    def connection(self) -> Finding:
        """A server that took the request was reached, whatever it did with it."""
        failed = self._unread
        if failed and (isinstance(failed, NotConnected) or failed.code.startswith("certificate_")):
            raise failed
        return Finding(Check.CONNECTION, Verdict.OK)

    def capability_statement(self) -> Finding:
        if self._unread is not None:
            raise self._unread
        found = self._metadata or Metadata(None)
        if found.code:
            verdict = Verdict.WARNING if found.code in _SIGN_IN_WANTED else Verdict.FAILED
            return Finding(Check.METADATA, verdict, found.code)
        facts = {"version": found.fhir_version}
        # DSTU2 called it a Conformance; its version then says that it is not R4.
        if found.resource_type not in {"CapabilityStatement", "Conformance"}:
            return Finding(Check.METADATA, Verdict.FAILED, "no_capability_statement")
        if not _is_r4(found.fhir_version):
            self._misplaced = True
            return Finding(Check.METADATA, Verdict.FAILED, "fhir_version", facts)
        return Finding(Check.METADATA, Verdict.OK, facts=facts)

    def smart_configuration(self) -> Finding:
        try:
            self._published = self.ehr.smart_configuration(self._base)
        except (Gone, BadAnswer):
            self._misplaced = True
            raise
        return Finding(Check.SMART_CONFIGURATION, Verdict.OK)

    def version_suffix(self) -> Finding:
        """Other addresses are tried only where this one is no FHIR R4 server with SMART."""
        if not self._misplaced:
            return Finding(Check.VERSION_SUFFIX, Verdict.OK)
        found = suggestions(self.ehr, self.clock, self._base)
        if not found:
            return Finding(Check.VERSION_SUFFIX, Verdict.FAILED, "no_sibling_answers")
        facts = {"suggestions": " ".join(found)}
        return Finding(Check.VERSION_SUFFIX, Verdict.FAILED, "sibling_answers", facts)

    def ehr_clock(self) -> Finding:
        date, now = self._metadata.date if self._metadata else None, self.clock.now()
        return clock_finding(Check.EHR_CLOCK, date, self._sent or now, self._received or now)

    def pinned_endpoints(self) -> Finding:
        pinned, published = self.subject.pinned, self._found().endpoints
        if pinned is None or pinned == published:
            return Finding(Check.PINNED_ENDPOINTS, Verdict.OK)
        before = asdict(pinned)
        fields = [name for name, value in asdict(published).items() if before[name] != value]
        facts = {"fields": " ".join(fields)}
        return Finding(Check.PINNED_ENDPOINTS, Verdict.WARNING, "endpoints_changed", facts)

    def grant_types(self) -> Finding:
        """Discovery has seen to the authorization code; a token request tells for certain (below)."""
        if "client_credentials" in self._found().grant_types:
            return Finding(Check.GRANT_TYPES, Verdict.OK)
        return Finding(Check.GRANT_TYPES, Verdict.WARNING, "client_credentials_missing")

    def scopes(self) -> Finding:
        """A server need not list every scope it supports, so a missing one is a warning."""
        listed = self._found().scopes
        if listed is None:
            return Finding(Check.SCOPES, Verdict.OK, "scopes_not_listed")
        missing = not_covered(listed, NEEDED_SCOPES)
        if not missing:
            return Finding(Check.SCOPES, Verdict.OK)
        facts = {"scopes": " ".join(missing)}
        return Finding(Check.SCOPES, Verdict.WARNING, "scopes_missing", facts)

    def client_known(self) -> Finding:
        """A token is asked for as a write-back would; an EHR that judges the scope knows the client."""
        client_id = self.subject.clients.backend
        if not client_id:
            return Finding(Check.CLIENT_KNOWN, Verdict.FAILED, "client_id_missing")
        endpoints: SmartEndpoints = self.subject.pinned or self._found().endpoints
        try:
            self._granted = self.ehr.granted_scopes(
                endpoints, client_id=client_id, scope=WRITE_BACK_SCOPE
            )
        except Denied as refused:
            if refused.code != "invalid_scope":
                raise
        return Finding(Check.CLIENT_KNOWN, Verdict.OK, facts={"client_id": client_id})

    def write_back_allowed(self) -> Finding:
        self.write_back.require_place(self.subject.vendor, self._base)
        if covers(self._granted, WRITE_BACK_SCOPE):
            return Finding(Check.WRITE_BACK, Verdict.OK)
        granted = " ".join(sorted(self._granted))[:_MOST_SHOWN]
        facts = {"scope": WRITE_BACK_SCOPE, "granted": granted}
        return Finding(Check.WRITE_BACK, Verdict.FAILED, "scope_not_granted", facts)

    def _found(self) -> PublishedSmart:
        """What discovery read: the steps that ask for it rest on its success."""
        if self._published is None:
            raise BadAnswer("smart_configuration")
        return self._published


def suggestions(ehr: EhrExamination, clock: Clock, fhir_base_url: str) -> list[str]:
    """Base URLs beside this one, at its origin, where a SMART server answers (E1).

    A host that cannot be reached is not asked again, and after ten seconds no more are tried.
    """
    found: list[str] = []
    until = clock.now() + LONGEST_SEARCH
    for candidate in siblings(fhir_base_url):
        if clock.now() >= until:
            break
        try:
            answers = ehr.is_smart(candidate)
        except OutsideError:
            break
        if answers:
            found.append(candidate)
    return found


def _is_r4(fhir_version: str) -> bool:
    """4.0.0 and 4.0.1 are R4, 4.1 and 4.3 are R4B: https://hl7.org/fhir/R4/history.html"""
    return fhir_version == "4.0" or fhir_version.startswith("4.0.")
