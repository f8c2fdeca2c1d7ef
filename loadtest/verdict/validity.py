"""Do the figures mean anything? Each reason why not is one sentence and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Final

from loadtest.records import Outcome, Persona
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.series import visits_planned
from loadtest.verdict.slo import Validity

# Arrivals that come at random are so many standard deviations too few once in 30,000 runs.
_CHANCE_DEVIATIONS: Final = 4
_GIVE_IT_ROOM: Final = (
    "Give the generator a machine or a core of its own, more --processes, or ask for less."
)


@dataclass(frozen=True, slots=True)
class Void:
    reason: str
    remedy: str


def reasons_against(evidence: Evidence, validity: Validity) -> list[Void]:
    without_a_window = [*_ran_out_in_the_ramp(evidence)]
    return without_a_window or [
        *_saturated(evidence, validity),
        *_late(evidence, validity),
        *_fewer_came(evidence, validity),
        *_ended_early(evidence),
        *_too_few(evidence, validity),
    ]


def _ran_out_in_the_ramp(evidence: Evidence) -> Iterator[Void]:
    given, begin = evidence.run.prepared, evidence.run.measured_from_seconds
    if given and given.ran_out and given.ran_out_seconds <= begin:
        words = f"{given.words.capitalize()}, before the measured time began ({begin:.0f} s)."
        yield Void(words, "Prepare more launches, or take a scenario with fewer visits a second.")


def _saturated(evidence: Evidence, validity: Validity) -> Iterator[Void]:
    if not evidence.generators:
        yield Void(
            "No generating process said how busy it was.",
            "Look into the generator's log: it did not end in order.",
        )
    for one in evidence.generators:
        if one.cpu_share > validity.generator_cpu_share:
            words = f"Generating process {one.process} used {one.cpu_share:.0%} of a core, more than {validity.generator_cpu_share:.0%}: it measured its own slowness."
            yield Void(words, _GIVE_IT_ROOM)
        if one.lag_p99_ms > validity.generator_lag_p99_ms:
            words = f"Generating process {one.process} woke up {one.lag_p99_ms:.0f} ms late (p99), more than {validity.generator_lag_p99_ms:.0f} ms: it was starved."
            yield Void(words, _GIVE_IT_ROOM)
        if one.cpu_share < 0 or one.lag_p99_ms < 0:
            words = f"Generating process {one.process} could not say how busy it was."
            yield Void(words, "Let it run to the end of the measured window.")


def _late(evidence: Evidence, validity: Validity) -> Iterator[Void]:
    lateness = evidence.lateness_ms()
    late = sum(one > validity.late_ms for one in lateness.values)
    percent = 100 * late / lateness.count if lateness.count else 0.0
    if percent > validity.late_percent:
        words = f"{percent:.1f} % of the arrivals began more than {validity.late_ms:.0f} ms after they were due, allowed are {validity.late_percent:g} %: the load was not the one asked for."
        yield Void(words, _GIVE_IT_ROOM)


def _fewer_came(evidence: Evidence, validity: Validity) -> Iterator[Void]:
    """Dropped ones have come: only what the generator never wrote down is missing here."""
    begin, end = evidence.run.measured_from_seconds, evidence.run.measured_to_seconds
    planned = visits_planned(evidence.run, begin, end)
    came = _visits_come(evidence)
    tolerated = max(planned * validity.missing_percent / 100, _CHANCE_DEVIATIONS * sqrt(planned))
    if came < planned - tolerated:
        words = f"Only {came} of about {planned:.0f} visits asked for came about: the generator did not keep its schedule."
        yield Void(
            words, "Look into the generator's log; if it was busy, give it more --processes."
        )


def _visits_come(evidence: Evidence) -> int:
    """A visit comes with its clinician; with its patient where a launch was prepared for nobody else."""
    with_clinician = {one.visit for one in evidence.everybody if one.persona is Persona.PROVIDER}
    return sum(
        one.persona is Persona.PROVIDER
        or (
            evidence.run.prepared is not None
            and one.persona is Persona.PATIENT
            and one.visit not in with_clinician
        )
        for one in evidence.arrivals
    )


def _ended_early(evidence: Evidence) -> Iterator[Void]:
    run = evidence.run
    if run.ended_seconds < run.measured_to_seconds:
        words = f"The run ended after {run.ended_seconds:.0f} s, before its measured window did ({run.measured_to_seconds:.0f} s)."
        yield Void(words, "Run it again and let it end.")


def _too_few(evidence: Evidence, validity: Validity) -> Iterator[Void]:
    begun = sum(one.outcome is not Outcome.DROPPED for one in evidence.launches)
    if begun < validity.fewest_launches:
        words = f"Only {begun} launches began in the measured window; {validity.fewest_launches} are needed for what is said of them."
        yield Void(words, "Measure longer, or let more people come.")
