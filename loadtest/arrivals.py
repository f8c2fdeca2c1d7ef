"""Who comes when: computed from the scenario and the seed before the run begins, and never from the system's answers.

So a slow system meets as many people as a fast one (no coordinated omission), two runs with one seed meet the same
people, and N generating processes share one schedule without speaking to one another.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final, Self, TypeVar

from loadtest.records import Persona
from loadtest.scenario import (
    ClinicMorning,
    Model,
    People,
    Ramp,
    Scenario,
    Spacing,
    Steady,
    Steps,
    Surge,
)

RESOLUTION_SECONDS: Final = 1.0
# Nobody looks how a visit goes before its clinician had time to begin it.
VIEWED_AFTER_SECONDS: Final = 5.0

# Share of the peak at each minute from 8:50 to 9:15: visits are booked for 9:00, clinicians open them from 8:55 to
# 9:05, half of them within two minutes of the hour. An assumption; no vendor publishes such a curve.
CLINIC_MORNING: Final = (
    *(0.1, 0.1, 0.1, 0.1, 0.15, 0.25, 0.4, 0.55, 0.75, 0.95),
    *(1.0, 1.0, 0.9, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15, 0.1),
    *(0.1, 0.1, 0.1, 0.1, 0.1),
)


@dataclass(frozen=True, slots=True)
class RateCurve:
    """Arrivals per second, constant from each of `starts` to the next, zero from `end_seconds`."""

    starts: tuple[float, ...]
    rates: tuple[float, ...]
    end_seconds: float

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """The measured time has the scenario's shape; before it the shape's first rate holds."""
        starts, rates = [0.0], [_rate_at(scenario, scenario.measured_from_seconds)]
        for at in _instants(scenario):
            rate = _rate_at(scenario, at)
            if rate != rates[-1]:
                starts.append(at)
                rates.append(rate)
        return cls(tuple(starts), tuple(rates), scenario.measured_to_seconds)

    def pairs(self) -> tuple[tuple[float, float], ...]:
        """As `Run.rates`: (from second, visits per second), the last of them zero."""
        return (*zip(self.starts, self.rates, strict=True), (self.end_seconds, 0.0))

    def expected(self, until_seconds: float) -> float:
        """How many arrivals on average before this instant."""
        return sum(
            rate * (min(until, until_seconds) - start)
            for (start, rate), (until, _) in pairwise(self.pairs())
            if start < until_seconds
        )

    def at_expected(self, numbers: Sequence[float]) -> Iterator[float]:
        """The instants at which `expected` reaches these ascending numbers; ends with the curve."""
        bounds = [self.expected(start) for start, _ in self.pairs()]
        for number in numbers:
            if number >= bounds[-1]:
                return
            place = bisect_left(bounds, number, lo=1) - 1
            yield self.starts[place] + (number - bounds[place]) / self.rates[place]


def _instants(scenario: Scenario) -> Iterator[float]:
    count = ceil(scenario.measured_seconds / RESOLUTION_SECONDS)
    return (scenario.measured_from_seconds + n * RESOLUTION_SECONDS for n in range(count))


def _rate_at(scenario: Scenario, seconds: float) -> float:
    shape = scenario.arrivals
    share = (seconds - scenario.measured_from_seconds) / scenario.measured_seconds
    match shape:
        case Steady():
            return shape.visits_per_second
        case Ramp():
            risen = shape.to_visits_per_second - shape.from_visits_per_second
            return shape.from_visits_per_second + risen * share
        case Steps():
            return _part(shape.visits_per_second, share)
        case ClinicMorning():
            return shape.peak_visits_per_second * _part(CLINIC_MORNING, share)
        case Surge():
            inside = shape.at_seconds <= seconds < shape.at_seconds + shape.for_seconds
            return shape.visits_per_second * (shape.factor if inside else 1)
    return 0.0


def _part(values: Sequence[float], share: float) -> float:
    return values[min(int(share * len(values)), len(values) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVisit:
    """One visit and its two people. `number` is its place among all visits, and among the stage's booked ones.

    Attributes:
        patient_due: None when the patient never comes.
        stays_seconds: of the patient in the meeting; two stays mean one reconnect, after `away_seconds`.
    """

    number: int
    provider_due: float
    patient_due: float | None
    provider_reads_seconds: float
    patient_reads_seconds: float
    stays_seconds: tuple[float, ...]
    away_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCaller:
    """Somebody beside the visits; an idle viewer looks at the visit with this number, the newest that has begun."""

    number: int
    persona: Persona
    due: float
    visit_number: int
    hold_seconds: float


Planned = TypeVar("Planned", PlannedVisit, PlannedCaller)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everybody who comes; a part of it for one of several generating processes."""

    visits: tuple[PlannedVisit, ...]
    callers: tuple[PlannedCaller, ...]

    @classmethod
    def of(cls, scenario: Scenario, seed: int) -> Self:
        """The open model's people."""
        curve = RateCurve.of(scenario)
        spacing = scenario.arrivals.spacing if scenario.arrivals else Spacing.EVEN
        instants = list(
            curve.at_expected(_numbers(spacing, curve.expected(curve.end_seconds), seed))
        )
        visits = tuple(
            planned_visit(scenario.people, seed, number, at) for number, at in enumerate(instants)
        )
        return cls(visits, tuple(_callers(scenario, instants, seed)))

    def share(self, index: int, count: int) -> "Schedule":
        """Every `count`-th arrival from the `index`-th on: together they are everybody, each once."""
        return Schedule(_every(self.visits, index, count), _every(self.callers, index, count))


def _every(planned: tuple[Planned, ...], index: int, count: int) -> tuple[Planned, ...]:
    return tuple(one for one in planned if one.number % count == index)


def planned_visit(people: People, seed: int, number: int, at: float) -> PlannedVisit:
    """Drawn from the seed and the number alone, so that one visit is the same in every run and process."""
    dice = _dice(seed, "visit", number)
    comes = dice.random() >= people.no_show_share
    returns = dice.random() < people.reconnect_share
    return PlannedVisit(
        number=number,
        provider_due=at,
        patient_due=max(0.0, at + dice.uniform(*people.patient_offset_seconds)) if comes else None,
        provider_reads_seconds=dice.uniform(*people.read_seconds),
        patient_reads_seconds=dice.uniform(*people.read_seconds),
        stays_seconds=tuple(dice.uniform(*people.stay_seconds) for _ in range(1 + returns)),
        away_seconds=dice.uniform(*people.away_seconds),
    )


def _callers(scenario: Scenario, visits: Sequence[float], seed: int) -> Iterator[PlannedCaller]:
    """Poisson, at their own low rates, beside the visits."""
    per_minute = {
        Persona.PORTAL_ADMIN: scenario.portal_admins.per_minute,
        Persona.IDLE_VIEWER: scenario.idle_viewers.per_minute,
    }
    coming = [
        (due, persona)
        for persona, rate in per_minute.items()
        for due in _at_rate(rate / 60, scenario.measured_to_seconds, _dice(seed, persona, 0))
    ]
    for number, (due, persona) in enumerate(sorted(coming)):
        newest = bisect_left(visits, due - VIEWED_AFTER_SECONDS) - 1
        if persona is Persona.IDLE_VIEWER and newest < 0:
            continue
        yield PlannedCaller(
            number=number,
            persona=persona,
            due=due,
            visit_number=newest,
            hold_seconds=scenario.idle_viewers.hold_seconds,
        )


def _at_rate(rate: float, until_seconds: float, dice: random.Random) -> Iterator[float]:
    at = dice.expovariate(rate) if rate else until_seconds
    while at < until_seconds:
        yield at
        at += dice.expovariate(rate)


def _numbers(spacing: Spacing, expected: float, seed: int) -> list[float]:
    """Ascending, one apart on average: mapped through the curve they are the arrivals."""
    if spacing is Spacing.EVEN:
        return [number + 0.5 for number in range(ceil(expected))]
    return list(_at_rate(1.0, expected, _dice(seed, "visits", 0)))


def _dice(seed: int, what: str, number: int) -> random.Random:
    return random.Random(f"{seed}/{what}/{number}")  # noqa: S311 - people, not secrets


def visits_needed(scenario: Scenario, seed: int) -> int:
    """How many visits the stage must have booked."""
    counted: dict[Model, Callable[[], int]] = {
        Model.OPEN: lambda: len(Schedule.of(scenario, seed).visits),
        Model.CLOSED: lambda: _most_in_turns(scenario),
    }
    return counted[scenario.model]()


def _most_in_turns(scenario: Scenario) -> int:
    """Of a closed model in which nothing takes any time but what people themselves take."""
    people, users = scenario.people, scenario.users
    if users is None:
        return 0
    turn = people.read_seconds[0] + people.stay_seconds[0] + users.pause_seconds[0]
    return users.provider * ceil(scenario.total_seconds / max(turn, RESOLUTION_SECONDS))
