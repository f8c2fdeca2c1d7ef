"""What a run is told as: a table, a file, and the ratios later runs are compared with."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from loadtest.bench.parts.figures import Figure, Spread
from loadtest.bench.parts.turns import Part
from loadtest.verdict.baseline import Baseline, Ratio

NAME: Final = "parts"  # of the baseline
_NOTHING: Final = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured; `figures` by the parts' names."""

    parts: Sequence[Part]
    figures: Mapping[str, Figure]
    rounds: int
    commit: str
    machine: str
    began: float

    @property
    def started_at(self) -> str:
        return datetime.fromtimestamp(self.began, UTC).isoformat(timespec="seconds")

    def as_baseline(self) -> Baseline:
        return Baseline(
            scenario=NAME,
            run=f"{datetime.fromtimestamp(self.began, UTC):%Y%m%dT%H%M%SZ}-{NAME}",
            started_at=self.started_at,
            commit=self.commit,
            machine=self.machine,
            seed=0,  # nothing is drawn
            figures={name: round(one.cpu.median, 3) for name, one in self.figures.items()},
        )

    def document(self, compared: Mapping[str, Ratio]) -> dict[str, Any]:
        return {
            "started_at": self.started_at,
            "commit": self.commit,
            "machine": self.machine,
            "rounds": self.rounds,
            "seconds_taken": round(time.time() - self.began),
            "parts": {
                name: asdict(one)
                | {"of_baseline": round(compared[name].ratio, 3) if name in compared else None}
                for name, one in self.figures.items()
            },
        }


def against(run: Run, kept: Baseline | None) -> dict[str, Ratio]:
    """Of the parts that were measured then and now."""
    then = kept.figures if kept else {}
    return {
        name: Ratio(name=name, now=one.cpu.median, then=then[name])
        for name, one in run.figures.items()
        if then.get(name)
    }


def warnings(compared: Mapping[str, Ratio], warn_ratio: float) -> list[str]:
    return [
        f"{name} costs {one.ratio:.2f} times what it did in the baseline"
        for name, one in compared.items()
        if one.worse > warn_ratio
    ]


def table(run: Run, compared: Mapping[str, Ratio]) -> Table:
    """CPU and latencies as multiples of the hello page's, medians of the rounds with least and most."""
    told = Table(title=f"times the hello page, medians of {run.rounds} rounds")
    told.add_column("part", no_wrap=True)
    told.add_column("CPU of one")
    told.add_column("× hello", justify="right", no_wrap=True)
    told.add_column("(ms)", justify="right", no_wrap=True, style="dim")
    told.add_column("p50 × hello", justify="right")
    told.add_column("p99 × hello", justify="right")
    with_before = any(one.before for one in run.figures.values())
    if with_before:
        told.add_column("× before", justify="right", no_wrap=True)
    if compared:
        told.add_column("× baseline", justify="right")
    for part in run.parts:
        one = run.figures[part.name]
        cells = [part.name, part.unit, _cell(one.cpu), f"({one.cpu_ms:.2f})"]
        cells += [_median(one.p50), _median(one.p99)]
        cells += [_cell(one.before)] if with_before else []
        ratio = compared.get(part.name)
        cells += [f"{ratio.ratio:.2f}" if ratio else _NOTHING] if compared else []
        told.add_row(*cells)
    return told


def write(run: Run, compared: Mapping[str, Ratio], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    document = json.dumps(run.document(compared), indent=1, ensure_ascii=False)
    file.write_text(document + "\n", encoding="utf-8")


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return _NOTHING
    return f"{spread.median:.2f} ({spread.least:.2f}–{spread.most:.2f})"


def _median(spread: Spread | None) -> str:
    return f"{spread.median:.1f}" if spread else _NOTHING
