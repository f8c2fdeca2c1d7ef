"""What a run leaves behind, and the one place that knows its files: generator and stage write, the verdict reads.

A run's folder, `artefacts/load/<run>/`:

    run.json          `Run`: what was asked, where, by which machine
    requests*.csv     `Request`, a line for each request; a file for each generating process
    iterations*.csv   `Iteration`, a line for each arrival of a person
    deeds*.csv        `Deed`, a line for each thing a person did that somebody must have written down
    generators*.json  `Generator`, how busy each generating process was
    gauges.csv        `Gauge`, a line for each sampled second and part
    ledger.json       `Ledger`: what the simulators wrote down; absent when there was nobody to ask

All times `*_seconds` count from the start of the run on the clock of the machine that ran it, except where a name
says otherwise.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, TypeVar, get_type_hints


class Persona(StrEnum):
    PROVIDER = "provider"
    PATIENT = "patient"
    PORTAL_ADMIN = "portal_admin"
    IDLE_VIEWER = "idle_viewer"


class Outcome(StrEnum):
    """`SHED` is an answer 429 or 503 with Retry-After: refused honestly, not failed.

    `DROPPED` never began: the bounded pool was full when it was due.
    """

    DONE = "done"
    FAILED = "failed"
    SHED = "shed"
    DROPPED = "dropped"


class Action(StrEnum):
    """`LAUNCHED`: the person stood before the meeting."""

    LAUNCHED = "launched"
    JOINED = "joined"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `own_ms` and `upstream_ms` come from the connector's Server-Timing header, -1 where it sent none."""

    at_seconds: float
    persona: Persona
    name: str
    status: int
    elapsed_ms: float
    own_ms: float
    upstream_ms: float
    outcome: Outcome
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One arrival of a person. Late by `began_seconds - due_seconds`; a dropped one has began = ended = due.

    `launch_ms` is from the person's click to the meeting (or the page they came for), -1 if it never came;
    `own_ms` and `upstream_ms` are sums over the connector's answers on that way. `visit` is the EHR's contact
    serial number, or the line of a prepared launch; empty for who comes to no visit. `shed` counts how often it was refused and tried again.
    """

    due_seconds: float
    began_seconds: float
    ended_seconds: float
    persona: Persona
    visit: str
    outcome: Outcome
    launch_ms: float
    own_ms: float
    upstream_ms: float
    shed: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`meeting` is the thread id of the meeting the person stood in or before."""

    at_seconds: float
    visit: str
    persona: Persona
    action: Action
    meeting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A part of the system in one second. -1 where it cannot be known.

    `part`: web, worker, feed, postgres, mock_fhir, mock_mychart, mock_microsoft, generator. `outbox_*` only on `web`.
    """

    at_seconds: float
    part: str
    cpu_seconds: float
    resident_bytes: float
    outbox_pending: float = -1
    outbox_oldest_seconds: float = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """How busy one generating process was while it measured: above 0.9 of a core its figures are not to be trusted.

    `lag_p99_ms`: how late its event loop woke a sleeper.
    """

    process: int
    cpu_share: float
    lag_p99_ms: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """How many launches of the file came, of each persona; -1 when there were enough, else when the next was due."""

    providers: int
    patients: int
    ran_out_seconds: float = -1.0

    @property
    def ran_out(self) -> bool:
        return self.ran_out_seconds >= 0

    @property
    def words(self) -> str:
        count, at = self.providers + self.patients, self.ran_out_seconds
        return f"launches ran out after {count:,}, at second {at:.0f}" if self.ran_out else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`measured_from_seconds`..`measured_to_seconds`: ramps excluded. `rates`: (from second, visits per second).

    `prepared`: launches of a customer's own EHR; None where the simulators' EHR gave them. When they ran out in the
    measured time, it ends there.
    """

    scenario: str
    question: str
    started_at: str
    seed: int
    target: str
    commit: str
    machine: str
    model: str
    measured_from_seconds: float
    measured_to_seconds: float
    ended_seconds: float
    rates: tuple[tuple[float, float], ...]
    fault: str = ""
    web_processes: int = 0
    database: str = ""
    others_give_way: bool = False
    prepared: Prepared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """`accepted`: how often the EHR took this report; more than the `times` it happened is a duplicate."""

    visit: str
    persona: Persona
    status: str
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingMade:
    """A meeting Graph made, by thread id."""

    meeting: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the simulators hold at the end, and how long the outbox took to empty (-1: it did not)."""

    meetings: tuple[MeetingMade, ...]
    write_backs: tuple[WriteBack, ...]
    drained_seconds: float
    notes: tuple[str, ...] = field(default=())


Row = TypeVar("Row", Request, Iteration, Deed, Gauge)


class RowWriter:
    """Appends rows of one kind; every row is on disk when `close` returns, lines are buffered by the system."""

    def __init__(self, file: Path, kind: type[Any]) -> None:
        self._stream = file.open("w", newline="", encoding="utf-8", buffering=1 << 16)
        self._names = [one.name for one in fields(kind)]
        self._rows = csv.writer(self._stream)
        self._rows.writerow(self._names)

    def write(self, row: Request | Iteration | Deed | Gauge) -> None:
        self._rows.writerow([getattr(row, name) for name in self._names])

    def close(self) -> None:
        self._stream.close()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Reads and writes the files of one run."""

    path: Path

    @classmethod
    def new(cls, path: Path) -> Self:
        path.mkdir(parents=True, exist_ok=False)
        return cls(path)

    def rows(self, stem: str, kind: type[Row]) -> Iterator[Row]:
        """Of every process that wrote some, in no particular order.

        Raises:
            ValueError: a line is not of this kind; names the file and the line.
        """
        hints = get_type_hints(kind)
        for file in sorted(self.path.glob(f"{stem}*.csv")):
            with file.open(newline="", encoding="utf-8") as stream:
                for number, line in enumerate(csv.DictReader(stream), 2):
                    try:
                        yield kind(**{name: hints[name](line[name]) for name in hints})
                    except (KeyError, TypeError, ValueError) as err:
                        raise ValueError(f"{file.name} line {number}: {err}") from err

    def write_document(self, name: str, document: Any) -> None:
        text = json.dumps(asdict(document), indent=1)
        (self.path / name).write_text(text + "\n", encoding="utf-8")

    def run(self) -> Run:
        kept = self._document("run.json")
        prepared = Prepared(**kept["prepared"]) if kept.get("prepared") else None
        rates = tuple(tuple(one) for one in kept["rates"])
        return Run(**{**kept, "rates": rates, "prepared": prepared})

    def generators(self) -> list[Generator]:
        files = sorted(self.path.glob("generators*.json"))
        return [
            Generator(**{**one, "warnings": tuple(one["warnings"])}) for one in self._all(files)
        ]

    def ledger(self) -> Ledger | None:
        """None where nobody could be asked."""
        if not (self.path / "ledger.json").exists():
            return None
        kept = self._document("ledger.json")
        return Ledger(
            meetings=tuple(MeetingMade(**one) for one in kept["meetings"]),
            write_backs=tuple(
                WriteBack(**{**one, "persona": Persona(one["persona"])})
                for one in kept["write_backs"]
            ),
            drained_seconds=kept["drained_seconds"],
            notes=tuple(kept["notes"]),
        )

    def _document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return found

    def _all(self, files: Iterable[Path]) -> Iterator[dict[str, Any]]:
        return (self._document(file.name) for file in files)
