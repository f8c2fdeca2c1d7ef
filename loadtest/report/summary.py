"""`summary.csv`: a row for each named request and persona, and one for each persona's whole launch."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from loadtest.records import Outcome
from loadtest.verdict.evidence import LAUNCHERS, Evidence
from loadtest.verdict.judgement import Judgement
from loadtest.verdict.percentiles import Distribution, Percentile

WHOLE_LAUNCH: Final = "click to meeting or waiting page"
_TIMES: Final = ("elapsed", "own", "upstream")
COLUMNS: Final = (
    *("name", "persona", "count", "per_second", "done", "failed", "shed", "dropped"),
    *(f"{kind}_{one.words}_ms" for kind in _TIMES for one in Percentile),
    "elapsed_slowest_ms",
)


def write(file: Path, judgement: Judgement) -> None:
    """Only the heading when the run's files were broken."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        lines = csv.writer(stream)
        lines.writerow(COLUMNS)
        if judgement.evidence:
            lines.writerows(rows(judgement.evidence))


def rows(evidence: Evidence) -> Iterator[list[str]]:
    for persona in LAUNCHERS:
        came = [one for one in evidence.launches if one.persona is persona]
        own = (one.own_ms for one in evidence.launched if one.persona is persona)
        upstream = (one.upstream_ms for one in evidence.launched if one.persona is persona)
        times = (evidence.launch_ms(persona), _known(own), _known(upstream))
        outcomes = Counter(one.outcome for one in came)
        yield _row([WHOLE_LAUNCH, persona.value], outcomes, times, evidence.window_seconds)
    for (name, persona), figures in sorted(evidence.requests.figures.items()):
        values = (figures.elapsed, figures.own, figures.upstream)
        who = [name, persona.value]
        each = tuple(Distribution.of(one) for one in values)
        yield _row(who, figures.outcomes, each, evidence.window_seconds)


def _row(
    who: list[str],
    outcomes: Counter[Outcome],
    times: tuple[Distribution, ...],
    window_seconds: float,
) -> list[str]:
    count = outcomes.total()
    counted = [str(outcomes[one]) for one in Outcome]
    measured = [_cell(one.at(percentile)) for one in times for percentile in Percentile]
    rate = f"{count / window_seconds:.3f}"
    return [*who, str(count), rate, *counted, *measured, _cell(times[0].slowest)]


def _known(values: Iterator[float]) -> Distribution:
    return Distribution.of(one for one in values if one >= 0)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
