"""What a launch asks of machines, and how many launches a second that allows.

A closed network: so many people who launch again at once. A launch waits for the outside, queues for a process of
web (Python's lock), for a core, and for the audit trail's gate, which one transaction of the whole stamp holds at
a time: through two answers of the database, after each of which it waits for a process and a core again.
https://en.wikipedia.org/wiki/Mean_value_analysis
"""

from dataclasses import dataclass
from typing import Final

MS: Final = 1000.0
# Of about twenty times that a launch waits for its turn to compute (two requests, fifteen statements, three calls
# to the outside), two are inside the gate: its line, its commit.
SHARE_IN_GATE: Final = 2 / 20
PROCESSES: Final = "web's processes"
CORES: Final = "cores"
GATE: Final = "the audit trail's gate"


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
    """`bound` names where most of those who launch are."""

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
    needs = {PROCESSES: cost.web_ms / processes, CORES: cost.cpu_ms / cores}
    alone = cost.upstream_ms + cost.ours_ms + cost.generator_ms
    elsewhere = max(0.0, alone - sum(needs.values()))
    queued = dict.fromkeys((*needs, GATE), 0.0)
    whole = per_ms = 0.0
    for people in range(1, at_once + 1):
        passes = {name: ms * (1 + queued[name]) for name, ms in needs.items()}
        in_gate = SHARE_IN_GATE * (sum(passes.values()) - sum(needs.values()))
        gate = (cost.gate_ms + in_gate) * (1 + queued[GATE])
        whole = elsewhere + sum(passes.values()) - in_gate + gate
        per_ms = people / whole
        queued = {name: per_ms * ms for name, ms in (passes | {GATE: gate}).items()}
    longest = max(queued, key=lambda name: queued[name])
    bound = longest if queued[longest] > per_ms * elsewhere else "launches at once"
    return Predicted(per_ms * MS, whole, bound)


def elsewhere_per_second(cost: Cost, cores: int) -> float:
    """Launches a second of the same cores with simulators and generator on others, when all are busy."""
    return cores * MS / cost.ours_ms


def off_percent(predicted: float, seen: float) -> float:
    """How far the prediction lies above (or below) what was seen."""
    return (predicted / seen - 1) * 100
