"""Locust's entry. The stage starts it; by hand, against a stage that is up:

    export LOADTEST_STAGE=artefacts/load/<run>/stage.json LOADTEST_SCENARIO=loadtest/scenarios/smoke.toml
    locust -f loadtest/locustfile.py --headless                 # one process
    locust -f loadtest/locustfile.py --headless --processes 2   # a master and two workers on this machine
    locust -f loadtest/locustfile.py                            # the web UI on port 8089
    locust -f loadtest/locustfile.py --master --expect-workers 2 --headless    and elsewhere
    locust -f loadtest/locustfile.py --worker --master-host ADDRESS

The scenario says how many people come and for how long: `--users`, `--spawn-rate` and `--run-time` have no effect.
"""

import os
import sys
from pathlib import Path
from typing import Any, ClassVar

import gevent  # type: ignore[import-untyped]
from locust import LoadTestShape, User, events, task
from locust.env import Environment

if __package__ in (None, ""):  # Locust loads a file, not a package: let the parts be found
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from loadtest.locust_run import LocustRun, count_of, refuse
from loadtest.prepared.launch_file import LaunchesRefused, LaunchFile, PreparedVisit
from loadtest.records import Persona
from loadtest.scenario import Model, Scenario, ScenarioRefused
from loadtest.target import (
    SCENARIO_VARIABLE,
    Stage,
    TargetRefused,
    named_file,
    stage_from_environment,
)


class Visitors(User):
    """What every user class of this file has: the run it belongs to. Ends its turn when Locust stops it."""

    abstract = True
    load: ClassVar[LocustRun]

    def rest(self) -> None:
        """There is nothing more to do in this run."""
        while True:
            gevent.sleep(60)


class Scheduler(Visitors):
    """Open model: one in each process, lets everybody of its share begin at their time."""

    @task
    def schedule(self) -> None:
        self.load.schedule()
        self.rest()


class ClosedUser(Visitors):
    """Closed model: one person who comes again and again."""

    abstract = True
    persona: ClassVar[Persona]

    @task
    def live(self) -> None:
        self.load.live(self.persona)
        self.rest()


class Provider(ClosedUser):
    persona = Persona.PROVIDER


class Patient(ClosedUser):
    persona = Persona.PATIENT


class PortalAdmin(ClosedUser):
    persona = Persona.PORTAL_ADMIN


class IdleViewer(ClosedUser):
    persona = Persona.IDLE_VIEWER


class FromScenario(LoadTestShape):
    """As many users as the scenario needs, until everybody went home."""

    load: ClassVar[LocustRun]

    def tick(self) -> tuple[int, float] | None:
        wanted = self.load.users_wanted()
        return None if wanted is None else (wanted, float(wanted))


@events.init.add_listener  # type: ignore[untyped-decorator]
def begin(environment: Environment, **_: Any) -> None:
    """Read what to do, and leave Locust the user classes of the scenario's model."""
    try:
        stage = stage_from_environment()
        scenario = Scenario.read(named_file(os.environ, SCENARIO_VARIABLE))
        launches = prepared_launches(stage)
        load = LocustRun(environment, stage, scenario, launches=launches)
        Visitors.load = FromScenario.load = load
        load.install()
    except (TargetRefused, ScenarioRefused, LaunchesRefused) as err:
        refuse(err)
    environment.user_classes = user_classes(scenario)


def prepared_launches(stage: Stage) -> tuple[PreparedVisit, ...]:
    """Raises: LaunchesRefused."""
    if stage.launches_file is None:
        return ()
    return LaunchFile.read(stage.launches_file, stage.connector_url).visits


def user_classes(scenario: Scenario) -> list[type[User]]:
    if scenario.model is Model.OPEN or scenario.users is None:
        return [Scheduler]
    chosen: list[type[User]] = []
    for kind in (Provider, Patient, PortalAdmin, IdleViewer):
        kind.fixed_count = count_of(scenario.users, kind.persona)
        if kind.fixed_count:
            chosen.append(kind)
    return chosen
