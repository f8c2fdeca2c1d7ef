"""What a launch asks of machines, and how many launches a second that allows.

A closed network: so many people who launch again at once. A launch waits for the outside and computes; what
computes longest beside others, processes or cores, is queued for, and so is the audit trail's gate, which one
transaction of the whole stamp holds at a time.
https://en.wikipedia.org/wiki/Mean_value_analysis
"""

from dataclasses import dataclass
from typing import Final

MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one launch, in milliseconds: CPU of each part, waiting for the outside, holding the gate.

    `outside_ms` and `generator_ms` are the bench's own: nought on a stamp.
    """

    web_ms: float
    postgres_ms: float
    outside_ms: float
    generator_ms: float
    upstream_ms: float
    gate_ms: float

    @property
    def ours_ms(self) -> float:
        return self.web_ms + self.postgres_ms

    @property
    def cpu_ms(self) -> float:
        return self.ours_ms + self.outside_ms + self.generator_ms


@dataclass(frozen=True, slots=True)
class Predicted:
    """`bound` names what is queued for most."""

    per_second: float
    launch_ms: float
    bound: str


def predict(cost: Cost, *, processes: int, cores: int, at_once: int) -> Predicted:
    """Launches a second of `at_once` people by exact mean value analysis.

    Args:
        cost: of a launch.
        processes: of web; each computes on one core at a time (Python's lock).
        cores: shared by everything in `cost`.
        at_once: launches under way, at most the threads of all processes.

    Raises:
        ValueError: one of the counts is below 1.
    """
    if min(processes, cores, at_once) < 1:
        raise ValueError("processes, cores and launches at once begin at 1")
    by_process, by_core = cost.web_ms / processes, cost.cpu_ms / cores
    stations = {"processor": max(by_process, by_core), "gate": cost.gate_ms}
    alone = cost.upstream_ms + cost.ours_ms + cost.generator_ms
    elsewhere = max(0.0, alone - stations["processor"])
    queued = dict.fromkeys(stations, 0.0)
    passes, per_ms = dict(stations), 0.0
    for people in range(1, at_once + 1):
        passes = {name: needs * (1 + queued[name]) for name, needs in stations.items()}
        per_ms = people / (elsewhere + sum(passes.values()))
        queued = {name: per_ms * passes[name] for name in stations}
    whole = elsewhere + sum(passes.values())
    processor = "web's processes" if by_process > by_core else "cores"
    return Predicted(per_ms * MS, whole, _bound(queued, elsewhere * per_ms, processor))


def _bound(queued: dict[str, float], waiting: float, processor: str) -> str:
    """Where most of those who launch are."""
    name = max(queued, key=lambda station: queued[station])
    if queued[name] <= waiting:
        return "launches at once"
    return "the audit trail's gate" if name == "gate" else processor


def elsewhere_per_second(cost: Cost, cores: int) -> float:
    """Launches a second of the same cores with simulators and generator on others, when all are busy."""
    return cores * MS / cost.ours_ms


def off_percent(predicted: float, seen: float) -> float:
    """How far the prediction lies above (or below) what was seen."""
    return (predicted / seen - 1) * 100
