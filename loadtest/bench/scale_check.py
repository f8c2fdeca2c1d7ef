"""What one web process cost foretells of more: the measurements of `make bench-scale`, and how they are judged."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadtest.bench.model import Cost, off_percent, predict
from loadtest.bench.postgres import Writes

TOLERANCE_PERCENT: Final = 25.0


@dataclass(frozen=True, slots=True)
class Setting:
    """Of one measurement: web processes, launches at once, whose, and how much slower commits are made."""

    processes: int
    at_once: int
    kind: str = "provider"
    slower_commit_ms: float = 0.0

    @property
    def name(self) -> str:
        slower = f", commits +{self.slower_commit_ms:.0f} ms" if self.slower_commit_ms else ""
        return f"{self.processes} web, {self.at_once} at once{slower}"


# Few at once: what a launch waits for the outside, nobody being in its way.
ALONE: Final = Setting(1, 4)
BASE: Final = Setting(1, 16)
PATIENT: Final = Setting(1, 16, "patient")
FORETOLD: Final = (Setting(2, 16), Setting(2, 32), Setting(4, 32), Setting(2, 32, "provider", 8.0))
ALL: Final = (ALONE, BASE, PATIENT, *FORETOLD)


@dataclass(frozen=True, slots=True)
class Seen:
    """One measurement; `cost` and `writes` are for one launch of its kind.

    Attributes:
        per_second: launches reached.
        connections: most of web's to the database.
        waiting_for_gate: transactions that wait for the audit trail's gate at any moment.
        cores_busy: of this machine, with all that ran on it; `cores_stolen` another machine had.
        memory_mib: PSS of each web process.
    """

    per_second: float
    cost: Cost
    p50_ms: float
    p99_ms: float
    connections: int
    waiting_for_gate: float
    cores_busy: float
    cores_stolen: float
    memory_mib: tuple[float, ...]
    writes: Writes


Round = Mapping[Setting, Seen]


@dataclass(frozen=True, slots=True)
class Checked:
    """One prediction: medians over the rounds, `off_percent` of each round's own comparison."""

    setting: Setting
    predicted: float
    seen: float
    off_percent: float
    bound: str

    @property
    def holds(self) -> bool:
        return abs(self.off_percent) <= TOLERANCE_PERCENT


def base_cost(one: Round) -> Cost:
    """What the model is given: CPU and gate as one busy process had them, waiting as with nobody in the way."""
    return replace(one[BASE].cost, upstream_ms=one[ALONE].cost.upstream_ms)


def check(rounds: Sequence[Round], setting: Setting, cores: int) -> Checked:
    """Raises: ValueError: no round was measured."""
    if not rounds:
        raise ValueError("a prediction is checked by rounds, and there was none")
    foretold = []
    for one in rounds:
        # How long a commit takes is the database's doing, as it was just before.
        cost = replace(base_cost(one), gate_ms=one[setting].cost.gate_ms)
        foretold.append(
            predict(cost, processes=setting.processes, cores=cores, at_once=setting.at_once)
        )
    seen = [one[setting].per_second for one in rounds]
    return Checked(
        setting,
        statistics.median(one.per_second for one in foretold),
        statistics.median(seen),
        statistics.median(
            off_percent(one.per_second, met) for one, met in zip(foretold, seen, strict=True)
        ),
        foretold[len(foretold) // 2].bound,
    )
