"""Does it grow: the last sixth of the measured window against the first."""

from statistics import median
from typing import Final

from loadtest.verdict.cpu import CONNECTOR
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.percentiles import Distribution, Percentile

_PARTS: Final = 6


def memory_growth_percent(evidence: Evidence) -> float | None:
    """Of the connector's processes together, by their medians; None where nobody sampled them."""
    first, last = (_resident(evidence, *sixth) for sixth in _sixths(evidence))
    return 100 * (last / first - 1) if first and last else None


def latency_growth_percent(evidence: Evidence) -> float | None:
    """Of the launches' p95; None when too few launched."""
    first, last = (_p95(evidence, *sixth) for sixth in _sixths(evidence))
    return 100 * (last / first - 1) if first and last else None


def _sixths(evidence: Evidence) -> tuple[tuple[float, float], tuple[float, float]]:
    begin, end = evidence.run.measured_from_seconds, evidence.run.measured_to_seconds
    width = (end - begin) / _PARTS
    return (begin, begin + width), (end - width, end)


def _resident(evidence: Evidence, begin: float, end: float) -> float:
    """Sum over the parts of each one's median bytes; 0 where none is known."""
    inside = [
        one
        for one in evidence.gauges
        if begin <= one.at_seconds < end and one.resident_bytes >= 0 and one.part in CONNECTOR
    ]
    return sum(
        median(one.resident_bytes for one in inside if one.part == part)
        for part in {one.part for one in inside}
    )


def _p95(evidence: Evidence, begin: float, end: float) -> float | None:
    due = (one for one in evidence.launched if begin <= one.due_seconds < end)
    return Distribution.of(one.launch_ms for one in due).at(Percentile.P95)
