"""What the parts of an examination share: who is examined, what a step is, two clocks compared."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.domain.configuration import EhrClients, EhrVendor, SmartEndpoints
from connector.domain.findings import Check, Finding, Verdict, clock_offset, clock_verdict


@dataclass(frozen=True, slots=True)
class Subject:
    """A configuration to examine: as entered, or as stored.

    `fhir_base_url` is as typed. `person_id` is the Entra object id of the one the meeting policy is
    tried for; `pinned` are the endpoints a stored revision holds, and `environment_id` is its.
    """

    tenant_id: str
    fhir_base_url: str
    clients: EhrClients
    person_id: str
    vendor: EhrVendor = EhrVendor.EPIC
    pinned: SmartEndpoints | None = None
    environment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`examine` may raise an `OutsideError`: its code is then the finding's, and the check failed."""

    check: Check
    examine: Callable[[], Finding]


def clock_finding(
    check: Check, date: datetime | None, sent: datetime, received: datetime
) -> Finding:
    """The verdict on a server's `Date`; fact `seconds` is how far ahead of ours it is, signed."""
    if date is None:
        return Finding(check, Verdict.WARNING, "date_missing")
    offset = clock_offset(date, sent, received)
    verdict = clock_verdict(offset)
    code = "" if verdict is Verdict.OK else "clock_differs"
    return Finding(check, verdict, code, {"seconds": f"{offset.total_seconds():+.0f}"})
