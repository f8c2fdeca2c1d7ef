"""A run inside Locust: which share this process generates, when it begins and ends, and what Locust shows of it.

Locust decides how many processes there are and draws the statistics; who comes when is decided by `arrivals`.
"""

import itertools
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NoReturn

import gevent  # type: ignore[import-untyped]
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.arrivals import Schedule
from loadtest.browser import Failed, Shed
from loadtest.closed_model import ClosedModel
from loadtest.crew import Crew
from loadtest.hops import REFUSED_FOR_NOW, WHOLE_WAY
from loadtest.meter import Meter
from loadtest.open_model import OpenModel
from loadtest.prepared.crew import PreparedCrew
from loadtest.prepared.launch_file import PreparedVisit
from loadtest.recorder import FileRecorder, RunClock
from loadtest.records import Iteration, Outcome, Persona, Request, RunFolder
from loadtest.scenario import Model, Scenario, Users
from loadtest.target import Stage, TargetRefused
from loadtest.transport import GeventTransport, trusting

YOUR_SHARE: Final = "loadtest_your_share"
I_AM_DONE: Final = "loadtest_i_am_done"
LONGEST_OVERTIME_SECONDS: Final = 10.0
CANNOT_BEGIN: Final = 3
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Generating:
    """What one process has while it generates."""

    crew: Crew | PreparedCrew
    recorder: FileRecorder
    meter: Meter
    closed: ClosedModel | None
    is_done: bool = False


@dataclass(slots=True)
class LocustRun:
    """Of one Locust process; a master generates nothing. `share` is (index, number of generating processes).

    `launches` are those of the stage's file, when it names one.
    """

    environment: Environment
    stage: Stage
    scenario: Scenario
    share: tuple[int, int] = (0, 1)
    launches: tuple[PreparedVisit, ...] = ()
    _clock: RunClock = field(init=False)
    _mine: Generating | None = None
    _workers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        starts_at = self.stage.starts_at
        self._clock = RunClock(starts_at) if starts_at else RunClock.from_now()

    def install(self) -> None:
        """Raises TargetRefused when the run's time is over already.

        Locust's exit code says whether people were sent; what became of them is the verdict's to judge.
        """
        self.environment.process_exit_code = 0
        if self._clock.now() > self.scenario.measured_to_seconds:
            late = f"{self._clock.now():.0f} seconds ago"
            raise TargetRefused(f"the run began {late}: a stage file is good for one run")
        events: Any = self.environment.events
        events.test_start.add_listener(self._on_start)
        events.test_stop.add_listener(self._on_stop)
        events.cpu_warning.add_listener(self._on_cpu_warning)
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(YOUR_SHARE, self._on_share)
        if isinstance(runner, MasterRunner):
            runner.register_message(I_AM_DONE, self._on_worker_done)

    def users_wanted(self) -> int | None:
        """None: the run is over. In the open model one user a process: the one that schedules."""
        overtime = self._clock.now() - self.scenario.total_seconds
        if self._is_everybody_done() or overtime > LONGEST_OVERTIME_SECONDS:
            return None
        if self.scenario.users and self.scenario.model is Model.CLOSED:
            return sum(count_of(self.scenario.users, persona) for persona in Persona)
        runner = self.environment.runner
        return max(1, runner.worker_count) if isinstance(runner, MasterRunner) else 1

    def schedule(self) -> None:
        """The open model's only user: everybody of this process's share."""
        if self._mine is None:
            return
        coming = self._mine.crew.coming(
            Schedule.of(self.scenario, self.stage.seed).share(*self.share)
        )
        OpenModel(self._clock, self.scenario.pool).run(coming, self.scenario.total_seconds)
        self._finish()

    def live(self, persona: Persona) -> None:
        """One user of the closed model."""
        if self._mine is None or self._mine.closed is None:
            return
        self._mine.closed.live(persona)
        if self._mine.closed.is_over:
            self._finish()

    def _on_start(self, **_: Any) -> None:
        if not self.stage.starts_at:
            self._clock = RunClock.from_now()
        runner = self.environment.runner
        if isinstance(runner, MasterRunner):
            self._workers = set(runner.clients)
            for index, client in enumerate(sorted(self._workers)):
                runner.send_message(
                    YOUR_SHARE, {"index": index, "count": len(self._workers)}, client
                )
            return
        self._mine = self._generating()
        try:
            self._mine.crew.sign_in()
        except (Failed, Shed) as err:
            logger.error("nobody can come: signing in beforehand ended with %s", err)  # noqa: TRY400
            self.environment.process_exit_code = CANNOT_BEGIN
            self._finish()
            return
        gevent.spawn(self._mine.meter.run)

    def _generating(self) -> Generating:
        tls = trusting(self.stage.ca_file)
        recorder = FileRecorder(
            self.stage.run_folder,
            self.share[0],
            on_request=self._show_request,
            on_iteration=self._show_iteration,
        )
        crew = self._crew(recorder, lambda: GeventTransport(tls, self.scenario.pool * 2))
        measured = (self.scenario.measured_from_seconds, self.scenario.measured_to_seconds)
        return Generating(crew, recorder, Meter(self._clock, *measured), self._closed(crew))

    def _crew(
        self, recorder: FileRecorder, connect: Callable[[], GeventTransport]
    ) -> Crew | PreparedCrew:
        if self.stage.launches_file is None:
            return Crew(self.stage, self.scenario, recorder, self._clock, connect)
        return PreparedCrew(
            self.stage, self.scenario, self.launches, recorder, self._clock, connect
        )

    def _closed(self, crew: Crew | PreparedCrew) -> ClosedModel | None:
        users, (index, count) = self.scenario.users, self.share
        if users is None or isinstance(crew, PreparedCrew):
            return None
        dice = Random(f"{self.stage.seed}/pauses/{index}")  # noqa: S311 - pauses, not secrets
        return ClosedModel(crew, users, self.stage.seed, itertools.count(index, count), dice)

    def _finish(self) -> None:
        """Everything this process knows is on disk from here on."""
        if self._mine is None or self._mine.is_done:
            return
        self._mine.is_done = True
        self._mine.recorder.close()
        self._mine.crew.close()
        index = self.share[0]
        reading = self._mine.meter.reading(index)
        RunFolder(self.stage.run_folder).write_document(f"generators-{index}.json", reading)
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            runner.send_message(I_AM_DONE, {"exit_code": self.environment.process_exit_code})

    def _is_everybody_done(self) -> bool:
        if isinstance(self.environment.runner, MasterRunner):
            return self.environment.runner.spawning_completed and not self._workers
        return self._mine is not None and self._mine.is_done

    def _on_stop(self, **_: Any) -> None:
        self._finish()

    def _on_share(self, msg: Any, **_: Any) -> None:
        self.share = (msg.data["index"], msg.data["count"])

    def _on_worker_done(self, msg: Any, **_: Any) -> None:
        self._workers.discard(msg.node_id)
        self.environment.process_exit_code = (
            self.environment.process_exit_code or msg.data["exit_code"]
        )

    def _on_cpu_warning(self, **_: Any) -> None:
        if self._mine is not None:
            self._mine.meter.warn("Locust: CPU usage above 90 %")

    def _show_request(self, request: Request) -> None:
        """In Locust's statistics by persona and name; an honest refusal is no failure, but a row of its own."""
        shed = REFUSED_FOR_NOW if request.outcome is Outcome.SHED else ""
        self._show(
            request.persona.value,
            request.name + shed,
            request.elapsed_ms,
            request.error if request.outcome is Outcome.FAILED else "",
        )

    def _show_iteration(self, iteration: Iteration) -> None:
        """The whole way of a person, from their click; -1 is a way that did not end."""
        if iteration.outcome in (Outcome.DONE, Outcome.FAILED):
            self._show(iteration.persona.value, WHOLE_WAY, iteration.launch_ms, iteration.error)

    def _show(self, kind: str, name: str, milliseconds: float, error: str) -> None:
        events: Any = self.environment.events
        events.request.fire(
            request_type=kind,
            name=name,
            response_time=max(0.0, milliseconds),
            response_length=0,
            exception=Failed(error) if error else None,
            context={},
        )


def count_of(users: Users, persona: Persona) -> int:
    counts: dict[Persona, int] = {
        Persona.PROVIDER: users.provider,
        Persona.PATIENT: users.patient,
        Persona.PORTAL_ADMIN: users.portal_admin,
        Persona.IDLE_VIEWER: users.idle_viewer,
    }
    return counts[persona]


def refuse(problem: Exception) -> NoReturn:
    """Nothing can be generated: say why, without a traceback, and end Locust."""
    sys.stderr.write(f"{problem}\n")
    sys.exit(CANNOT_BEGIN)
