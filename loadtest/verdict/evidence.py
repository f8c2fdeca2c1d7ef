"""A run's folder as the verdict looks at it: who was due in the measured window, and what came of them."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from loadtest.records import (
    Action,
    Deed,
    Gauge,
    Generator,
    Iteration,
    Ledger,
    Outcome,
    Persona,
    Request,
    Run,
    RunFolder,
)
from loadtest.verdict.percentiles import Distribution

LAUNCHERS: Final = (Persona.PROVIDER, Persona.PATIENT)
REFUSING: Final = frozenset({429, 503})
# A launch that came so far holds the person's sign-in at the EHR: refusing it now wastes that.
HALFWAY: Final = ("connector /launch/callback", "connector /launch/signed-in")
OURS: Final = ("connector ", "portal ", "feed ")
_NUMBERS: Final = re.compile(r"\d{4,}")


class EvidenceBroken(Exception):
    """A file of the run is missing, torn or contradicts another; says which."""


@dataclass(slots=True)
class RequestFigures:
    """All requests of one name by one persona in the window. Times in ms."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    elapsed: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    upstream: list[float] = field(default_factory=list)

    def add(self, request: Request) -> None:
        self.outcomes[request.outcome] += 1
        self.elapsed.append(request.elapsed_ms)
        if request.own_ms >= 0:
            self.own.append(request.own_ms)
        if request.upstream_ms >= 0:
            self.upstream.append(request.upstream_ms)


@dataclass(slots=True)
class RequestLog:
    """What is kept of millions of requests: figures by name, counts by second, kinds of errors."""

    from_seconds: float
    to_seconds: float
    figures: dict[tuple[str, Persona], RequestFigures] = field(default_factory=dict)
    by_second: Counter[tuple[int, Outcome]] = field(default_factory=Counter)
    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_rudely: int = 0
    shed: int = 0
    shed_halfway: int = 0

    def add(self, request: Request) -> None:
        """Counts by second are of the whole run, all else of the window."""
        self.by_second[int(request.at_seconds), request.outcome] += 1
        if not self.from_seconds <= request.at_seconds < self.to_seconds:
            return
        key = (request.name, request.persona)
        self.figures.setdefault(key, RequestFigures()).add(request)
        ours = request.name.startswith(OURS)
        if request.outcome is Outcome.SHED:
            self.shed += ours
            self.shed_halfway += request.name in HALFWAY
        elif request.status in REFUSING and ours:
            self.refused_rudely += 1
        if request.outcome is not Outcome.DONE:
            self.errors[request.persona.value, kind_of(request.error)] += 1


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`arrivals` are those due in the measured window, `everybody` those of the whole run."""

    run: Run
    everybody: tuple[Iteration, ...]
    deeds: tuple[Deed, ...]
    requests: RequestLog
    gauges: tuple[Gauge, ...]
    generators: tuple[Generator, ...]
    ledger: Ledger | None

    @property
    def window_seconds(self) -> float:
        return self.run.measured_to_seconds - self.run.measured_from_seconds

    @cached_property
    def arrivals(self) -> tuple[Iteration, ...]:
        begin, end = self.run.measured_from_seconds, self.run.measured_to_seconds
        return tuple(one for one in self.everybody if begin <= one.due_seconds < end)

    @cached_property
    def launches(self) -> tuple[Iteration, ...]:
        """Of people who come to a visit, whether they got there or not."""
        return tuple(one for one in self.arrivals if one.persona in LAUNCHERS)

    @cached_property
    def launched(self) -> tuple[Iteration, ...]:
        """Those who got there."""
        return tuple(one for one in self.launches if has_launched(one))

    def launch_ms(self, *personas: Persona) -> Distribution:
        """From the click, whenever it was carried out: `Iteration.launch_ms` counts from when it was due."""
        return Distribution.of(one.launch_ms for one in self.launched if one.persona in personas)

    def own_ms(self) -> Distribution:
        return Distribution.of(one.own_ms for one in self.launched if one.own_ms >= 0)

    def lateness_ms(self) -> Distribution:
        """Of those who began."""
        begun = (one for one in self.arrivals if one.outcome is not Outcome.DROPPED)
        return Distribution.of((one.began_seconds - one.due_seconds) * 1000 for one in begun)


def has_launched(iteration: Iteration) -> bool:
    return iteration.launch_ms >= 0 and iteration.outcome is not Outcome.DROPPED


def faults_of(run: Run) -> list[str]:
    """What `--fault` broke; a scenario's own events, which have a time, are the same in every run of it."""
    told = (one.strip() for one in run.fault.split(","))
    return [one for one in told if one and " at " not in one]


def kind_of(error: str) -> str:
    """Without what differs each time."""
    return _NUMBERS.sub("…", error)[:120] or "no words"


def read(folder: Path) -> Evidence:
    """Raises: EvidenceBroken: says which file and why."""
    kept = RunFolder(folder)
    try:
        run = kept.run()
        evidence = Evidence(
            run=run,
            everybody=tuple(kept.rows("iterations", Iteration)),
            deeds=tuple(kept.rows("deeds", Deed)),
            requests=_log(run, kept.rows("requests", Request)),
            gauges=tuple(kept.rows("gauges", Gauge)),
            generators=tuple(kept.generators()),
            ledger=kept.ledger(),
        )
    except FileNotFoundError as err:
        raise EvidenceBroken(f"{Path(err.filename).name} is not there") from err
    except KeyError as err:
        raise EvidenceBroken(f"a file lacks {err}") from err
    except (OSError, TypeError, ValueError) as err:
        raise EvidenceBroken(str(err)) from err
    _refuse_incomplete(folder, run)
    _refuse_contradictions(evidence)
    return evidence


def _log(run: Run, requests: Iterable[Request]) -> RequestLog:
    log = RequestLog(run.measured_from_seconds, run.measured_to_seconds)
    for request in requests:
        log.add(request)
    return log


def _refuse_incomplete(folder: Path, run: Run) -> None:
    for stem in ("requests", "iterations", "deeds"):
        if not any(folder.glob(f"{stem}*.csv")):
            raise EvidenceBroken(f"there is no {stem}*.csv")
    if run.measured_to_seconds <= run.measured_from_seconds:
        raise EvidenceBroken("run.json: the measured window is empty")
    if not _has_zone(run.started_at):
        raise EvidenceBroken("run.json: started_at is no time with a zone")


def _refuse_contradictions(evidence: Evidence) -> None:
    """A file that was cut off must not read as a run in which nothing happened."""
    if evidence.launched and not evidence.requests.figures:
        raise EvidenceBroken("people launched, but requests*.csv hold no request of theirs")
    noted = {one.visit for one in evidence.deeds if one.action is Action.LAUNCHED}
    done = {
        one.visit
        for one in evidence.everybody
        if one.persona is Persona.PROVIDER and one.outcome is Outcome.DONE
    }
    if evidence.ledger and done - noted:
        raise EvidenceBroken(f"deeds*.csv lack the launch of visit {min(done - noted)}")


def _has_zone(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except (TypeError, ValueError):
        return False
