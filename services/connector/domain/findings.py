"""What an examination of a configuration can find: checks, what each rests on, verdicts.

A finding carries a code and facts; its words belong to whoever shows it (`connector.web.finding_words`).
Facts are shown to admins of the tenant and to operators: codes, host names, addresses of the EHR,
permission names, numbers. Never a token, a key or a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Check(StrEnum):
    """Every check, in the order of an examination: none comes before one it rests on."""

    DATABASE = "database"
    WORKER = "worker"
    PUBLISHED_KEYS = "published_keys"
    WEBHOOK = "webhook"
    ADDRESS = "address"
    CONNECTION = "connection"
    METADATA = "metadata"
    SMART_CONFIGURATION = "smart_configuration"
    VERSION_SUFFIX = "version_suffix"
    EHR_CLOCK = "ehr_clock"
    PINNED_ENDPOINTS = "pinned_endpoints"
    GRANT_TYPES = "grant_types"
    SCOPES = "scopes"
    CLIENT_KNOWN = "client_known"
    WRITE_BACK = "write_back"
    GRAPH_CLOCK = "graph_clock"
    CONSENT = "consent"
    MEETING_POLICY = "meeting_policy"


RESTS_ON: Mapping[Check, tuple[Check, ...]] = {
    Check.WORKER: (Check.DATABASE,),
    Check.CONNECTION: (Check.ADDRESS,),
    Check.METADATA: (Check.CONNECTION,),
    Check.SMART_CONFIGURATION: (Check.CONNECTION,),
    Check.VERSION_SUFFIX: (Check.CONNECTION,),
    Check.EHR_CLOCK: (Check.CONNECTION,),
    Check.PINNED_ENDPOINTS: (Check.SMART_CONFIGURATION,),
    Check.GRANT_TYPES: (Check.SMART_CONFIGURATION,),
    Check.SCOPES: (Check.SMART_CONFIGURATION,),
    Check.CLIENT_KNOWN: (Check.SMART_CONFIGURATION,),
    Check.WRITE_BACK: (Check.CLIENT_KNOWN,),
    Check.MEETING_POLICY: (Check.CONSENT,),
}


class Verdict(StrEnum):
    """A warning may be right for this site; what failed keeps some visit from working."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to; `code` is "" when all is well and nothing more is to be said."""

    check: Check
    verdict: Verdict
    code: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def blocked_by(check: Check, findings: Mapping[Check, Finding]) -> Check | None:
    """The first check this one rests on that did not pass; a warning is no obstacle."""
    passed = {Verdict.OK, Verdict.WARNING}
    for needed in RESTS_ON.get(check, ()):
        if needed not in findings or findings[needed].verdict not in passed:
            return needed
    return None


CLOCK_WARNING = timedelta(seconds=30)
CLOCK_FAILURE = timedelta(seconds=120)
_DATE_GRAIN = timedelta(seconds=1)


def clock_offset(date: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far a server's `Date` is ahead of our clock; negative when it is behind.

    The answer was made at some moment between `sent` and `received`, and a `Date` is whole seconds:
    only what lies outside counts. All aware UTC.
    https://www.rfc-editor.org/rfc/rfc9110.html#section-6.6.1
    """
    if date < sent - _DATE_GRAIN:
        return date - sent
    return max(date - received, timedelta())


def clock_verdict(offset: timedelta) -> Verdict:
    """Assertions live for minutes: beyond two minutes of difference a server refuses them."""
    if abs(offset) > CLOCK_FAILURE:
        return Verdict.FAILED
    return Verdict.WARNING if abs(offset) > CLOCK_WARNING else Verdict.OK
