"""One run from start to verdict: the ground, the generator, what happens meanwhile, the ledgers, the judge."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from loadtest.arrivals import visits_needed
from loadtest.prepared.coming import planned
from loadtest.prepared.launch_file import LaunchFile
from loadtest.records import Gauge, Prepared, RowWriter, RunFolder
from loadtest.scenario import SCENARIOS, Scenario, named
from loadtest.stage.arguments import Arguments, Fault
from loadtest.stage.at_home import at_home
from loadtest.stage.controls import Controls
from loadtest.stage.customers_ehr import customers_ehr, what_to_know
from loadtest.stage.documents import (
    Before,
    Times,
    ledger_document,
    rates_of,
    run_document,
    stage_document,
)
from loadtest.stage.draining import NEVER, Owed, wait_until_told
from loadtest.stage.event_plan import EventPlan, carry_out, require_possible
from loadtest.stage.generator import Generator, GeneratorFailed, Starver
from loadtest.stage.giving_way import give_way
from loadtest.stage.ground import Ground, GroundRefused
from loadtest.stage.hosted import hosted
from loadtest.stage.outbox import OutboxReading, read_outbox
from loadtest.stage.progress import line, rate_asked, read_history
from loadtest.stage.sampler import Families, Sampler
from loadtest.stage.upstreams import Upstreams
from loadtest.target import BookedVisit

# Locust needs 1.2 CPU seconds to start (spec/performance.md 3d), more where others work too.
LEAD_SECONDS: Final = 6.0
TICK_SECONDS: Final = 0.25
TOLD_EVERY_SECONDS: Final = 5.0
OVERRUN_SECONDS: Final = 30.0
SHORTEST_DRAIN_SECONDS, LONGEST_DRAIN_SECONDS = 30.0, 900.0
EXTRA_DELAY_MS: Final = 300
LOST_WRITE_BACKS: Final = 5
LATEST: Final = "verdict.json"


@dataclass(frozen=True, slots=True)
class Teller:
    """What the person who started the run reads; each phase with its time."""

    console: Console

    def say(self, words: str) -> None:
        self.console.print(words, highlight=False, soft_wrap=True)

    @contextmanager
    def phase(self, words: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.say(f"[green]✓[/green] {words} [dim]{time.monotonic() - began:.1f} s[/dim]")


@dataclass(slots=True)
class LoadRun:
    """Everything one run knows. `starts_at`: epoch seconds of its second 0."""

    arguments: Arguments
    scenario: Scenario
    ground: Ground
    folder: RunFolder
    tell: Teller
    starts_at: float = 0.0
    notes: list[str] = field(default_factory=list)
    prepared: Prepared | None = None

    def play(self) -> int:
        """The verdict's exit status.

        Raises:
            GroundRefused: what the scenario or the fault needs cannot be done here.
            GeneratorFailed: the generating processes ended before their time.
        """
        require_possible(self.scenario, self.ground)
        with self.tell.phase("visits are booked"):
            visits = self.ground.visits(visits_needed(self.scenario, self.arguments.seed))
            controls = self.ground.controls
            before = Before.of(controls, visits) if controls else None
        upstreams = self._upstreams()
        with ExitStack() as stack:
            self.starts_at = time.time() + LEAD_SECONDS
            generator = self._start_generator(visits)
            stack.callback(generator.stop)
            self._give_way()
            stack.callback(self._start_sampler(generator).stop)
            if self.arguments.fault is Fault.STARVE_GENERATOR:
                starver = Starver(generator)
                starver.start()
                stack.callback(starver.stop)
            self._watch(generator, upstreams)
            times = Times(starts_at=self.starts_at, ended_seconds=self.now())
            drained = self._drain(upstreams)
        self._write_down(times, before, drained)
        return self._judge()

    def now(self) -> float:
        return time.time() - self.starts_at

    def _upstreams(self) -> Upstreams | None:
        """As slow and broken as the scenario and the fault want them from the first second on."""
        controls, fault = self.ground.controls, self.arguments.fault
        upstreams = Upstreams.of(controls) if controls else None
        if upstreams is None:
            if fault in (Fault.DELAY_300MS, Fault.DROP_WRITEBACK):
                raise GroundRefused(f"{fault} needs simulators that can be told")
            return None
        if fault is Fault.DROP_WRITEBACK:
            upstreams.lose_write_backs(LOST_WRITE_BACKS)
        extra_ms = EXTRA_DELAY_MS if fault is Fault.DELAY_300MS else 0
        upstreams.stand(self.scenario.stage.upstream_delay_ms, extra_ms)
        return upstreams

    def _start_generator(self, visits: tuple[BookedVisit, ...]) -> Generator:
        file = self.folder.path / "stage.json"
        stage = stage_document(
            self.arguments,
            self.ground,
            visits,
            run_folder=self.folder.path,
            starts_at=self.starts_at,
        )
        stage.write(file)
        scenario = scenario_file(self.arguments.scenario)
        return Generator.start(file, scenario, self.arguments.processes)

    def _give_way(self) -> None:
        """Again after each event: a part may have been started anew. Raises: GroundRefused."""
        if self.scenario.stage.others_give_way and self.ground.is_ours:
            give_way(self.ground.pids())

    def _start_sampler(self, generator: Generator) -> Sampler:
        families = Families(lambda: {**self.ground.pids(), **generator.pids()})
        rows = RowWriter(self.folder.path / "gauges.csv", Gauge)
        sampler = Sampler(families, self._outbox_reader(), rows, self.now)
        sampler.start()
        return sampler

    def _outbox_reader(self) -> Callable[[], OutboxReading]:
        """With connections of its own: each belongs to one thread."""
        session, url = self.ground.addresses.session(), self.ground.addresses.connector_url
        return lambda: read_outbox(session, url)

    def _watch(self, generator: Generator, upstreams: Upstreams | None) -> None:
        """Until the generating processes end; events happen and progress is told meanwhile."""
        plan, owed = EventPlan.of(self.scenario), self._outbox_reader()
        rates, told, over = rates_of(self.scenario, self.prepared), 0.0, False
        last = self.scenario.total_seconds + OVERRUN_SECONDS
        while generator.is_running and self.now() < last:
            for event in plan.due(self.now()):
                carry_out(event, self.ground, upstreams)
                self._give_way()
                self.tell.say(f"[yellow]{event.words()}[/yellow]")
            if (words := self._ran_out) and not over:
                over = True
                self.tell.say(f"[yellow]{words}[/yellow]")
            if self.now() - told >= TOLD_EVERY_SECONDS:
                told = self.now()
                seen = read_history(self.folder.path)
                self.tell.say(line(told, rate_asked(rates, told), seen, owed()))
            time.sleep(TICK_SECONDS)
        self._require_whole(generator)

    def _require_whole(self, generator: Generator) -> None:
        if generator.is_running:
            generator.stop()
            self.notes.append(f"the generator was stopped {OVERRUN_SECONDS:.0f} s after its time")
        elif self.now() < self.scenario.measured_to_seconds and not self._ran_out:
            raise GeneratorFailed(
                f"the generator ended at second {self.now():.0f} of "
                f"{self.scenario.total_seconds:.0f}. The end of its log:\n{generator.last_lines()}"
            )

    @property
    def _ran_out(self) -> str:
        """In words, once somebody was due for whom no launch was left; empty before."""
        given = self.prepared
        return given.words if given and self.now() >= given.ran_out_seconds else ""

    def _drain(self, upstreams: Upstreams | None) -> float:
        """Everything that happened is told to the EHR, or patience ends."""
        controls, owed = self.ground.controls, self._outbox_reader()
        if controls is None or upstreams is None:
            return NEVER
        upstreams.clear()
        if self.ground.is_ours:
            controls.end_calls()  # of those whom the run's end cut off
        patience = self.scenario.total_seconds / 2
        patience = min(max(patience, SHORTEST_DRAIN_SECONDS), LONGEST_DRAIN_SECONDS)
        with self.tell.phase("what happened was told to the EHR"):
            return wait_until_told(lambda: what_is_owed(controls, owed()), patience)

    def _write_down(self, times: Times, before: Before | None, drained_seconds: float) -> None:
        """Without simulators there is no ledger: the verdict then says that it did not look."""
        controls = self.ground.controls
        with self.tell.phase("ledgers are fetched"):
            if controls is not None and before is not None:
                ledger = ledger_document(controls, before, drained_seconds, self.notes)
                self.folder.write_document("ledger.json", ledger)
            run = run_document(self.arguments, self.scenario, self.ground, times, self.prepared)
            self.folder.write_document("run.json", run)

    def _judge(self) -> int:
        from loadtest.verdict import judge

        with self.tell.phase("the run is judged"):
            code = judge(self.folder.path)
        verdict = self.folder.path / "verdict.json"
        if verdict.exists():
            shutil.copyfile(verdict, self.arguments.folder / LATEST)
        return code


def what_is_owed(controls: Controls, reading: OutboxReading) -> Owed:
    return Owed(
        deliveries=controls.pending_deliveries(),
        posts=reading.posts,
        outbox=reading.pending,
        taken=controls.reports_taken(),
        awaited=reading.awaited,
    )


def scenario_file(name_or_path: str) -> Path:
    """One of ours by name, or any file that ends with `.toml`."""
    is_path = name_or_path.endswith(".toml")
    return Path(name_or_path).absolute() if is_path else SCENARIOS / f"{name_or_path}.toml"


def read_scenario(name_or_path: str) -> Scenario:
    """Raises: ScenarioRefused: names every problem, or which scenarios there are."""
    if name_or_path.endswith(".toml"):
        return Scenario.read(scenario_file(name_or_path))
    return named(name_or_path)


def run(arguments: Arguments, console: Console) -> int:
    """Raises: ScenarioRefused, LaunchesRefused, GroundRefused, PartFailed, GeneratorFailed: it came to no verdict."""
    scenario, tell = read_scenario(arguments.scenario), Teller(console)
    launches = _launches(arguments)
    given = planned(scenario, arguments.seed, launches.visits) if launches else None
    tell.say(f"[bold]{scenario.name}[/bold]: {scenario.question}")
    folder = RunFolder.new(arguments.folder / _name(scenario))
    with ExitStack() as stack:
        ground = stack.enter_context(_ground(arguments, scenario, folder, tell, launches))
        code = LoadRun(arguments, scenario, ground, folder, tell, prepared=given).play()
        tell.say(f"the run is kept in {folder.path}")
    return code


def _launches(arguments: Arguments) -> LaunchFile | None:
    """Raises: LaunchesRefused."""
    prepared = arguments.prepared
    return LaunchFile.read(prepared.launches, prepared.connector) if prepared else None


@contextmanager
def _ground(
    arguments: Arguments,
    scenario: Scenario,
    folder: RunFolder,
    tell: Teller,
    launches: LaunchFile | None,
) -> Iterator[Ground]:
    if arguments.prepared is not None and launches is not None:
        for sentence in what_to_know(launches, scenario):
            tell.say(sentence)
        with tell.phase(f"{arguments.target} answers, and the trial launches got through"):
            customers = customers_ehr(arguments.prepared, launches, scenario)
        yield customers
        return
    if arguments.remote is not None:
        with tell.phase(f"{arguments.remote.connector} answers"):
            ground = hosted(arguments.remote, tell.say)
        yield ground
        return
    with tempfile.TemporaryDirectory(prefix="loadtest-") as temporary:
        place = Path(temporary)
        place.chmod(0o755)  # PostgreSQL's own user must reach its cluster
        with ExitStack() as stack:
            stack.callback(_keep_logs, place, folder.path)
            with tell.phase(f"sandbox with {scenario.stage.database} is up"):
                home = stack.enter_context(at_home(scenario.stage, place))
            with tell.phase("environment is approved and pasted, the clinicians are linked"):
                home.prepare()
            yield home


def _keep_logs(place: Path, folder: Path) -> None:
    logs = place / "sandbox" / "logs"
    if logs.exists():
        shutil.copytree(logs, folder / "logs")


def _name(scenario: Scenario) -> str:
    return f"{datetime.fromtimestamp(time.time(), UTC):%Y%m%dT%H%M%SZ}-{scenario.name}"
