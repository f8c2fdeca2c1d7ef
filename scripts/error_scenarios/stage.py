"""The sandbox while scenarios play in it: who is signed in, what is configured, what is put right again.

Set up as far as a scenario needs it, once; whoever changes something uses a context manager that
changes it back. Licences stay unconfirmed until production is needed (E4).
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.story.cast import CLINICIAN, EHR_ANALYST, PASSWORD, Cast
from scripts.story.live_feed import LiveFeed
from scripts.story.narrator import Narrator, eventually
from scripts.story.person import Person
from scripts.story.scenes import (
    Promotion,
    SetUp,
    Visit,
    meet,
    open_environment,
    prove_ehr,
    value_of,
)

GUEST = "Guest of the errors"


@dataclass(slots=True)
class Stage:
    sandbox: Sandbox
    cast: Cast = field(init=False)
    _quiet: Narrator = field(default_factory=lambda: Narrator(Console(file=io.StringIO())))
    _ready: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.cast = Cast(self.sandbox)

    @property
    def connector(self) -> str:
        return self.sandbox.urls.connector

    def admin(self) -> Person:
        """Contoso's administrator, signed in, their tenant's geography confirmed."""
        if "admin" not in self._ready:
            SetUp(self.cast, self._quiet).sign_in()
            self.cast.admin.open(f"{self.connector}/tenant").press("confirm-geography")
            self._ready.add("admin")
        return self.cast.admin

    def test(self) -> None:
        """The test environment is live, its records pasted into the EHR and verified."""
        if "test" not in self._ready:
            self.admin()
            setup = SetUp(self.cast, self._quiet)
            setup.enter()
            setup.approve()
            setup.paste()
            self._ready.add("test")

    def production(self) -> None:
        """Promoted from test after a visit there, approved, records pasted and verified."""
        if "production" not in self._ready:
            self.test()
            self._hold_test_visit()
            admin = self.admin().open(f"{self.connector}/tenant")
            admin.press("confirm-licence", licences=["held"])
            Promotion(self.cast, self._quiet).play()
            self._ready.add("production")

    def environment(self, person: Person, kind: str = "test") -> Person:
        """The page of Contoso's environment."""
        return open_environment(person, self.cast, kind)

    def visit(self, username: str, kind: str = "test", practitioner: str = "Adam Careful") -> Visit:
        """An open visit of this patient with this clinician; test is set up by then."""
        self.test()
        visit = Visit(self.cast, self._quiet, kind, username, practitioner)
        visit.find()
        return visit

    def begin(self, visit: Visit) -> Person:
        """The clinician stands before the meeting."""
        clinician = visit.provider_begins()
        return clinician if clinician.has("join-now") else clinician.press(CLINICIAN)

    def meet(self, visit: Visit) -> str:
        """Both are in the meeting; the address of the clinician's page in it."""
        self.begin(visit)
        meet(visit, GUEST)
        return self.cast.clinician.url

    def end(self, visit: Visit, meeting_page: str) -> None:
        """The clinician ends the meeting for everybody, and the connector has heard of it."""
        clinician = visit.provider_begins("visit-status")
        feed = LiveFeed(clinician, clinician.url)
        clinician.open(meeting_page)
        if clinician.has("rejoin"):
            clinician.press("rejoin")
        clinician.press("end-meeting")
        feed.wait_for_state("ended")
        feed.close()

    def _hold_test_visit(self) -> None:
        """A visit nobody has begun yet: those before the last approval say nothing of it."""
        visit = self.visit("PCHALMERS")
        visit.appointment_id = self._booked()
        self.end(visit, self.meet(visit))
        eventually("the EHR heard of the test visit", self._test_visit_counts)

    def _booked(self) -> str:
        """One more appointment of the first clinician, Adam Careful, and the first patient."""
        ehr = self.sandbox.urls.ehr("test")
        with self.sandbox.session() as session:
            answer = session.post(f"{ehr}/sim/seed", json={"visits": 1}, timeout=10)
            answer.raise_for_status()
        return str(answer.json()["visits"][0]["appointment"])

    def _test_visit_counts(self) -> bool:
        admin = self.environment(self.admin()).click("promote")
        admin.press("plan", fhir_base_url=self.sandbox.urls.fhir_base("production"))
        point = {"data-readiness": "test_visits", "data-ready": "yes"}
        return admin.browser.page.find("li", attrs=point) is not None

    def enter_revision(self, **typed: str | list[str]) -> str:
        """The admin enters a new revision of test; the link for its approver."""
        self.test()
        admin = self.environment(self.admin()).click("new-revision").press("save", **typed)
        return value_of(admin.element("approval-link"))

    def approve(self, link: str) -> None:
        analyst = self.cast.analyst.open(link)
        if analyst.has("sign-in-ehr"):
            prove_ehr(analyst)
        analyst.press("approve")

    @contextmanager
    def asked_for_approval(self) -> Iterator[Person]:
        """The approver before the EHR sign-in of a revision, which is approved afterwards."""
        link = self.enter_revision()
        yield self.cast.analyst.open(link)
        self.approve(link)

    @contextmanager
    def configured(self, before: dict[str, list[str]], **typed: str | list[str]) -> Iterator[None]:
        """Test runs with other settings, then with `before` again."""
        self.approve(self.enter_revision(**typed))
        try:
            yield
        finally:
            self.approve(self.enter_revision(**before))

    def record(self, name: str, kind: str = "test") -> tuple[str, str]:
        """(client id, text) of an integration record as the portal shows it."""
        analyst = self.environment(self.cast.analyst, kind)
        client = analyst.text(f"record-{name}-client").removeprefix("Client ID:").strip()
        return client, value_of(analyst.element(f"record-{name}"))

    @contextmanager
    def pasted(self, name: str, text: str, kind: str = "test") -> Iterator[None]:
        """The EHR's record holds another text, then the issued one again."""
        client, issued = self.record(name, kind)
        self.paste(name, client, text, kind)
        try:
            yield
        finally:
            self.paste(name, client, issued, kind)

    def paste(self, name: str, client: str, text: str, kind: str = "test") -> None:
        """The analyst saves a text as an integration record of the EHR."""
        analyst = self.cast.analyst.open(f"{self.sandbox.urls.ehr(kind)}/fdi/")
        if analyst.has("username"):
            analyst.press("sign-in", username=EHR_ANALYST, password=PASSWORD)
        analyst.press(f"save-{name}", client_id=client, record=text)

    def paste_and_verify(self, name: str) -> None:
        """A record of test goes into the EHR as it was issued, and is compared."""
        self.paste(name, *self.record(name))
        _, issued = self.record(name)
        self.cast.analyst.press(f"verify-{name}", pasted=issued)

    @contextmanager
    def fault(self, base: str, **fault: object) -> Iterator[None]:
        """A failure of a simulator, until the scenario is over."""
        with self.sandbox.session() as session:
            session.post(f"{base}/sim/faults", json=fault, timeout=10).raise_for_status()
            try:
                yield
            finally:
                session.delete(f"{base}/sim/faults", timeout=10).raise_for_status()
