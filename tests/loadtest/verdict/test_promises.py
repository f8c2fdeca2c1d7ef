"""Every promise can be broken, and then the run fails by that name and no other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from loadtest.hops import Hops, Part
from loadtest.personas.idle_viewer import EVENT_ON_PAGE
from loadtest.records import Iteration, Outcome, Persona, Request
from loadtest.report import words
from loadtest.verdict.evidence import HALFWAY
from loadtest.verdict.judgement import Exit, Judgement, Standing, Verdict
from tests.loadtest.verdict.run_builder import RunBuilder, is_visit

Break = Callable[[RunBuilder], Any]


def broken(judgement: Judgement) -> set[str]:
    return {one.slo.name for one in judgement.standing(Standing.BROKEN)}


def seen(judgement: Judgement, name: str) -> float | None:
    return next(one.seen.value for one in judgement.findings if one.slo.name == name)


def of(persona: Persona) -> Callable[[Iteration], bool]:
    return lambda one: one.persona is persona


def named(name: str) -> Callable[[Request], bool]:
    return lambda one: one.name == name


def shed_at(name: str) -> Break:
    return lambda run: run.each_request(
        lambda one: one.name == name and one.at_seconds == 30, outcome=Outcome.SHED, status=503
    )


def books(**changed: Any) -> Break:
    def spoil(run: RunBuilder) -> None:
        run.ledger = replace(run.books, **changed)

    return spoil


def lose_one(run: RunBuilder) -> None:
    run.ledger = replace(run.books, write_backs=run.books.write_backs[1:])


def repeat_one(run: RunBuilder) -> None:
    again = run.books.write_backs[0]
    run.ledger = replace(run.books, write_backs=(*run.books.write_backs, again))


def drop_a_patient(run: RunBuilder) -> None:
    one = is_visit(60, Persona.PATIENT)
    run.each_iteration(one, outcome=Outcome.DROPPED, launch_ms=-1.0)


def turn_away_a_few(run: RunBuilder) -> None:
    run.each_iteration(lambda one: 40 <= one.due_seconds < 41, outcome=Outcome.SHED, launch_ms=-1.0)


def test_a_run_that_keeps_every_promise_passes(good: RunBuilder) -> None:
    judgement = good.judged()
    assert (judgement.verdict, judgement.exit) == (Verdict.PASSED, Exit.PASSED)
    assert {one.standing for one in judgement.findings} == {Standing.KEPT}


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (lose_one, {"nothing-lost"}),
        (repeat_one, {"nothing-twice"}),
        (books(drained_seconds=-1), {"drained"}),
        (books(drained_seconds=61), {"drained"}),
        (
            lambda run: run.each_iteration(
                is_visit(60, Persona.PATIENT), outcome=Outcome.FAILED, launch_ms=-1.0
            ),
            {"launch-success"},
        ),
        (
            lambda run: run.each_iteration(is_visit(60, Persona.PATIENT), outcome=Outcome.FAILED),
            {"visit-success"},
        ),
        (drop_a_patient, {"nobody-dropped"}),
        (turn_away_a_few, {"achieved-rate"}),
        (shed_at("connector /launch/provider"), {"nobody-refused"}),
        (shed_at("connector /launch/callback"), {"nobody-refused", "begun-is-finished"}),
        (
            lambda run: run.each_request(
                named("connector /launch/patient"), outcome=Outcome.FAILED, status=503
            ),
            {"refused-politely"},
        ),
        (
            lambda run: run.each_iteration(of(Persona.PATIENT), own_ms=151.0),
            {"own-time-p95"},
        ),
        (
            lambda run: run.each_iteration(lambda one: one.due_seconds % 20 == 0, own_ms=401.0),
            {"own-time-p99"},
        ),
        (
            lambda run: run.each_iteration(of(Persona.PROVIDER), launch_ms=901.0),
            {"provider-launch-p95"},
        ),
        (
            lambda run: run.each_iteration(of(Persona.PATIENT), launch_ms=901.0),
            {"patient-launch-p95"},
        ),
        (
            lambda run: run.each_request(
                lambda one: one.name == EVENT_ON_PAGE and one.at_seconds % 5 == 0,
                elapsed_ms=3000.0,
            ),
            {"feed-p95"},
        ),
        (
            lambda run: run.each_request(named(EVENT_ON_PAGE), elapsed_ms=5001.0),
            {"feed-p95", "feed-p99"},
        ),
        (lambda run: run.each_gauge(outbox_oldest_seconds=61.0), {"write-backs-in-time"}),
    ],
)
def test_a_broken_promise_fails_the_run_by_its_name(
    good: RunBuilder, spoil: Break, names: set[str]
) -> None:
    spoil(good)
    judgement = good.judged()
    assert broken(judgement) == names
    assert (judgement.verdict, judgement.exit) == (Verdict.FAILED, Exit.FAILED)
    assert all(any(name in one for one in words.sentences(judgement)) for name in names)


def test_a_delay_of_300_ms_at_every_answer_from_outside_breaks_the_smoke_run(
    good: RunBuilder,
) -> None:
    good.says(scenario="smoke", fault="delay-300ms")
    good.iterations = [
        replace(one, launch_ms=one.launch_ms + 5 * 300, upstream_ms=one.upstream_ms + 5 * 300)
        for one in good.iterations
    ]
    assert broken(good.judged()) == {"provider-launch-p95", "patient-launch-p95"}


def test_only_who_was_due_in_the_measured_window_counts(good: RunBuilder) -> None:
    good.says(measured_to_seconds=80.0, rates=((0.0, 2.0), (80.0, 0.0)))
    outside = [one for one in good.iterations if not 10 <= one.due_seconds < 80]
    good.each_iteration(lambda one: one in outside, launch_ms=9000.0, own_ms=9000.0)
    good.each_request(lambda one: not 10 <= one.at_seconds < 80, status=503, outcome=Outcome.FAILED)
    assert good.judged().verdict is Verdict.PASSED


def test_what_is_lost_while_nobody_measures_is_lost(good: RunBuilder) -> None:
    good.ledger = replace(
        good.books, write_backs=tuple(o for o in good.books.write_backs if o.visit != "csn-2")
    )
    assert broken(good.judged()) == {"nothing-lost"}


def test_the_age_of_the_outbox_counts_until_the_last_sample(good: RunBuilder) -> None:
    good.gauges = [
        replace(one, outbox_oldest_seconds=99.0) if one.at_seconds == 119 else one
        for one in good.gauges
    ]
    assert broken(good.judged()) == {"write-backs-in-time"}


def test_a_refusal_by_somebody_else_is_not_the_connector_s(good: RunBuilder) -> None:
    good.each_request(
        named("connector /launch/patient"), name="EHR authorize", status=503, outcome=Outcome.FAILED
    )
    assert broken(good.judged()) == set()


def test_a_patient_whose_provider_was_turned_away_is_not_held_against_the_visit(
    good: RunBuilder,
) -> None:
    good.each_iteration(is_visit(60, Persona.PROVIDER), outcome=Outcome.SHED, launch_ms=-1.0)
    good.each_iteration(is_visit(60, Persona.PATIENT), outcome=Outcome.FAILED)
    assert "visit-success" not in broken(good.judged())


def test_who_was_refused_once_and_then_served_counts_apart_in_an_overload(
    good: RunBuilder,
) -> None:
    good.says(scenario="overload-3x", fault="ehr_delay 1 ms at 40 s")
    good.each_iteration(lambda one: one.due_seconds % 4 == 0, shed=1, launch_ms=9000.0)
    judgement = good.judged()
    assert judgement.verdict is Verdict.PASSED
    assert (seen(judgement, "served-launch-p95") or 0) < 300


def test_slow_service_of_who_was_never_refused_breaks_an_overload(good: RunBuilder) -> None:
    good.says(scenario="overload-3x", fault="ehr_delay 1 ms at 40 s")
    good.each_iteration(lambda one: one.due_seconds % 4 == 0, launch_ms=9000.0)
    assert broken(good.judged()) == {"served-launch-p95"}


def surge(run: RunBuilder, slow_until: float) -> None:
    run.says(scenario="ehr-slow", fault="ehr_delay 2000 ms at 40 s, ehr_clear at 44 s")
    run.says(measured_to_seconds=120.0, ended_seconds=150.0)
    run.says(rates=((0.0, 2.0), (90.0, 0.0)))
    run.each_iteration(lambda one: 40 <= one.due_seconds < slow_until, launch_ms=5000.0)


def test_recovery_is_the_time_until_launches_are_as_before(good: RunBuilder) -> None:
    surge(good, slow_until=58)
    assert seen(good.judged(), "recovery") == 15


def test_what_never_recovers_breaks_the_promise(good: RunBuilder) -> None:
    surge(good, slow_until=90)
    judgement = good.judged()
    assert broken(judgement) == {"recovery"}
    assert "recovery broke: never" in words.sentences(judgement)[0]


def test_a_relapse_is_no_recovery(good: RunBuilder) -> None:
    surge(good, slow_until=44)
    good.each_iteration(lambda one: one.due_seconds >= 80, launch_ms=5000.0)
    assert "recovery" in broken(good.judged())


def test_one_slow_launch_in_twenty_five_is_a_tail(good: RunBuilder) -> None:
    good.says(scenario="seventy-percent")
    good.each_iteration(lambda one: int(one.due_seconds * 2) % 25 == 0, own_ms=101.0)
    judgement = good.judged()
    assert broken(judgement) == {"own-time-spread"}
    assert (seen(judgement, "own-time-spread") or 0) > 3


def test_launches_that_are_all_slow_have_no_tail(good: RunBuilder) -> None:
    good.says(scenario="seventy-percent")
    good.iterations = [replace(one, own_ms=one.own_ms * 4) for one in good.iterations]
    assert seen(good.judged(), "own-time-spread") == pytest.approx(1.2, abs=0.1)


def test_growing_memory_breaks_a_soak(good: RunBuilder) -> None:
    good.says(scenario="soak")
    good.gauges = [replace(o, resident_bytes=8e7 + 4e5 * o.at_seconds) for o in good.gauges]
    assert broken(good.judged()) == {"memory-growth"}


def test_slower_and_slower_launches_break_a_soak(good: RunBuilder) -> None:
    good.says(scenario="soak")
    good.iterations = [replace(o, launch_ms=200 + 3 * o.due_seconds) for o in good.iterations]
    assert broken(good.judged()) == {"latency-growth"}


def test_a_refusal_halfway_is_known_by_the_names_the_generator_gives() -> None:
    root = "https://127.0.0.1:1"
    hops = Hops(((root, Part.CONNECTOR),))
    paths = ("/launch/callback", "/launch/signed-in")
    assert {hops.name_of("GET", root + path) for path in paths} == {*HALFWAY}
