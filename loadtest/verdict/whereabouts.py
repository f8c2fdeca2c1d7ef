"""Where the time of a launch went, on average: the parts add up to the whole."""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest.records import Iteration
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.percentiles import Distribution


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a launch; `of` are the launches' own values in ms."""

    key: str
    label: str
    of: Distribution

    @property
    def mean_ms(self) -> float:
        return self.of.mean or 0.0


def where_time_went(evidence: Evidence) -> list[Share]:
    """Of those who launched; empty when nobody did. What the connector does not tell apart stays in the rest."""
    launched = evidence.launched
    if not launched:
        return []
    told_upstream = any(one.upstream_ms >= 0 for one in launched)
    rest = (
        "EHR's and Microsoft's own pages, network, queues"
        if told_upstream
        else "EHR and Microsoft, network, queues"
    )
    shares = [
        Share("late", "waiting to begin (generator)", _all(launched, _late_ms)),
        Share("own", "connector's own time", _all(launched, _own_ms)),
        Share("upstream", "connector waits for EHR and Microsoft", _all(launched, _upstream_ms)),
        Share("rest", rest, _all(launched, _rest_ms)),
    ]
    return [one for one in shares if one.key != "upstream" or told_upstream]


def _all(launched: tuple[Iteration, ...], part: Callable[[Iteration], float]) -> Distribution:
    return Distribution.of(part(one) for one in launched)


def _late_ms(one: Iteration) -> float:
    return min(max(0.0, (one.began_seconds - one.due_seconds) * 1000), one.launch_ms)


def _own_ms(one: Iteration) -> float:
    return max(0.0, one.own_ms)


def _upstream_ms(one: Iteration) -> float:
    return max(0.0, one.upstream_ms)


def _rest_ms(one: Iteration) -> float:
    return max(0.0, one.launch_ms - _late_ms(one) - _own_ms(one) - _upstream_ms(one))
