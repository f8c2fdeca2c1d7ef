"""What was seen of each thing an SLO can limit: a table from indicator to the function that computes it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

from loadtest.personas.idle_viewer import EVENT_ON_PAGE
from loadtest.records import Iteration, Outcome, Persona
from loadtest.verdict.evidence import Evidence, has_launched
from loadtest.verdict.growth import latency_growth_percent, memory_growth_percent
from loadtest.verdict.percentiles import Distribution, Percentile
from loadtest.verdict.series import disturbance_of, recovery_seconds
from loadtest.verdict.slo import Indicator
from loadtest.verdict.truth import Harm, Truth

NEVER: Final = float("inf")
PROVIDER, PATIENT = Persona.PROVIDER, Persona.PATIENT
_ALL_PERCENT: Final = 100


class Missing(StrEnum):
    """Why a value is not there: too few were measured, or nobody could be asked."""

    TOO_FEW = "too few to say"
    NOT_ASKED = "not checked"


@dataclass(frozen=True, slots=True)
class Seen:
    """`value` in the indicator's unit, infinite for what never came; of `count` observations."""

    value: float | None
    count: int
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    evidence: Evidence
    truth: Truth | None


def see(indicator: Indicator, sight: Sight) -> Seen:
    return _TABLE[indicator](sight)


def _launch_success(sight: Sight) -> Seen:
    """Who was refused honestly or never began is counted by other SLOs."""
    tried = [one for one in sight.evidence.launches if not _is_turned_away(one)]
    return _share(tried, has_launched)


def _visit_success(sight: Sight) -> Seen:
    """Of those who launched; a patient whose provider was turned away waits in vain, and is not counted.

    Whose launch was prepared goes no further than to the meeting's address: that somebody waited in vain is seen,
    that somebody joined is not.
    """
    alone = {
        one.visit
        for one in sight.evidence.everybody
        if one.persona is Persona.PROVIDER and _is_turned_away(one)
    }
    came = [
        one
        for one in sight.evidence.launched
        if one.persona is Persona.PROVIDER or one.visit not in alone
    ]
    seen = _share(came, lambda one: one.outcome is Outcome.DONE)
    unseen = sight.evidence.run.prepared is not None and seen.value == _ALL_PERCENT
    return Seen(None, seen.count, Missing.NOT_ASKED) if unseen else seen


def _achieved(sight: Sight) -> Seen:
    return _share(sight.evidence.launches, has_launched)


def _dropped(sight: Sight) -> Seen:
    arrivals = sight.evidence.arrivals
    return Seen(sum(one.outcome is Outcome.DROPPED for one in arrivals), len(arrivals))


def _requests(count: Callable[[Sight], int]) -> Callable[[Sight], Seen]:
    def seen(sight: Sight) -> Seen:
        figures = sight.evidence.requests.figures.values()
        return Seen(count(sight), sum(len(one.elapsed) for one in figures))

    return seen


def _own(percentile: Percentile) -> Callable[[Sight], Seen]:
    return _own_time(lambda times: times.at(percentile))


def _own_spread() -> Callable[[Sight], Seen]:
    """How many times the p50 the p99 is: a tail that no average shows."""

    def spread(times: Distribution) -> float | None:
        usual, unlucky = times.at(Percentile.P50), times.at(Percentile.P99)
        return unlucky / usual if usual and unlucky is not None else None

    return _own_time(spread)


def _own_time(figure: Callable[[Distribution], float | None]) -> Callable[[Sight], Seen]:
    """Not asked where nobody's answers carried Server-Timing."""

    def seen(sight: Sight) -> Seen:
        times = sight.evidence.own_ms()
        if not times.count and sight.evidence.launched:
            return Seen(None, 0, Missing.NOT_ASKED)
        return _said(figure(times), times.count, Missing.TOO_FEW)

    return seen


def _launch(persona: Persona) -> Callable[[Sight], Seen]:
    """Not asked where launches were prepared and none of this persona: whoever prepared them did not want to know."""

    def seen(sight: Sight) -> Seen:
        given = sight.evidence.run.prepared
        if given and not {PROVIDER: given.providers, PATIENT: given.patients}[persona]:
            return Seen(None, 0, Missing.NOT_ASKED)
        return _percentile(sight.evidence.launch_ms(persona), Percentile.P95)

    return seen


def _served(sight: Sight) -> Seen:
    """Of those who were never refused: who comes again after Retry-After waits that long by design."""
    launched = (one for one in sight.evidence.launched if not one.shed)
    return _percentile(Distribution.of(one.launch_ms for one in launched), Percentile.P95)


def _feed_event(percentile: Percentile) -> Callable[[Sight], Seen]:
    """From what happened in the meeting to the page of somebody who watches."""

    def seen(sight: Sight) -> Seen:
        figures = sight.evidence.requests.figures.items()
        heard = (figure.elapsed for (name, _who), figure in figures if name == EVENT_ON_PAGE)
        return _percentile(Distribution.of(chain.from_iterable(heard)), percentile)

    return seen


def _outbox_oldest(sight: Sight) -> Seen:
    """From the first measured second to the last sample: people still leave after the window."""
    ages = [
        one.outbox_oldest_seconds
        for one in sight.evidence.gauges
        if one.outbox_oldest_seconds >= 0
        and one.at_seconds >= sight.evidence.run.measured_from_seconds
    ]
    return Seen(max(ages), len(ages)) if ages else Seen(None, 0, Missing.NOT_ASKED)


def _drained(sight: Sight) -> Seen:
    if sight.truth is None:
        return Seen(None, 0, Missing.NOT_ASKED)
    seconds = sight.truth.drained_seconds
    return Seen(seconds if seconds >= 0 else NEVER, 1)


def _harm(harm: Harm) -> Callable[[Sight], Seen]:
    def seen(sight: Sight) -> Seen:
        if sight.truth is None:
            return Seen(None, 0, Missing.NOT_ASKED)
        looked_at = sight.truth.visits_launched + sight.truth.write_backs_due
        return Seen(sight.truth.count(harm), looked_at)

    return seen


def _recovery(sight: Sight) -> Seen:
    disturbance = disturbance_of(sight.evidence.run)
    seconds = recovery_seconds(sight.evidence, disturbance) if disturbance else None
    return _said(seconds, len(sight.evidence.launched), Missing.TOO_FEW)


def _memory_growth(sight: Sight) -> Seen:
    percent = memory_growth_percent(sight.evidence)
    return _said(percent, len(sight.evidence.gauges), Missing.NOT_ASKED)


def _latency_growth(sight: Sight) -> Seen:
    percent = latency_growth_percent(sight.evidence)
    return _said(percent, len(sight.evidence.launched), Missing.TOO_FEW)


def _percentile(times: Distribution, percentile: Percentile) -> Seen:
    return _said(times.at(percentile), times.count, Missing.TOO_FEW)


def _said(value: float | None, count: int, otherwise: Missing) -> Seen:
    return Seen(value, count, otherwise if value is None else None)


def _share(of: Sequence[Iteration], good: Callable[[Iteration], bool]) -> Seen:
    if not of:
        return Seen(None, 0, Missing.TOO_FEW)
    return Seen(100 * _count(of, good) / len(of), len(of))


def _count(of: Iterable[Iteration], good: Callable[[Iteration], bool]) -> int:
    return sum(1 for one in of if good(one))


def _is_turned_away(iteration: Iteration) -> bool:
    return iteration.outcome in (Outcome.SHED, Outcome.DROPPED)


_TABLE: Final[Mapping[Indicator, Callable[[Sight], Seen]]] = {
    Indicator.LAUNCH_SUCCESS: _launch_success,
    Indicator.VISIT_SUCCESS: _visit_success,
    Indicator.ACHIEVED: _achieved,
    Indicator.DROPPED: _dropped,
    Indicator.SHED: _requests(lambda sight: sight.evidence.requests.shed),
    Indicator.SHED_HALFWAY: _requests(lambda sight: sight.evidence.requests.shed_halfway),
    Indicator.REFUSED_RUDELY: _requests(lambda sight: sight.evidence.requests.refused_rudely),
    Indicator.OWN_P95: _own(Percentile.P95),
    Indicator.OWN_P99: _own(Percentile.P99),
    Indicator.OWN_SPREAD: _own_spread(),
    Indicator.PROVIDER_P95: _launch(Persona.PROVIDER),
    Indicator.PATIENT_P95: _launch(Persona.PATIENT),
    Indicator.OUTBOX_OLDEST: _outbox_oldest,
    Indicator.DRAINED: _drained,
    Indicator.LOST: _harm(Harm.LOST),
    Indicator.DUPLICATE: _harm(Harm.DUPLICATE),
    Indicator.SERVED_P95: _served,
    Indicator.FEED_P95: _feed_event(Percentile.P95),
    Indicator.FEED_P99: _feed_event(Percentile.P99),
    Indicator.RECOVERY: _recovery,
    Indicator.MEMORY_GROWTH: _memory_growth,
    Indicator.LATENCY_GROWTH: _latency_growth,
}
