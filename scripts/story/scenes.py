"""The scenes of the story: set up an environment, then hold a visit in it."""

from dataclasses import dataclass

import bs4
from scripts.story.cast import (
    ADMIN,
    ANALYST,
    ANALYST_SIGN_IN,
    CLINICIAN,
    EHR_ANALYST,
    EHR_CLINICIAN,
    ORGANIZATION,
    PASSWORD,
    Cast,
)
from scripts.story.live_feed import LiveFeed
from scripts.story.narrator import Narrator, eventually, promise
from scripts.story.person import PageUnexpected, Person

KINDS = ("provider", "patient")


@dataclass(slots=True)
class SetUp:
    """Flow 4 in the test environment, by two people in two browsers."""

    cast: Cast
    tell: Narrator
    kind: str = "test"

    def play(self) -> None:
        self.sign_in()
        self.confirm_tenant()
        self.enter()
        self.approve()
        self.paste()

    def sign_in(self) -> None:
        admin, urls = self.cast.admin, self.cast.sandbox.urls
        with self.tell.step("The admin signs in with Microsoft"):
            admin.open(f"{urls.connector}/")
            admin.click("sign-in").press(ADMIN)

    def confirm_tenant(self) -> None:
        admin, urls = self.cast.admin, self.cast.sandbox.urls
        with self.tell.step("The admin confirms data geography and licences") as notes:
            admin.open(f"{urls.connector}/tenant")
            notes.append(f"Microsoft says: {admin.text('microsoft-says')}")
            admin.press("confirm-geography").press("confirm-licence", licences=["held"])
            promise(admin.has("licence-confirmed"), "both are confirmed")

    def enter(self) -> None:
        admin, urls = self.cast.admin, self.cast.sandbox.urls
        base = urls.fhir_base(self.kind)
        with self.tell.step(f"A mistyped {self.kind} FHIR base URL is refused with its cause"):
            admin.open(f"{urls.connector}/configurations/new")
            wrong = base.replace("/R4", "/DSTU2")
            admin.press_in_vain("save", **self._form(wrong))
            promise(admin.has("save"), "what was typed is still there to correct")
        with self.tell.step(f"The admin configures {self.kind}; the EHR is probed") as notes:
            admin.press("save", **self._form(base))
            notes.append(base)
            promise(admin.has("approval-link"), "there is a link to send to the approver")

    def _form(self, fhir_base_url: str) -> dict[str, str]:
        return {
            "organization": ORGANIZATION,
            "fhir_base_url": fhir_base_url,
            "approver": ANALYST_SIGN_IN,
        }

    def approve(self) -> None:
        analyst, link = self.cast.analyst, value_of(self.cast.admin.element("approval-link"))
        with self.tell.step("The named approver opens the link and signs in with Microsoft"):
            analyst.open(link)
            if not analyst.has("sign-in-ehr"):
                analyst.press(ANALYST)
            promise(not analyst.has("approve"), "nobody approves before the EHR sign-in")
        with self.tell.step("The approver signs in to the EHR: it proves the base URL, no more"):
            prove_ehr(analyst)
        with self.tell.step("The approver approves exactly what is shown; records appear"):
            analyst.press("approve")
            promise(analyst.has("record-provider"), "the provider record is shown")
            promise(analyst.has("record-patient"), "the patient record is shown")

    def paste(self) -> None:
        analyst, ehr = self.cast.analyst, self.cast.sandbox.urls.ehr(self.kind)
        with self.tell.step("The analyst pastes both integration records into the EHR") as notes:
            shown = analyst.url
            records = {k: value_of(analyst.element(f"record-{k}")) for k in KINDS}
            clients = {k: self._client_of(k) for k in KINDS}
            analyst.open(f"{ehr}/fdi/")
            if analyst.has("username"):
                analyst.press("sign-in", username=EHR_ANALYST, password=PASSWORD)
            for kind, text in records.items():
                analyst.press(f"save-{kind}", client_id=clients[kind], record=text)
                promise(analyst.has("saved"), f"the EHR took the {kind} record")
                notes.append(f"{kind}: {text.splitlines()[0]}")
            held = {k: analyst.element(f"{k}-current").get_text() for k in KINDS}
        self._compare(shown, held)

    def _compare(self, shown: str, held: dict[str, str]) -> None:
        analyst = self.cast.analyst
        with self.tell.step("The analyst pastes them back: one wrong token is named, then none"):
            analyst.open(shown)
            wrong = held["provider"].replace("departmentId", "department")
            analyst.press("verify-provider", pasted=wrong)
            promise("departmentId" in analyst.text("differences"), "the token is named")
            analyst.open(shown)
            for kind in KINDS:
                analyst.press(f"verify-{kind}", pasted=held[kind])
                verified = analyst.element(f"verified-{kind}")["data-verified"]
                promise(verified == "yes", f"the {kind} record came back unchanged")

    def _client_of(self, kind: str) -> str:
        return self.cast.analyst.text(f"record-{kind}-client").removeprefix("Client ID:").strip()


@dataclass(slots=True)
class Promotion(SetUp):
    """Flow 5: plan, apply, then the same approval at the production EHR."""

    kind: str = "production"

    def play(self) -> None:
        self.plan()
        self.approve()
        self.paste()

    def plan(self) -> None:
        admin, urls = self.cast.admin, self.cast.sandbox.urls
        with self.tell.step("The admin plans the promotion: everything is ready") as notes:
            open_environment(admin, self.cast, "test").click("promote")
            admin.press(
                "plan", fhir_base_url=urls.fhir_base("production"), approver=ANALYST_SIGN_IN
            )
            missing = [
                str(item["data-readiness"])
                for item in admin.element("items").find_all("li")
                if item["data-ready"] == "no"
            ]
            promise(not missing, f"nothing is missing, not even {', '.join(missing)}")
            notes.append(admin.text("readiness"))
        with self.tell.step("The admin applies the plan; it waits for the approver"):
            admin.press("apply")
            promise(admin.has("approval-link"), "there is a link to send to the approver")


def open_environment(person: Person, cast: Cast, kind: str) -> Person:
    """From the overview to the only environment of this kind."""
    connector = cast.sandbox.urls.connector
    person.open(f"{connector}/")
    links = [
        a
        for a in person.browser.page.find_all("a")
        if a.get_text(strip=True).startswith(f"Open {kind}")
    ]
    if len(links) != 1:
        raise PageUnexpected(f"the overview shows {len(links)} {kind} environments")
    return person.open(f"{connector}{links[0]['href']}")


def prove_ehr(analyst: Person) -> None:
    """The approver's EHR sign-in."""
    analyst.click("sign-in-ehr")
    if analyst.has("username"):
        analyst.press("sign-in", username=EHR_ANALYST, password=PASSWORD)


def value_of(field: bs4.Tag) -> str:
    return str(field["value"]) if field.has_attr("value") else field.get_text().strip()


@dataclass(slots=True)
class Visit:
    """Flows 1 to 3 for one appointment that is open now."""

    cast: Cast
    tell: Narrator
    kind: str
    username: str
    practitioner: str = "Adam Careful"
    appointment_id: str = ""

    @property
    def hyperspace(self) -> str:
        return f"{self.cast.sandbox.urls.ehr(self.kind)}/hyperspace"

    def find(self) -> None:
        """The patient logs in to MyChart and finds today's visit with this clinician."""
        patient, mychart = self.cast.patient, self.cast.sandbox.urls.mychart(self.kind)
        patient.open(f"{mychart}/login?username={self.username}")
        patient.press("log-in", username=self.username, password=PASSWORD)
        cards = patient.element("appointments").find_all("a")
        for card in cards:
            patient.open(f"{mychart}/appointments/{str(card['id']).removeprefix('appointment-')}")
            here = patient.browser.page.get_text()
            if self.practitioner in here and not patient.has("reason"):
                self.appointment_id = str(card["id"]).removeprefix("appointment-")
                return
        raise PageUnexpected(f"{self.username} has no open visit with {self.practitioner}")

    def provider_begins(
        self, intent: str = "begin-virtual-visit", *, refused: bool = False
    ) -> Person:
        """The clinician presses the button of this visit in Hyperspace."""
        clinician = self.cast.clinician
        clinician.open(f"{self.hyperspace}/appointments/{self.appointment_id}")
        if clinician.has("username"):
            clinician.press("sign-in", username=EHR_CLINICIAN, password=PASSWORD)
            clinician.open(f"{self.hyperspace}/appointments/{self.appointment_id}")
        clinician.visited_hosts.clear()
        return clinician.open(
            f"{self.hyperspace}/appointments/{self.appointment_id}/begin?intent={intent}",
            refused=refused,
        )

    def patient_begins(self) -> Person:
        patient, mychart = self.cast.patient, self.cast.sandbox.urls.mychart(self.kind)
        patient.open(f"{mychart}/appointments/{self.appointment_id}")
        return patient.press("begin-virtual-visit")

    def audit_trail(self) -> list[tuple[str, str]]:
        """(party, status) lines of the EHR's audit trail of this visit, oldest first."""
        clinician = self.cast.clinician
        clinician.open(f"{self.hyperspace}/appointments/{self.appointment_id}")
        rows = clinician.browser.page.find_all("tr", class_="audit-row")
        cells = [[c.get_text(" ", strip=True) for c in row.find_all("td")] for row in rows]
        return [(c[1].rpartition("(")[2].rstrip(")"), c[2]) for c in cells]


def first_sign_in(visit: Visit) -> None:
    with visit.tell.step("First provider launch: one Microsoft sign-in, then into Teams") as notes:
        clinician = visit.provider_begins()
        clinician.press(CLINICIAN)
        promise(clinician.has("join-now"), "the clinician stands before the meeting")
        notes.append(clinician.where)


def no_second_sign_in(visit: Visit) -> None:
    with visit.tell.step("Second provider launch: straight in, no sign-in"):
        clinician = visit.provider_begins()
        promise(clinician.has("join-now"), "the clinician stands before the meeting")
        asked = [h for h in clinician.visited_hosts[:-1] if h == _host(visit, "mock_microsoft")]
        promise(not asked, "Entra was not asked again")


def _host(visit: Visit, part: str) -> str:
    return str(getattr(visit.cast.sandbox.urls, part)).removeprefix("https://")


def patient_waits_first(visit: Visit) -> None:
    """The patient is first: the page waits, and moves on once the provider has launched."""
    patient = visit.cast.patient
    with visit.tell.step("Patient launches on a phone before the clinician: the page waits"):
        visit.patient_begins()
        promise(patient.has("wait-state"), "the waiting page is shown")
        waiting_at = patient.url.removesuffix("/wait")
        promise(not patient.get_json(f"{waiting_at}/status")["can_join"], "no meeting yet")
    with visit.tell.step("The clinician launches; the patient's page moves on by itself"):
        visit.provider_begins()
        eventually(
            "the waiting page learns of the meeting",
            lambda: bool(patient.get_json(f"{waiting_at}/status")["can_join"]),
        )
        patient.open(f"{waiting_at}/wait")
        promise(patient.has("join"), "the patient stands before the browser join page")


def meet(visit: Visit, guest_name: str) -> None:
    """Join, lobby, admit, roster, drop and return, end: what happens in Teams."""
    clinician, patient = visit.cast.clinician, visit.cast.patient
    with visit.tell.step("Patient launches on a phone: one click, no account, into the lobby"):
        until_watched(visit)
        visit.patient_begins()
        patient.press("join", display_name=guest_name)
        promise(patient.has("state-lobby"), "the patient waits in the lobby")
    with visit.tell.step("The clinician joins and admits the patient"):
        clinician.press("join-now")
        clinician.press("admit-1")
        patient.open(patient.url)
        promise(patient.has("state-in-call"), "the patient is in the meeting")


def until_watched(visit: Visit) -> None:
    """A person needs seconds to join; the subscription needs a fraction of one. So wait for it."""
    clinician, graph = visit.cast.clinician, visit.cast.sandbox.urls.mock_microsoft
    thread = clinician.url.partition("meeting_")[2].partition("%40")[0]

    def watched() -> bool:
        live = clinician.get_json(f"{graph}/sim/subscriptions")["subscriptions"]
        return any(thread in one["join_web_url"] for one in live)

    eventually("Graph watches the meeting for the connector", watched)


def watch(visit: Visit, guest_name: str) -> None:
    clinician, patient = visit.cast.clinician, visit.cast.patient
    meeting_page = clinician.url
    with visit.tell.step("Live roster: the clinician's page hears of the patient") as notes:
        visit.provider_begins("visit-status")
        feed = LiveFeed(clinician, clinician.url)
        feed.wait_for("patient", "connected")
        notes.append(f"{len(feed.seen)} events by server-sent events, none with a name")
    with visit.tell.step("The patient drops and returns"):
        patient.press("leave")
        feed.wait_for("patient", "disconnected")
        visit.patient_begins()
        patient.press("join", display_name=guest_name)
        clinician.open(meeting_page)
        if clinician.has("admit-1"):
            clinician.press("admit-1")
        feed.wait_for("patient", "connected", times=2)
    with visit.tell.step("The clinician ends the meeting for everybody"):
        clinician.open(meeting_page).press("end-meeting")
        feed.wait_for_state("ended")
        feed.close()


REPORTED = {
    ("provider", "connected"): 1,
    ("provider", "disconnected"): 1,
    ("patient", "connected"): 2,
    ("patient", "disconnected"): 2,
}


def written_back(visit: Visit) -> None:
    with visit.tell.step("Every connect and disconnect is in the EHR's audit trail, once") as notes:
        eventually(
            "the EHR heard everything",
            lambda: all(visit.audit_trail().count(line) >= n for line, n in REPORTED.items()),
        )
        notes.extend(f"{party} {status}" for party, status in reported_once(visit))
        visit.cast.clinician.open(f"{visit.hyperspace}/")
        promise(
            "disconnected" in visit.cast.clinician.text(_row_id(visit)), "the schedule shows it"
        )


def reported_once(visit: Visit) -> list[tuple[str, str]]:
    trail = visit.audit_trail()
    for line, times in REPORTED.items():
        found = trail.count(line)
        promise(found == times, f"“{' '.join(line)}” stands {found} times, not {times}")
    return trail


def _row_id(visit: Visit) -> str:
    rows = visit.cast.clinician.browser.page.find_all("section", class_="visit")
    for row in rows:
        if row.get("data-appointment") == visit.appointment_id:
            return str(row["id"])
    raise PageUnexpected("the schedule has no row for this visit")
