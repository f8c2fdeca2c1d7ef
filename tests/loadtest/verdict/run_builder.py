"""A run's folder in which every promise was kept; a test breaks one thing of it before it is judged."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from loadtest.personas.idle_viewer import EVENT_ON_PAGE
from loadtest.records import (
    Action,
    Deed,
    Gauge,
    Generator,
    Iteration,
    Ledger,
    MeetingMade,
    Outcome,
    Persona,
    Request,
    RowWriter,
    Run,
    RunFolder,
    WriteBack,
)
from loadtest.verdict.judgement import Judgement

from loadtest.verdict import judging

VISITS = 180
EVERY_SECONDS = 0.5
FROM_SECONDS, TO_SECONDS, ENDED_SECONDS = 10.0, 90.0, 120.0
PARTS = ("web", "worker", "feed", "postgres", "mock_fhir", "mock_mychart", "mock_microsoft")
STATUS = {Action.JOINED: "connected", Action.LEFT: "disconnected"}


def run(**changed: Any) -> Run:
    good = Run(
        scenario="synthetic",
        question="Does the judge see what is wrong?",
        started_at="2026-11-27T08:00:00+00:00",
        seed=7,
        target="at home",
        commit="c0ffee" * 6,
        machine="a processor, 2 cores",
        model="open",
        measured_from_seconds=FROM_SECONDS,
        measured_to_seconds=TO_SECONDS,
        ended_seconds=ENDED_SECONDS,
        rates=((0.0, 1 / EVERY_SECONDS), (TO_SECONDS, 0.0)),
        web_processes=2,
        database="sqlite",
    )
    return replace(good, **changed)


def launch_ms(number: int) -> float:
    """Between 200 and 299."""
    return 200 + number * 37 % 100


def iteration(persona: Persona, number: int) -> Iteration:
    due = number * EVERY_SECONDS
    return Iteration(
        due_seconds=due,
        began_seconds=due + 0.002,
        ended_seconds=due + 6,
        persona=persona,
        visit=f"csn-{number}",
        outcome=Outcome.DONE,
        launch_ms=launch_ms(number),
        own_ms=launch_ms(number) / 10,
        upstream_ms=launch_ms(number) / 2,
        shed=0,
        error="",
    )


def request(name: str, persona: Persona, number: int) -> Request:
    return Request(
        at_seconds=number * EVERY_SECONDS,
        persona=persona,
        name=name,
        status=302,
        elapsed_ms=launch_ms(number) / 3,
        own_ms=launch_ms(number) / 20,
        upstream_ms=launch_ms(number) / 4,
        outcome=Outcome.DONE,
        error="",
    )


def deeds_of(number: int) -> list[Deed]:
    visit, meeting = f"csn-{number}", f"19:meeting_{number}@thread.v2"
    return [
        Deed(
            at_seconds=number * EVERY_SECONDS + place,
            visit=visit,
            persona=persona,
            action=action,
            meeting=meeting,
        )
        for persona in (Persona.PROVIDER, Persona.PATIENT)
        for place, action in enumerate(Action)
    ]


def ledger_of(deeds: Iterable[Deed]) -> Ledger:
    """What the simulators hold when nothing went wrong."""
    noted = list(deeds)
    meetings = sorted({(one.meeting, one.visit) for one in noted})
    return Ledger(
        meetings=tuple(MeetingMade(meeting=meeting, external_id=of) for meeting, of in meetings),
        write_backs=tuple(
            WriteBack(visit=one.visit, persona=one.persona, status=STATUS[one.action], accepted=1)
            for one in noted
            if one.action in STATUS
        ),
        drained_seconds=1.5,
    )


def gauges() -> list[Gauge]:
    return [
        Gauge(
            at_seconds=float(second),
            part=part,
            cpu_seconds=0.05,
            resident_bytes=8e7,
            outbox_pending=3 if part == "web" else -1,
            outbox_oldest_seconds=0.8 if part == "web" else -1,
        )
        for second in range(int(ENDED_SECONDS))
        for part in (*PARTS, "generator")
    ]


@dataclass
class RunBuilder:
    """Fields are what the files will say; `write` writes them."""

    folder: Path
    run: Run = field(default_factory=run)
    iterations: list[Iteration] = field(
        default_factory=lambda: [
            iteration(who, n) for n in range(VISITS) for who in (Persona.PROVIDER, Persona.PATIENT)
        ]
    )
    requests: list[Request] = field(
        default_factory=lambda: [
            request(name, who, n)
            for n in range(VISITS)
            for name, who in (
                ("connector /launch/provider", Persona.PROVIDER),
                ("connector /launch/callback", Persona.PROVIDER),
                ("connector /launch/patient", Persona.PATIENT),
                (EVENT_ON_PAGE, Persona.IDLE_VIEWER),
            )
        ]
    )
    deeds: list[Deed] = field(
        default_factory=lambda: [one for n in range(VISITS) for one in deeds_of(n)]
    )
    gauges: list[Gauge] = field(default_factory=gauges)
    generators: list[Generator] = field(
        default_factory=lambda: [Generator(process=0, cpu_share=0.2, lag_p99_ms=4.0)]
    )
    ledger: Ledger | None = None

    def __post_init__(self) -> None:
        self.ledger = ledger_of(self.deeds)

    @property
    def books(self) -> Ledger:
        assert self.ledger is not None
        return self.ledger

    def says(self, **changed: Any) -> None:
        """Of the run itself."""
        self.run = replace(self.run, **changed)

    def each_iteration(self, where: Callable[[Iteration], bool], **changed: Any) -> None:
        self.iterations = [
            replace(one, **changed) if where(one) else one for one in self.iterations
        ]

    def each_request(self, where: Callable[[Request], bool], **changed: Any) -> None:
        self.requests = [replace(one, **changed) if where(one) else one for one in self.requests]

    def each_gauge(self, **changed: Any) -> None:
        self.gauges = [replace(one, **changed) for one in self.gauges]

    def write(self) -> Path:
        kept = RunFolder.new(self.folder)
        rows: dict[str, tuple[type[Any], list[Any]]] = {
            "requests-0": (Request, self.requests),
            "iterations-0": (Iteration, self.iterations),
            "deeds-0": (Deed, self.deeds),
            "gauges": (Gauge, self.gauges),
        }
        for name, (kind, found) in rows.items():
            writer = RowWriter(self.folder / f"{name}.csv", kind)
            for one in found:
                writer.write(one)
            writer.close()
        kept.write_document("run.json", self.run)
        for one in self.generators:
            (self.folder / f"generators-{one.process}.json").write_text(json.dumps(asdict(one)))
        if self.ledger is not None:
            kept.write_document("ledger.json", self.ledger)
        return self.folder

    def judged(self) -> Judgement:
        """Written down, read again and judged, against the repository's own limits and no baseline."""
        return judging.judged(self.write(), baselines=self.folder / "none")


def is_visit(number: int, *personas: Persona) -> Callable[[Iteration | Deed | WriteBack], bool]:
    """Whether something is of this visit, and of these persons if any are named."""
    return lambda one: one.visit == f"csn-{number}" and (not personas or one.persona in personas)
