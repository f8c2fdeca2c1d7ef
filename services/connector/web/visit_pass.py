"""The sealed cookie a completed launch leaves: this browser may see this visit in this role."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter
from werkzeug.wrappers import Response

from connector.domain.join_window import JoinWindow
from connector.domain.participant import Role
from connector.ports.vault import Sealer
from connector.web.sealed_cookies import SealedCookie

LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class VisitPass:
    """`opens_at` and `closes_at` are the patient's join window: times of appointments are stored
    nowhere but in the browser that launched.
    """

    visit_id: str
    role: Role
    time_zone: str
    fhir_base_url: str
    expires_at: datetime
    opens_at: datetime | None = None
    closes_at: datetime | None = None

    @property
    def window(self) -> JoinWindow:
        return JoinWindow(self.opens_at, self.closes_at)


# A browser sends every cookie with every request, and servers refuse long headers: a clinician who
# sees forty patients a day keeps the passes of the newest visits only.
KEPT = 10

VISIT_PASS = SealedCookie("visit", TypeAdapter(VisitPass), int(LIFETIME.total_seconds()))


def hand_out(response: Response, sealer: Sealer, pass_: VisitPass) -> None:
    """Give the browser this pass, and take back the oldest beyond the newest ten."""
    others = [p for p in VISIT_PASS.read_all(sealer) if p.visit_id != pass_.visit_id]
    others.sort(key=lambda p: p.expires_at, reverse=True)
    for old in others[KEPT - 1 :]:
        VISIT_PASS.clear(response, old.visit_id)
    VISIT_PASS.set(response, sealer, pass_.visit_id, pass_)
