"""A stored run of the same scenario, and this one as ratios to it.

The processors of shared machines change speed by up to 1.9 within seconds (spec/performance.md 0), so a ratio is told
and warned about; only the connector's CPU per launch can fail a run, far beyond that, and on the same machine.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from loadtest.verdict.cpu import ms_per_launch, of_connector, use_by_part
from loadtest.verdict.evidence import LAUNCHERS, Evidence
from loadtest.verdict.percentiles import Percentile
from loadtest.verdict.slo import BaselineTolerance

FOLDER: Final = Path(__file__).parents[1] / "baselines"
GATED: Final = "connector_cpu_ms_per_launch"
# More is better here, so the ratio that is judged is turned round.
_MORE_IS_BETTER: Final = frozenset({"launches_per_second"})
LABELS: Final = {
    GATED: "connector's CPU ms a launch",
    "own_p50_ms": "own time p50, ms",
    "own_p95_ms": "own time p95, ms",
    "launch_p50_ms": "launch p50, ms",
    "launch_p95_ms": "launch p95, ms",
    "launches_per_second": "launches per second",
}


class BaselineBroken(Exception):
    """The stored file is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """`figures` by the names of `LABELS`; what could not be measured is left out."""

    scenario: str
    run: str
    started_at: str
    commit: str
    machine: str
    seed: int
    figures: Mapping[str, float]

    @classmethod
    def of(cls, evidence: Evidence, run: str) -> Self:
        measured = _figures(evidence)
        return cls(
            scenario=evidence.run.scenario,
            run=run,
            started_at=evidence.run.started_at,
            commit=evidence.run.commit,
            machine=evidence.run.machine,
            seed=evidence.run.seed,
            figures={name: round(value, 3) for name, value in measured.items() if value},
        )

    @classmethod
    def kept(cls, scenario: str, folder: Path) -> Self | None:
        """None where there is none. Raises: BaselineBroken."""
        file = folder / f"{scenario}.json"
        if not file.exists():
            return None
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as err:
            raise BaselineBroken(f"{file} is no baseline: {err}") from err

    def keep(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.scenario}.json"
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        return file


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`ratio` is now over then; `worse` the same, turned so that above 1 is worse."""

    name: str
    now: float
    then: float

    @property
    def label(self) -> str:
        return LABELS[self.name]

    @property
    def ratio(self) -> float:
        return self.now / self.then

    @property
    def worse(self) -> float:
        return 1 / self.ratio if self.name in _MORE_IS_BETTER else self.ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    baseline: Baseline
    same_machine: bool
    ratios: tuple[Ratio, ...]
    tolerance: BaselineTolerance

    @property
    def warnings(self) -> list[str]:
        return [
            f"{one.label}: {one.ratio:.2f} times the baseline's"
            for one in self.ratios
            if one.worse > self.tolerance.warn_ratio
        ]

    @property
    def gate(self) -> Ratio | None:
        """The one ratio that can fail a run, where it may be judged at all."""
        found = (one for one in self.ratios if one.name == GATED)
        return next(found, None) if self.same_machine else None


def compare(evidence: Evidence, kept: Baseline, tolerance: BaselineTolerance) -> Comparison:
    now = Baseline.of(evidence, "").figures
    return Comparison(
        baseline=kept,
        same_machine=kept.machine == evidence.run.machine,
        ratios=tuple(
            Ratio(name=name, now=now[name], then=kept.figures[name])
            for name in LABELS
            if name in now and kept.figures.get(name)
        ),
        tolerance=tolerance,
    )


def _figures(evidence: Evidence) -> dict[str, float | None]:
    own = evidence.own_ms()
    launch = evidence.launch_ms(*LAUNCHERS)
    per_part = ms_per_launch(use_by_part(evidence), len(evidence.launched))
    return {
        GATED: of_connector(per_part),
        "own_p50_ms": own.at(Percentile.P50),
        "own_p95_ms": own.at(Percentile.P95),
        "launch_p50_ms": launch.at(Percentile.P50),
        "launch_p95_ms": launch.at(Percentile.P95),
        "launches_per_second": len(evidence.launched) / evidence.window_seconds,
    }
