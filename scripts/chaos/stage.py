"""What people do before and between the kills: set test up, hold a visit, approve."""

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread

from requests import RequestException
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import ehr_client_ids
from scripts.story.cast import (
    ANALYST,
    ANALYST_SIGN_IN,
    EHR_ANALYST,
    PASSWORD,
    Cast,
)
from scripts.story.narrator import Narrator, eventually
from scripts.story.person import PageUnexpected
from scripts.story.scenes import SetUp, Visit, first_sign_in, meet

_GUEST = "Guest of the chaos run"
_UNHEARD = Narrator(Console(file=io.StringIO()))


@dataclass(slots=True)
class Stage:
    """The sandbox and its people; every method is one thing they do, through pages only."""

    sandbox: Sandbox
    cast: Cast = field(init=False)

    def __post_init__(self) -> None:
        self.cast = Cast(self.sandbox)

    def set_test_up(self) -> None:
        """As a new customer does: tenant confirmed, configured, approved, pasted, compared, visited."""
        SetUp(self.cast, _UNHEARD).play()
        self._hold_visit()

    def approve(self, approval_url: str) -> None:
        """The approver opens the link they were sent, signs in twice and says yes."""
        analyst = self.cast.analyst.open(approval_url)
        if analyst.has(ANALYST):
            analyst.press(ANALYST)
        if analyst.has("sign-in-ehr"):
            analyst.click("sign-in-ehr")
        if analyst.has("username"):
            analyst.press("sign-in", username=EHR_ANALYST, password=PASSWORD)
        if analyst.has("approve"):
            analyst.press("approve")

    def approve_while(self, approval_url: str, happens: Callable[[], None]) -> None:
        """The yes is on its way when it happens; the approver may see an error, and tries again."""

        def press() -> None:
            with suppress(RequestException, PageUnexpected):
                self.approve(approval_url)

        pressing = Thread(target=press)
        pressing.start()
        happens()
        pressing.join()
        self.approve(approval_url)

    def takes_launches(self, kind: str) -> bool:
        """Whether the connector sends a clinician on to this EHR's sign-in."""
        urls = self.sandbox.urls
        query = {"iss": urls.fhir_base(kind), "launch": "chaos"}
        with self.sandbox.session() as session:
            answer = session.get(
                f"{urls.connector}/launch/provider",
                params=query,
                allow_redirects=False,
                timeout=10,
            )
        return urls.ehr(kind) in answer.headers.get("Location", "")

    @property
    def tenant(self) -> str:
        """Entra takes a domain where it takes a tenant id."""
        return ANALYST_SIGN_IN.partition("@")[2]

    def _hold_visit(self) -> None:
        visit = Visit(self.cast, _UNHEARD, "test", "PCHALMERS")
        visit.find()
        first_sign_in(visit)
        visit.provider_begins()
        meet(visit, _GUEST)
        self.cast.clinician.press("end-meeting")
        told = {("provider", "disconnected"), ("patient", "disconnected")}
        eventually("the EHR hears of the end", lambda: told <= set(visit.audit_trail()), 30)


def production_clients() -> dict[str, str]:
    """Client ids the sandbox's production EHR knows."""
    return dict(ehr_client_ids()["production"])
