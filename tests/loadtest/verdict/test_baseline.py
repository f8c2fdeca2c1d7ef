"""A stored run to compare with: kept on request, told as ratios, and nearly never a reason to fail."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from loadtest.report import words
from loadtest.verdict.__main__ import main
from loadtest.verdict.baseline import GATED, Baseline
from loadtest.verdict.judgement import Exit, Judgement, Verdict
from loadtest.verdict.judging import BaselineRefused, judged, keep_baseline
from tests.loadtest.verdict.run_builder import RunBuilder


@pytest.fixture
def baselines(good: RunBuilder, tmp_path: Path) -> Path:
    """With the good run's in it."""
    keep_baseline(good.write(), baselines=tmp_path / "baselines")
    return tmp_path / "baselines"


@pytest.fixture
def later(tmp_path: Path) -> RunBuilder:
    return RunBuilder(tmp_path / "run-2")


def against(run: RunBuilder, baselines: Path) -> Judgement:
    return judged(run.write(), baselines=baselines)


def ratios(judgement: Judgement) -> dict[str, float]:
    assert judgement.comparison is not None
    return {one.name: round(one.ratio, 2) for one in judgement.comparison.ratios}


def use_cpu(run: RunBuilder, factor: float) -> None:
    run.gauges = [replace(one, cpu_seconds=one.cpu_seconds * factor) for one in run.gauges]


def test_the_same_run_again_is_as_before(later: RunBuilder, baselines: Path) -> None:
    judgement = against(later, baselines)
    assert set(ratios(judgement).values()) == {1.0}
    assert judgement.comparison is not None
    assert judgement.comparison.warnings == []
    assert judgement.verdict is Verdict.PASSED


def test_the_connector_s_cpu_is_its_parts_over_the_launches(baselines: Path) -> None:
    kept = json.loads((baselines / "synthetic.json").read_text())
    assert kept["figures"][GATED] == pytest.approx(3 * 80 * 50 / 320)


@pytest.mark.parametrize(
    ("factor", "verdict", "warned"),
    [(1.2, Verdict.PASSED, 0), (1.9, Verdict.PASSED, 1), (2.1, Verdict.FAILED, 1)],
)
def test_only_far_more_cpu_fails_a_run(
    later: RunBuilder, baselines: Path, factor: float, verdict: Verdict, warned: int
) -> None:
    use_cpu(later, factor)
    judgement = against(later, baselines)
    assert judgement.verdict is verdict
    assert judgement.comparison is not None
    assert len(judgement.comparison.warnings) == warned


def test_far_more_cpu_on_another_machine_is_told_and_fails_nothing(
    later: RunBuilder, baselines: Path
) -> None:
    use_cpu(later, 9)
    later.says(machine="another processor")
    judgement = against(later, baselines)
    assert judgement.comparison is not None
    assert not judgement.comparison.same_machine
    assert judgement.verdict is Verdict.PASSED
    assert ratios(judgement)[GATED] == 9


def test_slower_launches_within_the_promises_are_warned_about(
    later: RunBuilder, baselines: Path
) -> None:
    later.iterations = [replace(one, launch_ms=one.launch_ms * 2) for one in later.iterations]
    judgement = against(later, baselines)
    assert judgement.comparison is not None
    assert len(judgement.comparison.warnings) == 2
    assert judgement.verdict is Verdict.PASSED


def test_fewer_launches_a_second_are_worse_not_better(later: RunBuilder, baselines: Path) -> None:
    later.iterations = [one for one in later.iterations if one.due_seconds % 7 != 0]
    judgement = against(later, baselines)
    assert judgement.comparison is not None
    found = {one.name: one for one in judgement.comparison.ratios}["launches_per_second"]
    assert found.ratio < 1 < found.worse


def test_a_part_nobody_sampled_is_left_out(later: RunBuilder, baselines: Path) -> None:
    later.each_gauge(cpu_seconds=-1.0)
    assert GATED not in ratios(against(later, baselines))


def test_another_scenario_has_another_baseline(later: RunBuilder, baselines: Path) -> None:
    later.says(scenario="other")
    assert against(later, baselines).comparison is None


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"scenario": "synthetic"}'])
def test_a_torn_baseline_voids_and_is_named(later: RunBuilder, baselines: Path, text: str) -> None:
    (baselines / "synthetic.json").write_text(text)
    judgement = against(later, baselines)
    assert judgement.verdict is Verdict.VOID
    assert "synthetic.json is no baseline" in words.sentences(judgement)[0]


def test_a_failed_run_is_none_to_compare_with(later: RunBuilder, tmp_path: Path) -> None:
    later.each_iteration(lambda _one: True, launch_ms=9000.0)
    with pytest.raises(BaselineRefused, match="failed"):
        keep_baseline(later.write(), baselines=tmp_path / "none")


def test_a_void_run_is_none_to_compare_with(later: RunBuilder, tmp_path: Path) -> None:
    later.generators = []
    with pytest.raises(BaselineRefused, match="void"):
        keep_baseline(later.write(), baselines=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_what_was_broken_on_purpose_is_none_to_compare_with(
    later: RunBuilder, tmp_path: Path
) -> None:
    later.says(fault="delay-300ms")
    with pytest.raises(BaselineRefused, match="on purpose"):
        keep_baseline(later.write(), baselines=tmp_path / "none")


def test_every_stored_baseline_can_be_read() -> None:
    folder = Path("loadtest/baselines")
    names = [file.stem for file in folder.glob("*.json")]
    assert [kept.scenario for name in names if (kept := Baseline.kept(name, folder))] == names


def test_the_command_judges_a_folder_again(later: RunBuilder) -> None:
    assert main([str(later.write())]) == Exit.PASSED


def test_the_command_keeps_nothing_of_a_failed_run(
    later: RunBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    later.generators = []
    assert main(["--keep-baseline", str(later.write())]) == Exit.FAILED
    assert "no run to compare others with" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--unknown", "x"]])
def test_a_wrong_command_is_not_taken_for_a_void_run(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE
