"""The capacity model: bounds that must hold whatever the numbers are, and how a prediction is judged."""

from dataclasses import replace

import pytest
from loadtest.bench.model import Cost, elsewhere_per_second, off_percent, predict
from loadtest.bench.postgres import Writes
from loadtest.bench.scale_check import ALONE, BASE, FORETOLD, Seen, base_cost, check

COST = Cost(
    web_ms=6.0,
    postgres_ms=2.0,
    outside_ms=3.0,
    generator_ms=1.0,
    upstream_ms=120.0,
    gate_ms=1.0,
)


def test_one_person_launches_as_often_as_a_launch_takes() -> None:
    alone = predict(COST, processes=1, cores=2, at_once=1)
    # waiting, what is computed for them, and the gate: the outside computes while they wait
    assert alone.launch_ms == pytest.approx(120 + 6 + 2 + 1 + 1)
    assert alone.per_second == pytest.approx(1000 / alone.launch_ms)
    assert alone.bound == "launches at once"


@pytest.mark.parametrize(
    ("processes", "cores", "most"),
    [(4, 2, 2 * 1000 / 12), (1, 8, 1000 / 6), (16, 64, 1000 / 1)],
    ids=["cores", "one process", "the gate"],
)
def test_however_many_launch_the_scarcest_thing_is_never_exceeded_and_nearly_used_up(
    processes: int, cores: int, most: float
) -> None:
    crowd = predict(COST, processes=processes, cores=cores, at_once=2000)
    assert most * 0.8 < crowd.per_second <= most


@pytest.mark.parametrize(
    ("changed", "bound"),
    [
        ({"gate_ms": 0.0, "postgres_ms": 40.0}, "cores"),
        ({"gate_ms": 0.0, "web_ms": 40.0}, "web's processes"),
        ({"gate_ms": 40.0}, "the audit trail's gate"),
        ({"upstream_ms": 5000.0}, "launches at once"),
    ],
)
def test_what_a_launch_needs_much_of_is_named(changed: dict[str, float], bound: str) -> None:
    assert predict(replace(COST, **changed), processes=1, cores=2, at_once=16).bound == bound


def test_more_people_make_more_launches_until_they_stand_in_one_another_s_way() -> None:
    rates = [predict(COST, processes=2, cores=2, at_once=n).per_second for n in range(1, 80)]
    assert rates[:16] == sorted(rates[:16])
    assert min(rates[24:]) > max(rates) * 0.9


def test_who_waits_for_a_processor_inside_the_gate_holds_up_everybody() -> None:
    """So a stamp with little to compute is held up less by the same gate."""
    slow = replace(COST, gate_ms=8.0)
    narrow = predict(slow, processes=2, cores=2, at_once=64).per_second
    wide = predict(slow, processes=32, cores=32, at_once=64).per_second
    assert narrow < wide <= 1000 / 8


def test_a_slower_gate_makes_fewer_launches() -> None:
    slow = predict(replace(COST, gate_ms=10.0), processes=2, cores=2, at_once=32)
    assert slow.per_second < 100 < predict(COST, processes=2, cores=2, at_once=32).per_second


@pytest.mark.parametrize("wrong", [{"processes": 0}, {"cores": 0}, {"at_once": 0}])
def test_nothing_is_foretold_of_no_process_no_core_or_nobody(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="begin at 1"):
        predict(COST, **({"processes": 1, "cores": 1, "at_once": 1} | wrong))


def test_what_the_bench_itself_uses_is_subtracted() -> None:
    assert elsewhere_per_second(COST, cores=2) == pytest.approx(2 * 1000 / 8)


def test_too_much_promised_is_positive_and_too_little_negative() -> None:
    assert off_percent(125, 100) == pytest.approx(25)
    assert off_percent(80, 100) == pytest.approx(-20)


def seen(per_second: float, cost: Cost = COST) -> Seen:
    return Seen(
        per_second=per_second,
        cost=cost,
        p50_ms=100.0,
        p99_ms=200.0,
        connections=16,
        waiting_for_gate=0.1,
        cores_busy=2.0,
        cores_stolen=0.0,
        memory_mib=(50.0,),
        writes=Writes(1, 1, 0, 2, 3000),
    )


def a_round(factor: float, upstream_alone_ms: float = 100.0) -> dict[object, Seen]:
    """In which everything reaches `factor` times what the model says of it."""
    measured = {ALONE: seen(30, replace(COST, upstream_ms=upstream_alone_ms)), BASE: seen(100)}
    cost = base_cost(measured)
    for one in FORETOLD:
        slower = replace(cost, gate_ms=cost.gate_ms + one.slower_commit_ms)
        said = predict(slower, processes=one.processes, cores=2, at_once=one.at_once)
        measured[one] = seen(said.per_second * factor, slower)
    return measured


def test_the_model_is_given_the_waiting_of_those_who_met_nobody() -> None:
    assert base_cost(a_round(1.0)) == replace(COST, upstream_ms=100.0)


@pytest.mark.parametrize("setting", FORETOLD)
def test_a_prediction_that_came_true_holds(setting) -> None:
    checked = check([a_round(1.0), a_round(1.1), a_round(0.9)], setting, cores=2)
    assert checked.off_percent == pytest.approx(0, abs=1e-9)
    assert checked.holds


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_a_prediction_far_off_in_most_rounds_does_not_hold(factor: float) -> None:
    checked = check([a_round(factor), a_round(factor), a_round(1.0)], FORETOLD[0], cores=2)
    assert not checked.holds


def test_slower_commits_are_foretold_by_a_gate_held_longer() -> None:
    slow = next(one for one in FORETOLD if one.slower_commit_ms)
    quick = next(
        one
        for one in FORETOLD
        if not one.slower_commit_ms
        and (one.processes, one.at_once) == (slow.processes, slow.at_once)
    )
    rounds = [a_round(1.0)]
    assert check(rounds, slow, cores=2).predicted < check(rounds, quick, cores=2).predicted


def test_nothing_is_judged_without_a_round() -> None:
    with pytest.raises(ValueError, match="there was none"):
        check([], FORETOLD[0], cores=2)


def test_writes_are_told_per_launch() -> None:
    written = Writes(30, 20, 10, 40, 6000) - Writes(10, 10, 0, 20, 1000)
    assert written.per(10) == Writes(2, 1, 1, 2, 500)
    assert written.rows == 40


@pytest.mark.parametrize("count", [0, -1])
def test_writes_of_nothing_are_an_error(count: int) -> None:
    with pytest.raises(ValueError, match="there was none"):
        Writes(1, 1, 1, 1, 1).per(count)
