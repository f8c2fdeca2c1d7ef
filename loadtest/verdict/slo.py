"""What a run is held to: `slo.toml`, checked whole when it is read. The verdict knows no other limit."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError
from pydantic import model_validator as checked

FILE: Final = Path(__file__).parents[1] / "slo.toml"


class SloFileRefused(Exception):
    """`slo.toml` says something that means nothing."""


class Indicator(StrEnum):
    """What can be limited; computed in `indicators`."""

    LAUNCH_SUCCESS = "launch_success_percent"
    VISIT_SUCCESS = "visit_success_percent"
    ACHIEVED = "achieved_percent"
    DROPPED = "dropped_arrivals"
    SHED = "shed_answers"
    SHED_HALFWAY = "shed_halfway_answers"
    REFUSED_RUDELY = "refusals_without_retry_after"
    OWN_P95 = "own_p95_ms"
    OWN_P99 = "own_p99_ms"
    OWN_SPREAD = "own_p99_over_p50"
    PROVIDER_P95 = "provider_launch_p95_ms"
    PATIENT_P95 = "patient_launch_p95_ms"
    SERVED_P95 = "served_launch_p95_ms"
    OUTBOX_OLDEST = "outbox_oldest_seconds"
    DRAINED = "drained_seconds"
    LOST = "lost"
    DUPLICATE = "duplicate"
    FEED_P95 = "feed_event_p95_ms"
    FEED_P99 = "feed_event_p99_ms"
    RECOVERY = "recovery_seconds"
    MEMORY_GROWTH = "memory_growth_percent"
    LATENCY_GROWTH = "latency_growth_percent"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slo(_Table):
    """Exactly one of `at_most` and `at_least`. `may_be_few`: a sample too small for it voids nothing."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    promise: str
    indicator: Indicator
    at_most: float | None = None
    at_least: float | None = None
    unit: str
    why: Annotated[str, Field(min_length=20)]
    may_be_few: bool = False

    @checked(mode="after")
    def _has_one_limit(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"{self.name} needs either at_most or at_least")
        return self

    @property
    def limit(self) -> float:
        return self.at_most if self.at_most is not None else self.at_least or 0.0

    @property
    def sign(self) -> str:
        return "≤" if self.at_most is not None else "≥"

    def is_kept_by(self, value: float) -> bool:
        return value <= self.limit if self.at_most is not None else value >= self.limit

    def moved_to(self, other: "OtherLimit") -> "Slo":
        side = "at_most" if self.at_most is not None else "at_least"
        return self.model_copy(update={side: other.limit, "why": other.why})


class OtherLimit(_Table):
    limit: float
    why: Annotated[str, Field(min_length=20)]


class Validity(_Table):
    """When a run's figures mean anything.

    Attributes:
        generator_cpu_share: most of one core a generating process may use.
        generator_lag_p99_ms: latest the generator's own loop may wake a sleeper.
        late_ms: an arrival that began later than this after it was due is late.
        late_percent: most arrivals that may be late.
        missing_percent: most arrivals that may be missing from the schedule, beyond what chance explains.
        fewest_launches: in the measured window.
    """

    generator_cpu_share: PositiveFloat
    generator_lag_p99_ms: PositiveFloat
    late_ms: PositiveFloat
    late_percent: PositiveFloat
    missing_percent: PositiveFloat
    fewest_launches: PositiveInt


class BaselineTolerance(_Table):
    """Ratios to the baseline, of what should be low: beyond `warn` it is said, beyond `gate` the run failed."""

    warn_ratio: PositiveFloat
    gate_ratio: PositiveFloat


class Unchecked(_Table):
    """Where a run may pass although something could not be asked: shell patterns of scenarios and targets."""

    scenarios: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def allows(self, scenario: str, target: str) -> bool:
        return _any_fits(self.scenarios, scenario) or _any_fits(self.targets, target)


class ScenarioRules(_Table):
    """What differs in one scenario; `without` is name of the SLO → why it is none here."""

    limits: Mapping[str, OtherLimit] = {}
    without: Mapping[str, str] = {}
    more: tuple[Slo, ...] = ()
    validity: Mapping[str, float] = {}


class Promises(_Table):
    """What one run is held to; `waived` is why an SLO of the others is none here."""

    slos: tuple[Slo, ...]
    waived: Mapping[str, str]
    validity: Validity
    baseline: BaselineTolerance
    may_be_unchecked: bool


class SloFile(_Table):
    slo: Annotated[tuple[Slo, ...], Field(min_length=1)]
    validity: Validity
    baseline: BaselineTolerance
    unchecked: Unchecked = Unchecked()
    scenarios: Mapping[str, ScenarioRules] = {}

    @checked(mode="after")
    def _names_exist_once(self) -> Self:
        names = [slo.name for slo in self.slo]
        if len(set(names)) != len(names):
            raise ValueError("two SLOs have the same name")
        for scenario, rules in self.scenarios.items():
            unknown = ({*rules.limits, *rules.without} - {*names}) | (
                rules.validity.keys() - Validity.model_fields.keys()
            )
            if unknown:
                raise ValueError(
                    f"scenario {scenario} changes what is not there: {sorted(unknown)}"
                )
        return self

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """Raises: SloFileRefused: names every problem."""
        try:
            return cls.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as err:
            raise SloFileRefused(f"{file}: {_problems(err)}") from err

    def for_run(self, scenario: str, target: str) -> Promises:
        rules = self.scenarios.get(scenario, ScenarioRules())
        kept = (slo for slo in self.slo if slo.name not in rules.without)
        moved = (
            slo.moved_to(rules.limits[slo.name]) if slo.name in rules.limits else slo
            for slo in kept
        )
        return Promises(
            slos=(*moved, *rules.more),
            waived=rules.without,
            validity=Validity.model_validate({**self.validity.model_dump(), **rules.validity}),
            baseline=self.baseline,
            may_be_unchecked=self.unchecked.allows(scenario, target),
        )


def _any_fits(patterns: tuple[str, ...], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _problems(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    found: list[Any] = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
