"""CPU per launch, by part. A gauge's `cpu_seconds` are those used since the part's last sample (`stage.sampler`)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from loadtest.records import Gauge
from loadtest.verdict.evidence import Evidence

CONNECTOR: Final = ("web", "worker", "feed")


@dataclass(frozen=True, slots=True)
class PartUse:
    """Of one part in the measured window. `most_resident_bytes` is -1 where unknown."""

    cpu_seconds: float
    most_resident_bytes: float


def use_by_part(evidence: Evidence) -> dict[str, PartUse]:
    begin, end = evidence.run.measured_from_seconds, evidence.run.measured_to_seconds
    inside: dict[str, list[Gauge]] = defaultdict(list)
    for one in evidence.gauges:
        if begin < one.at_seconds <= end and one.cpu_seconds >= 0:
            inside[one.part].append(one)
    return {part: _use(gauges) for part, gauges in sorted(inside.items())}


def _use(gauges: Iterable[Gauge]) -> PartUse:
    known = list(gauges)
    return PartUse(sum(one.cpu_seconds for one in known), max(one.resident_bytes for one in known))


def ms_per_launch(use: Mapping[str, PartUse], launches: int) -> dict[str, float]:
    """By part; empty when nobody launched."""
    if not launches:
        return {}
    return {part: 1000 * one.cpu_seconds / launches for part, one in use.items()}


def of_connector(per_part: Mapping[str, float]) -> float | None:
    """None where no part of the connector was sampled, as on a stamp."""
    ours = [per_part[part] for part in CONNECTOR if part in per_part]
    return sum(ours) if ours else None
