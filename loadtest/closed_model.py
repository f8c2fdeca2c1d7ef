"""The closed model, for comparison: so many users a persona, each coming again after a pause.

It flatters a slow system: who waits for an answer does not come again meanwhile, and nobody counts the visits that
were not begun. A verdict is given on the open model.
"""

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from loadtest.arrivals import PlannedCaller, PlannedVisit, planned_visit
from loadtest.crew import Crew
from loadtest.personas.errand import Course
from loadtest.records import Persona
from loadtest.scenario import Users

LOOKS_FOR_WORK_EVERY_SECONDS = 0.5


@dataclass(slots=True)
class ClosedModel:
    """Of one process. `numbers` are the visits that are this process's own."""

    crew: Crew
    users: Users
    seed: int
    numbers: Iterator[int]
    dice: Random
    _begun: queue.SimpleQueue[tuple[PlannedVisit, Course]] = field(init=False)
    _newest: int = -1
    _inside: int = 0

    def __post_init__(self) -> None:
        self._begun = queue.SimpleQueue()

    @property
    def is_over(self) -> bool:
        """Time is up, and everybody went home."""
        return self.crew.clock.now() >= self._ends_at and not self._inside

    @property
    def _ends_at(self) -> float:
        return self.crew.scenario.measured_to_seconds

    def live(self, persona: Persona) -> None:
        """One user, turn after turn until time is up."""
        turns: dict[Persona, Callable[[], None]] = {
            Persona.PROVIDER: self._provide,
            Persona.PATIENT: self._attend,
            Persona.PORTAL_ADMIN: lambda: self.crew.administer(self._call(persona)),
            Persona.IDLE_VIEWER: self._view,
        }
        clock = self.crew.clock
        clock.sleep_until(0.0)
        while clock.now() < self._ends_at:
            self._inside += 1
            try:
                turns[persona]()
            finally:
                self._inside -= 1
            clock.sleep(self.dice.uniform(*self.users.pause_seconds))

    def _provide(self) -> None:
        number, course, now = next(self.numbers), Course(), self.crew.clock.now()
        plan = planned_visit(self.crew.scenario.people, self.seed, number, now)
        self._newest = number
        if not self.users.patient:
            course.gone.set()
        elif plan.patient_due is not None:
            self._begun.put((plan, course))
        self.crew.provide(plan, course, now)

    def _attend(self) -> None:
        try:
            plan, course = self._begun.get(timeout=LOOKS_FOR_WORK_EVERY_SECONDS)
        except queue.Empty:
            return
        self.crew.clock.sleep_until(plan.patient_due or 0.0)
        self.crew.attend(plan, course, self.crew.clock.now())

    def _view(self) -> None:
        if self._newest < 0:
            self.crew.clock.sleep(LOOKS_FOR_WORK_EVERY_SECONDS)
            return
        self.crew.view(self._call(Persona.IDLE_VIEWER))

    def _call(self, persona: Persona) -> PlannedCaller:
        return PlannedCaller(
            number=0,
            persona=persona,
            due=self.crew.clock.now(),
            visit_number=self._newest,
            hold_seconds=self.crew.scenario.idle_viewers.hold_seconds,
        )
