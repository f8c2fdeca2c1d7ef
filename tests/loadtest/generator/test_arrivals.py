"""Who comes when is decided by scenario and seed alone, and N processes share one schedule exactly."""

from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtest.arrivals import RateCurve, Schedule, visits_needed
from loadtest.records import Persona
from tests.loadtest.generator.people import PEOPLE, scenario

BESIDE = {"portal_admins": {"per_minute": 20}, "idle_viewers": {"per_minute": 30}}


def arriving(spacing: str = "poisson", rate: float = 50, **changed: Any) -> dict[str, Any]:
    shape = {"shape": "steady", "spacing": spacing, "visits_per_second": rate}
    return {"arrivals": shape, **changed}


def instants(seed: int = 1, **changed: Any) -> list[float]:
    return [visit.provider_due for visit in Schedule.of(scenario(**changed), seed).visits]


def count_between(times: list[float], begin: float, end: float) -> int:
    return sum(begin <= at < end for at in times)


def test_the_same_seed_brings_the_same_people_at_the_same_time() -> None:
    plan = scenario(**arriving(), **BESIDE)
    assert Schedule.of(plan, 5) == Schedule.of(plan, 5)


def test_another_seed_brings_others() -> None:
    plan = scenario(**arriving())
    assert Schedule.of(plan, 5).visits != Schedule.of(plan, 6).visits


def test_a_visit_is_the_same_when_more_come_after_it() -> None:
    short, long = scenario(**arriving("even")), scenario(**arriving("even"), measured_seconds=300)
    first = Schedule.of(short, 5).visits
    assert Schedule.of(long, 5).visits[: len(first)] == first


@pytest.mark.parametrize("seed", range(5))
def test_poisson_arrivals_hold_the_rate_within_four_standard_deviations(seed: int) -> None:
    expected = 50 * 110
    assert abs(len(instants(seed, **arriving())) - expected) < 4 * sqrt(expected)


@pytest.mark.parametrize("seed", range(5))
def test_poisson_gaps_vary_as_much_as_they_last(seed: int) -> None:
    gaps = [later - earlier for earlier, later in pairwise(instants(seed, **arriving()))]
    mean = fmean(gaps)
    deviation = sqrt(fmean((gap - mean) ** 2 for gap in gaps))
    assert deviation / mean == pytest.approx(1, abs=0.1)


def test_even_arrivals_lie_one_gap_apart() -> None:
    gaps = [later - earlier for earlier, later in pairwise(instants(**arriving("even", 4)))]
    assert gaps == pytest.approx([0.25] * 439)


def test_nobody_comes_after_the_measured_time_ended() -> None:
    assert max(instants(**arriving())) < 110


def test_a_surge_brings_ten_times_as_many_while_it_lasts() -> None:
    shape = {"shape": "surge", "spacing": "even", "visits_per_second": 2, "factor": 10}
    times = instants(arrivals={**shape, "at_seconds": 50, "for_seconds": 20})
    counted = [count_between(times, *span) for span in ((30, 50), (50, 70), (70, 90))]
    assert counted == pytest.approx([40, 400, 40], abs=2)


def test_a_ramp_brings_most_at_its_end() -> None:
    shape = {"from_visits_per_second": 1, "to_visits_per_second": 9}
    times = instants(arrivals={"shape": "ramp", "spacing": "even", **shape})
    counted = [count_between(times, *span) for span in ((10, 60), (60, 110))]
    assert counted == pytest.approx([150, 350], abs=5)


def test_steps_last_equally_long() -> None:
    shape = {"shape": "steps", "spacing": "even", "visits_per_second": [2, 4, 6, 8]}
    times = instants(arrivals=shape)
    counted = [count_between(times, 10 + 25 * n, 35 + 25 * n) for n in range(4)]
    assert counted == pytest.approx([50, 100, 150, 200], abs=1)


def test_a_clinic_morning_peaks_at_the_hour() -> None:
    shape = {"shape": "clinic_morning", "spacing": "even", "peak_visits_per_second": 10}
    times = instants(arrivals=shape)
    around_nine = count_between(times, 10 + 9 / 25 * 100, 10 + 13 / 25 * 100)
    assert around_nine > len(times) / 3
    assert RateCurve.of(scenario(arrivals=shape)).pairs()[0] == (0.0, 1.0)


def test_the_rates_end_with_zero_when_nobody_comes_any_more() -> None:
    assert RateCurve.of(scenario()).pairs() == ((0.0, 2.0), (110.0, 0.0))


def test_the_warm_up_has_the_shape_s_first_rate() -> None:
    shape = {"shape": "steps", "spacing": "even", "visits_per_second": [3, 6]}
    assert count_between(instants(arrivals=shape), 0, 10) == 30


@given(st.floats(min_value=0, max_value=219.9))
def test_the_curve_is_inverted_exactly(number: float) -> None:
    curve = RateCurve.of(scenario())
    (at,) = curve.at_expected([number])
    assert curve.expected(at) == pytest.approx(number)


@given(count=st.integers(min_value=1, max_value=7))
def test_the_shares_of_n_processes_are_disjoint_and_everybody(count: int) -> None:
    whole = Schedule.of(scenario(**arriving("poisson", 3), **BESIDE), 9)
    shares = [whole.share(index, count) for index in range(count)]
    visits = sorted(visit.number for share in shares for visit in share.visits)
    callers = sorted(caller.number for share in shares for caller in share.callers)
    assert visits == [visit.number for visit in whole.visits]
    assert callers == [caller.number for caller in whole.callers]


def test_shares_are_of_one_size() -> None:
    whole = Schedule.of(scenario(**arriving("even", 3)), 9)
    assert {len(whole.share(index, 3).visits) for index in range(3)} == {110}


def test_patients_stay_away_and_drop_out_as_often_as_assumed() -> None:
    visits = Schedule.of(scenario(**arriving("poisson", 100)), 3).visits
    away = sum(visit.patient_due is None for visit in visits) / len(visits)
    twice = sum(len(visit.stays_seconds) == 2 for visit in visits) / len(visits)
    assert away == pytest.approx(0.03, abs=0.008)
    assert twice == pytest.approx(0.07, abs=0.01)


def test_patients_click_around_their_clinician_s_click() -> None:
    visits = Schedule.of(scenario(**arriving("poisson", 20)), 3).visits
    offsets = [v.patient_due - v.provider_due for v in visits[50:] if v.patient_due is not None]
    assert min(offsets) >= -1
    assert max(offsets) <= 2
    assert fmean(offsets) == pytest.approx(0.5, abs=0.1)


def test_no_patient_is_due_before_the_run_begins() -> None:
    early = {**PEOPLE, "patient_offset_seconds": [-30, -20]}
    visits = Schedule.of(scenario(people=early), 3).visits
    assert min(v.patient_due for v in visits if v.patient_due is not None) == 0


def test_an_idle_viewer_looks_at_the_newest_visit_that_had_time_to_begin() -> None:
    schedule = Schedule.of(scenario(**BESIDE), 4)
    viewers = [c for c in schedule.callers if c.persona is Persona.IDLE_VIEWER]
    assert viewers
    for viewer in viewers:
        begun = [v for v in schedule.visits if v.provider_due < viewer.due - 5]
        assert viewer.visit_number == begun[-1].number


def test_those_beside_the_visits_come_at_their_own_rates() -> None:
    callers = Schedule.of(scenario(measured_seconds=3000, **BESIDE), 4).callers
    admins = sum(caller.persona is Persona.PORTAL_ADMIN for caller in callers)
    assert admins == pytest.approx(1003, abs=130)
    assert len(callers) - admins == pytest.approx(1505, abs=160)


def test_an_open_run_needs_as_many_visits_as_come() -> None:
    assert visits_needed(scenario(), 1) == 220


def test_a_closed_run_needs_no_more_visits_than_quick_people_can_begin() -> None:
    users = {"provider": 4, "patient": 4, "pause_seconds": [1.7, 3]}
    closed = scenario(model="closed", users=users, arrivals=None)
    assert visits_needed(closed, 1) == 4 * 58
