"""The people of one generating process: gives each a browser and an errand, in the open and in the closed model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from loadtest.arrivals import PlannedCaller, PlannedVisit, Schedule
from loadtest.browser import Browser, CookieJar, Transport
from loadtest.browsers import Browsers
from loadtest.hops import Hops
from loadtest.personas import idle_viewer, patient, portal_admin, provider
from loadtest.personas.errand import Course, Errand, dropped
from loadtest.personas.sign_in import MorningCookies
from loadtest.recorder import Clock, Recorder
from loadtest.records import Persona
from loadtest.scenario import Scenario
from loadtest.target import BookedVisit, Stage

PORTAL_READS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody who comes at `due_seconds`: `go` is their whole visit, `drop` writes down that they were not let in."""

    due_seconds: float
    go: Callable[[], None]
    drop: Callable[[], None]


@dataclass(slots=True)
class Crew:
    """`connect` makes connections: see `Browsers`."""

    stage: Stage
    scenario: Scenario
    recorder: Recorder
    clock: Clock
    connect: Callable[[], Transport]
    _browsers: Browsers = field(init=False)
    _morning: dict[str, MorningCookies] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._browsers = Browsers(
            Hops.of(self.stage), self.recorder, self.clock, self.connect, self.scenario.connections
        )

    def sign_in(self) -> None:
        """Every clinician, before anybody comes. Raises Failed, Shed."""
        for one in self.stage.clinicians:
            browser = self._browsers.common(Persona.PROVIDER, CookieJar())
            self._morning[one.ehr_sign_in] = MorningCookies.of(browser, self.stage, one)

    def close(self) -> None:
        self._browsers.close()

    def coming(self, schedule: Schedule) -> list[Coming]:
        """Everybody of this process's share, in the order in which they are due."""
        everybody = [
            *(one for plan in schedule.visits for one in self._to_visit(plan)),
            *(self._to_nobody(plan) for plan in schedule.callers),
        ]
        return sorted(everybody, key=lambda one: one.due_seconds)

    def _to_visit(self, plan: PlannedVisit) -> Iterator[Coming]:
        course = Course()
        yield Coming(
            plan.provider_due,
            lambda: self.provide(plan, course, plan.provider_due),
            lambda: self._drop_provider(plan, course),
        )
        if plan.patient_due is not None:
            due = plan.patient_due
            yield Coming(
                due,
                lambda: self.attend(plan, course, due),
                lambda: self._drop_patient(plan, course, due),
            )

    def _to_nobody(self, plan: PlannedCaller) -> Coming:
        go = {Persona.PORTAL_ADMIN: self.administer, Persona.IDLE_VIEWER: self.view}
        return Coming(
            plan.due,
            lambda: go[plan.persona](plan),
            lambda: self._drop(plan.persona, plan.due, plan.visit_number),
        )

    def provide(self, plan: PlannedVisit, course: Course, due: float) -> None:
        jar = self._morning_of(plan.number).teams.copy()
        with self._browsers.at(Persona.PROVIDER, jar) as browser:
            errand = self._errand(browser, due, plan.number, course)
            with errand.recorded():
                provider.hold_visit(errand, plan)

    def attend(self, plan: PlannedVisit, course: Course, due: float) -> None:
        """Again for each stay in the meeting; who reconnects is due when they click, which no schedule knows."""
        if course.clinician_dropped.is_set():
            self._drop_patient(plan, course, due)
            return
        with self._browsers.at(Persona.PATIENT, CookieJar()) as browser:
            try:
                for number, stay_seconds in enumerate(plan.stays_seconds):
                    if number:
                        self.clock.sleep(plan.away_seconds)
                        due = self.clock.now()
                    errand = self._errand(browser, due, plan.number, course)
                    with errand.recorded():
                        patient.attend(errand, plan.patient_reads_seconds, stay_seconds)
                    if errand.failed:
                        return
            finally:
                course.gone.set()

    def administer(self, plan: PlannedCaller) -> None:
        with self._browsers.at(Persona.PORTAL_ADMIN, CookieJar()) as browser:
            errand = Errand(self.stage, self.scenario.people, browser, plan.due)
            with errand.recorded():
                portal_admin.look_around(errand, PORTAL_READS_SECONDS)

    def view(self, plan: PlannedCaller) -> None:
        jar = self._morning_of(plan.visit_number).hyperspace.copy()
        with self._browsers.at(Persona.IDLE_VIEWER, jar) as browser:
            errand = self._errand(browser, plan.due, plan.visit_number)
            with errand.recorded():
                idle_viewer.watch(errand, plan.hold_seconds)

    def _errand(
        self, browser: Browser, due: float, number: int, course: Course | None = None
    ) -> Errand:
        people, visit = self.scenario.people, self._booked(number)
        return Errand(self.stage, people, browser, due, visit, course or Course())

    def _booked(self, number: int) -> BookedVisit | None:
        """None when the stage booked too few: the errand fails by name."""
        visits = self.stage.visits
        return visits[number] if 0 <= number < len(visits) else None

    def _morning_of(self, number: int) -> MorningCookies:
        """Of the visit's own clinician; nobody's where too few were booked."""
        visit = self._booked(number)
        return self._morning[visit.clinician] if visit else MorningCookies()

    def _drop(self, persona: Persona, due: float, number: int) -> None:
        dropped(self.recorder, persona, due, self._booked(number))

    def _drop_provider(self, plan: PlannedVisit, course: Course) -> None:
        self._drop(Persona.PROVIDER, plan.provider_due, plan.number)
        course.clinician_dropped.set()

    def _drop_patient(self, plan: PlannedVisit, course: Course, due: float) -> None:
        self._drop(Persona.PATIENT, due, plan.number)
        course.gone.set()
