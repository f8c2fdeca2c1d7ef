"""The run over time: what the plots draw, and how soon it was itself again after a surge or an accident."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final

from loadtest.records import Outcome, Run
from loadtest.verdict.evidence import LAUNCHERS, Evidence, has_launched
from loadtest.verdict.percentiles import Distribution, Percentile

_WIDTHS_SECONDS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_MOST_BUCKETS: Final = 60
_FEWEST_BUCKETS: Final = 6
_MOST_STEPS: Final = 30
SURGE_FACTOR: Final = 1.5
CALM_SECONDS: Final = 15
# A calm run is fast; half as much again of nearly nothing is still nothing a person feels.
CALM_AGAIN_FACTOR: Final = 1.5
CALM_AGAIN_MS: Final = 300.0
# As `scenario.StageEvent.words` writes them into `Run.fault`.
_EVENT: Final = re.compile(r"([^,]+?) at ([0-9.]+) s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Launches due in it; `asked` is the scenario's rate of visits at its middle."""

    from_seconds: float
    width_seconds: float
    asked_visits: float
    launch_ms: Distribution
    outcomes: Counter[Outcome]

    @property
    def middle_seconds(self) -> float:
        return self.from_seconds + self.width_seconds / 2

    def per_second(self, *outcomes: Outcome) -> float:
        return sum(self.outcomes[one] for one in outcomes) / self.width_seconds


def buckets(evidence: Evidence) -> list[Bucket]:
    """Of the whole run until nobody comes any more, ramps included."""
    until = evidence.run.measured_to_seconds
    launches = [
        one for one in evidence.everybody if one.persona in LAUNCHERS and one.due_seconds < until
    ]
    width = _width(until, len(launches))
    count = max(1, ceil(until / width))
    latencies: list[list[float]] = [[] for _ in range(count)]
    outcomes: list[Counter[Outcome]] = [Counter() for _ in range(count)]
    for one in launches:
        place = min(max(int(one.due_seconds // width), 0), count - 1)
        outcomes[place][one.outcome] += 1
        if has_launched(one):
            latencies[place].append(one.launch_ms)
    return [
        Bucket(
            from_seconds=n * width,
            width_seconds=width,
            asked_visits=asked_at(evidence.run, (n + 0.5) * width),
            launch_ms=Distribution.of(latencies[n]),
            outcomes=outcomes[n],
        )
        for n in range(count)
    ]


def _width(until_seconds: float, launches: int) -> int:
    """Wide enough for a p95 in most buckets, as long as a curve remains."""
    fits = [width for width in _WIDTHS_SECONDS if until_seconds / width <= _MOST_BUCKETS]
    fits = fits or [_WIDTHS_SECONDS[-1]]
    for width in fits:
        if launches * width / until_seconds >= Percentile.P95.fewest:
            return width
        if until_seconds / width <= _FEWEST_BUCKETS:
            return width
    return fits[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stretch of one asked rate inside the window, and the launches due in it."""

    from_seconds: float
    to_seconds: float
    asked_visits: float
    due: int
    launched: int
    launch_ms: Distribution
    own_ms: Distribution

    @property
    def launched_per_second(self) -> float:
        return self.launched / (self.to_seconds - self.from_seconds)


def steps(evidence: Evidence) -> list[Step]:
    """None when the rate never changed, or changed too often for a table."""
    run = evidence.run
    stretches = [
        (max(since, run.measured_from_seconds), min(until, run.measured_to_seconds), rate)
        for (since, rate), (until, _) in pairwise([*run.rates, (run.measured_to_seconds, 0.0)])
    ]
    inside = [one for one in stretches if one[1] > one[0]]
    if not 1 < len(inside) <= _MOST_STEPS:
        return []
    return [_step(evidence, *one) for one in inside]


def _step(evidence: Evidence, begin: float, end: float, rate: float) -> Step:
    due = [one for one in evidence.launches if begin <= one.due_seconds < end]
    launched = [one for one in due if has_launched(one)]
    return Step(
        from_seconds=begin,
        to_seconds=end,
        asked_visits=rate,
        due=len(due),
        launched=len(launched),
        launch_ms=Distribution.of(one.launch_ms for one in launched),
        own_ms=Distribution.of(one.own_ms for one in launched if one.own_ms >= 0),
    )


def asked_at(run: Run, at_seconds: float) -> float:
    """Visits per second that the scenario wanted at this instant."""
    return next((rate for since, rate in reversed(run.rates) if since <= at_seconds), 0.0)


def visits_planned(run: Run, from_seconds: float, to_seconds: float) -> float:
    """How many visits the rates make on average between the two."""
    steps = [*run.rates, (float("inf"), 0.0)]
    return sum(
        rate * max(0.0, min(until, to_seconds) - max(since, from_seconds))
        for (since, rate), (until, _) in pairwise(steps)
    )


def surge_of(run: Run) -> tuple[float, float] | None:
    """(from, to) of the time in which far more came than at the beginning; None when there was none."""
    first = asked_at(run, run.measured_from_seconds)
    high = [
        (since, until)
        for (since, rate), (until, _) in pairwise([*run.rates, (run.measured_to_seconds, 0.0)])
        if rate >= first * SURGE_FACTOR and until <= run.measured_to_seconds
    ]
    if not first or not high or high[-1][1] >= run.measured_to_seconds:
        return None
    return high[0][0], high[-1][1]


def events_of(run: Run) -> list[tuple[float, str]]:
    """(second, words) of what the stage did to the system on purpose."""
    return sorted((float(at), words.strip()) for words, at in _EVENT.findall(run.fault))


def disturbance_of(run: Run) -> tuple[float, float] | None:
    """(from, to) of what the system must recover from: a surge, or the stage's first event to its last."""
    events = [at for at, _words in events_of(run)]
    return surge_of(run) or ((events[0], events[-1]) if events else None)


def recovery_seconds(evidence: Evidence, disturbance: tuple[float, float]) -> float | None:
    """From its end until the p95 of 15 seconds' launches was what it had been, and stayed so.

    None when too few launched before or afterwards; infinite when it never was.
    """
    begin, end = disturbance
    before = _p95_between(evidence, evidence.run.measured_from_seconds, begin)
    windows = _calm_windows(end, evidence.run.measured_to_seconds)
    after = [(start, _p95_between(evidence, start, start + CALM_SECONDS)) for start in windows]
    measured = [(start, p95) for start, p95 in after if p95 is not None]
    if before is None or not measured:
        return None
    limit = max(before * CALM_AGAIN_FACTOR, CALM_AGAIN_MS)
    return _calm_since(measured, limit) - end


def _calm_windows(begin: float, end: float) -> list[float]:
    count = int((end - begin) // CALM_SECONDS)
    return [begin + n * CALM_SECONDS for n in range(count)]


def _calm_since(measured: Sequence[tuple[float, float]], limit: float) -> float:
    """Start of the windows from which on every p95 keeps the limit."""
    since = float("inf")
    for start, p95 in reversed(measured):
        if p95 > limit:
            break
        since = start
    return since


def _p95_between(evidence: Evidence, begin: float, end: float) -> float | None:
    due = (one for one in evidence.launched if begin <= one.due_seconds < end)
    return Distribution.of(one.launch_ms for one in due).at(Percentile.P95)
