"""The people of one generating process whose launches were prepared; beside the visits nobody comes."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loadtest.arrivals import PlannedVisit, Schedule
from loadtest.browser import Transport
from loadtest.browsers import Browsers
from loadtest.crew import Coming
from loadtest.hops import Hops
from loadtest.personas import prepared
from loadtest.personas.errand import Course, Errand, dropped
from loadtest.prepared.coming import Clicks, planned
from loadtest.prepared.launch_file import PreparedLaunch, PreparedVisit
from loadtest.recorder import Clock, Recorder
from loadtest.records import Persona
from loadtest.scenario import Scenario
from loadtest.target import Stage

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PreparedCrew:
    """`visits` are everybody's, of all generating processes, in order of arrival."""

    stage: Stage
    scenario: Scenario
    visits: Sequence[PreparedVisit]
    recorder: Recorder
    clock: Clock
    connect: Callable[[], Transport]
    _browsers: Browsers = field(init=False)

    def __post_init__(self) -> None:
        hops = Hops.of_customer(self.stage.connector_url)
        self._browsers = Browsers(
            hops, self.recorder, self.clock, self.connect, self.scenario.connections
        )

    def sign_in(self) -> None:
        """Nobody: each comes with the cookies that were prepared with the launch."""

    def close(self) -> None:
        self._browsers.close()

    def coming(self, schedule: Schedule) -> list[Coming]:
        """Everybody of this process's share who has a launch, and the first who has none."""
        everybody = [
            one
            for plan in schedule.visits
            if plan.number < len(self.visits)
            for one in self._to_visit(plan, self.visits[plan.number])
        ]
        return sorted([*everybody, *self._after_the_last()], key=lambda one: one.due_seconds)

    def _to_visit(self, plan: PlannedVisit, visit: PreparedVisit) -> Iterator[Coming]:
        clicks, course = Clicks.of(plan, visit), Course()
        if visit.provider and clicks.provider_due is not None:
            yield self._one(visit, visit.provider, clicks.provider_due, course)
        if visit.patient and clicks.patient_due is not None:
            yield self._one(visit, visit.patient, clicks.patient_due, course)

    def _one(
        self, visit: PreparedVisit, launch: PreparedLaunch, due: float, course: Course
    ) -> Coming:
        return Coming(
            due,
            lambda: self.launch(visit, launch, due, course),
            lambda: self._drop(visit, launch.persona, due, course),
        )

    def launch(
        self, visit: PreparedVisit, launch: PreparedLaunch, due: float, course: Course
    ) -> None:
        people = self.scenario.people
        with self._browsers.at(launch.persona, launch.cookies.copy()) as browser:
            errand = Errand(self.stage, people, browser, due, visit, course)
            with errand.recorded():
                if launch.persona is Persona.PROVIDER:
                    prepared.provide(errand, launch)
                else:
                    prepared.attend(errand, launch, clinician_comes=visit.provider is not None)

    def _drop(self, visit: PreparedVisit, persona: Persona, due: float, course: Course) -> None:
        dropped(self.recorder, persona, due, visit)
        if persona is Persona.PROVIDER:
            course.clinician_dropped.set()

    def _after_the_last(self) -> Iterator[Coming]:
        """They stay as long as the file lasted: the run must not end before its measured time is over."""
        given = planned(self.scenario, self.stage.seed, self.visits)
        if given.ran_out:
            yield Coming(
                given.ran_out_seconds, lambda: _say(given.words), lambda: _say(given.words)
            )


def _say(words: str) -> None:
    logger.warning("%s", words)
