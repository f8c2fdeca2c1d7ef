"""The sealed cookie a completed launch leaves: this browser may see this visit in this role."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from connector.domain.participant import Role
from connector.web.sealed_cookies import SealedCookie

LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class VisitPass:
    visit_id: str
    role: Role
    time_zone: str
    fhir_base_url: str
    expires_at: datetime


VISIT_PASS = SealedCookie("visit", TypeAdapter(VisitPass), int(LIFETIME.total_seconds()))
