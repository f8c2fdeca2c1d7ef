"""When the figures mean nothing: void, with the reason and what to do; and what holds all the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loadtest.records import Generator, Outcome
from loadtest.report import words
from loadtest.verdict.judgement import Exit, Verdict
from loadtest.verdict.judging import judged
from tests.loadtest.verdict.run_builder import RunBuilder

from loadtest.verdict import judge

Break = Callable[[RunBuilder], Any]


def generators(*found: tuple[float, float]) -> Break:
    def spoil(run: RunBuilder) -> None:
        run.generators = [
            Generator(process=n, cpu_share=share, lag_p99_ms=lag)
            for n, (share, lag) in enumerate(found)
        ]

    return spoil


def begin_late(run: RunBuilder) -> None:
    run.iterations = [
        replace(one, began_seconds=one.due_seconds + 0.3) if one.due_seconds % 20 == 0 else one
        for one in run.iterations
    ]


def forget_half(run: RunBuilder) -> None:
    run.iterations = [one for one in run.iterations if one.due_seconds % 1 == 0]


def measure_for_a_moment(run: RunBuilder) -> None:
    run.says(measured_to_seconds=30.0, rates=((0.0, 2.0), (30.0, 0.0)))


def drop_everybody(run: RunBuilder) -> None:
    run.each_iteration(lambda _one: True, outcome=Outcome.DROPPED, launch_ms=-1.0)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (generators((0.91, 4.0)), "used 91% of a core"),
        (generators((0.2, 4.0), (0.95, 4.0)), "Generating process 1 used 95%"),
        (generators((0.2, 151.0)), "woke up 151 ms late"),
        (generators((-1, -1)), "could not say how busy it was"),
        (generators(), "No generating process said"),
        (begin_late, "began more than 250 ms after they were due"),
        (forget_half, "Only 80 of about 160 visits"),
        (lambda run: run.says(ended_seconds=60.0), "ended after 60 s"),
        (measure_for_a_moment, "Only 80 launches began"),
        (drop_everybody, "Only 0 launches began"),
    ],
)
def test_a_run_that_says_nothing_is_void_and_says_why(
    good: RunBuilder, spoil: Break, says: str
) -> None:
    spoil(good)
    judgement = good.judged()
    assert (judgement.verdict, judgement.exit) == (Verdict.VOID, Exit.VOID)
    assert not judgement.passed
    assert any(says in one for one in words.sentences(judgement))
    assert all(one.remedy for one in judgement.voids)


def test_void_is_another_word_than_failed_for_slow_launches_too(good: RunBuilder) -> None:
    generators((0.97, 300.0))(good)
    good.each_iteration(lambda _one: True, launch_ms=9000.0)
    assert good.judged().verdict is Verdict.VOID


def test_what_was_lost_is_lost_however_busy_the_generator_was(good: RunBuilder) -> None:
    generators((0.97, 300.0))(good)
    good.ledger = replace(good.books, write_backs=good.books.write_backs[1:])
    judgement = good.judged()
    assert judgement.verdict is Verdict.FAILED
    assert "nothing-lost" in words.sentences(judgement)[0]
    assert any("say nothing" in one and "97%" in one for one in words.sentences(judgement))


def test_chance_makes_no_run_void(good: RunBuilder) -> None:
    good.iterations = [one for one in good.iterations if one.due_seconds % 7 != 0]
    assert good.judged().verdict is Verdict.PASSED


def test_the_closed_model_asks_for_no_rate(good: RunBuilder) -> None:
    good.says(model="closed", rates=())
    assert good.judged().verdict is Verdict.PASSED


def test_a_few_feed_events_void_nothing_but_are_not_called_kept(good: RunBuilder) -> None:
    good.requests = [one for one in good.requests if one.name.startswith("connector")]
    judgement = good.judged()
    assert judgement.verdict is Verdict.PASSED
    assert "Too few to say: feed-p95, feed-p99." in words.sentences(judgement)


def test_recovery_without_anything_to_recover_from_voids(good: RunBuilder) -> None:
    good.says(scenario="surge-10x")
    judgement = good.judged()
    assert judgement.verdict is Verdict.VOID
    assert "recovery cannot be said" in words.sentences(judgement)[0]


# Passed, but not everything was checked.


def test_without_a_ledger_a_run_does_not_simply_pass(good: RunBuilder) -> None:
    good.ledger = None
    judgement = good.judged()
    assert (judgement.verdict, judgement.exit) == (Verdict.UNCHECKED, Exit.UNCHECKED)
    assert words.headline(judgement) == "PASSED, TRUTH NOT CHECKED"
    assert not judgement.passed


def test_without_server_timing_a_run_does_not_simply_pass(good: RunBuilder) -> None:
    good.each_iteration(lambda _one: True, own_ms=-1.0)
    judgement = good.judged()
    assert words.headline(judgement) == "PASSED, NOT EVERYTHING CHECKED"
    assert "own-time-p95" in words.sentences(judgement)[-1]


def test_without_a_ledger_a_broken_promise_is_broken(good: RunBuilder) -> None:
    good.ledger = None
    good.each_iteration(lambda _one: True, launch_ms=9000.0)
    assert good.judged().verdict is Verdict.FAILED


def test_a_target_that_was_allowed_to_go_unchecked_passes(good: RunBuilder, tmp_path: Path) -> None:
    good.ledger = None
    good.says(target="https://visits.example")
    slos = tmp_path / "slo.toml"
    text = Path("loadtest/slo.toml").read_text()
    slos.write_text(text.replace("targets = []", 'targets = ["https://visits.*"]'))
    judgement = judged(good.write(), slos=slos, baselines=tmp_path)
    assert (judgement.verdict, judgement.exit) == (Verdict.UNCHECKED, Exit.PASSED)
    assert judgement.passed


# Broken files.


def spoil_file(name: str, text: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_text(text)


def spoil_run(old: str, new: str) -> Callable[[Path], Any]:
    def spoil(folder: Path) -> None:
        file = folder / "run.json"
        file.write_text(file.read_text().replace(old, new))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "run.json").unlink(), "run.json is not there"),
        (spoil_file("run.json", "{"), "cannot be judged"),
        (spoil_file("run.json", "{}"), "lacks 'rates'"),
        (spoil_run('"seed"', '"sed"'), "sed"),
        (spoil_run("+00:00", ""), "no time with a zone"),
        (spoil_run('"2026-11-27T08:00:00+00:00"', "null"), "no time with a zone"),
        (spoil_run('"measured_to_seconds": 90.0', '"measured_to_seconds": 10.0'), "is empty"),
        (lambda folder: (folder / "requests-0.csv").unlink(), "no requests*.csv"),
        (lambda folder: (folder / "iterations-0.csv").unlink(), "no iterations*.csv"),
        (lambda folder: (folder / "deeds-0.csv").unlink(), "no deeds*.csv"),
        (spoil_file("deeds-0.csv", "at_seconds,visit\n1,x\n"), "deeds-0.csv line 2"),
        (spoil_file("gauges.csv", "at_seconds\nsoon\n"), "gauges.csv line 2"),
        (spoil_file("ledger.json", "[]"), "cannot be judged"),
        (spoil_file("generators-0.json", "{}"), "lacks 'warnings'"),
        (spoil_file("requests-0.csv", "at_seconds,persona\n"), "hold no request"),
        (spoil_file("deeds-0.csv", "at_seconds,visit\n"), "lack the launch of visit csn-0"),
        (lambda folder: (folder / "deeds-0.csv").write_bytes(b"\xff\n\xff"), "cannot be judged"),
    ],
)
def test_torn_files_are_void_by_name_and_still_leave_a_report(
    good: RunBuilder, spoil: Callable[[Path], Any], says: str
) -> None:
    folder = good.write()
    spoil(folder)
    assert judge(folder) == Exit.VOID
    page = (folder / "report.html").read_text()
    assert "VOID" in page
    assert says in words.sentences(judged(folder))[0]
    assert (folder / "verdict.json").exists()


def test_an_empty_folder_is_void(tmp_path: Path) -> None:
    assert judge(tmp_path) == Exit.VOID
