"""A run whose launches were prepared: nobody to ask what was lost, and a file that may be shorter than the scenario."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from loadtest.records import Outcome, Persona, Prepared
from loadtest.report import document, words
from loadtest.verdict.judgement import Exit, Judgement, Standing, Verdict
from tests.loadtest.verdict.run_builder import RunBuilder, is_visit

from loadtest import report

PATIENT, PROVIDER = Persona.PATIENT, Persona.PROVIDER
TARGET = "https://visits.example"


def prepared(folder: Path, ran_out_seconds: float = -1.0) -> RunBuilder:
    """Everything went well; nobody joined, and there is no ledger."""
    run = RunBuilder(folder / "run")
    run.ledger, run.deeds = None, []
    given = Prepared(providers=160, patients=160, ran_out_seconds=ran_out_seconds)
    run.says(prepared=given, target=TARGET)
    run.each_gauge(outbox_pending=-1.0, outbox_oldest_seconds=-1.0)
    return run


def run_out(folder: Path, at_seconds: float) -> RunBuilder:
    run = prepared(folder, at_seconds)
    run.iterations = [one for one in run.iterations if one.due_seconds < at_seconds]
    run.says(ended_seconds=at_seconds + 5)
    if at_seconds > run.run.measured_from_seconds:
        run.says(measured_to_seconds=at_seconds, rates=((0.0, 2.0), (at_seconds, 0.0)))
    return run


def standing(judgement: Judgement) -> dict[str, Standing]:
    return {one.slo.name: one.standing for one in judgement.findings}


def test_the_truth_is_not_checked_and_nothing_lost_is_not_claimed(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    judgement = run.judged()
    assert judgement.exit is Exit.UNCHECKED
    assert words.headline(judgement) == "PASSED, TRUTH NOT CHECKED"
    found = standing(judgement)
    assert {found["nothing-lost"], found["nothing-twice"]} == {Standing.NOT_CHECKED}
    assert {found["drained"], found["write-backs-in-time"]} == {Standing.NOT_CHECKED}
    report.write(run.folder, judgement)
    said = json.loads((run.folder / "verdict.json").read_text())
    assert said["truth"] == {"checked": False}
    assert not said["passed"]
    page = (run.folder / "report.html").read_text()
    assert "not checked" in page
    assert "0 lost" not in page


def test_that_people_joined_is_not_claimed_where_nobody_could(tmp_path: Path) -> None:
    found = standing(prepared(tmp_path).judged())
    assert found["visit-success"] is Standing.NOT_CHECKED
    assert found["launch-success"] is Standing.KEPT


def test_a_patient_who_waited_in_vain_breaks_the_promise_all_the_same(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    run.each_iteration(is_visit(40, PATIENT), outcome=Outcome.FAILED, error="no_meeting")
    judgement = run.judged()
    assert judgement.exit is Exit.FAILED
    assert standing(judgement)["visit-success"] is Standing.BROKEN


def test_launches_that_did_not_get_through_fail_the_run(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    run.each_iteration(is_visit(40), outcome=Outcome.FAILED, launch_ms=-1.0, error="status_400")
    assert run.judged().exit is Exit.FAILED


@pytest.mark.parametrize(
    ("nobody", "counted"), [(PATIENT, (160, 0)), (PROVIDER, (0, 160))], ids=str
)
def test_a_persona_for_whom_nothing_was_prepared_is_not_checked_and_voids_nothing(
    tmp_path: Path, nobody: Persona, counted: tuple[int, int]
) -> None:
    run = prepared(tmp_path)
    providers, patients = counted
    run.says(prepared=Prepared(providers=providers, patients=patients))
    run.iterations = [one for one in run.iterations if one.persona is not nobody]
    judgement = run.judged()
    assert judgement.voids == ()
    assert standing(judgement)[f"{nobody}-launch-p95"] is Standing.NOT_CHECKED


def test_patients_who_were_prepared_and_did_not_come_are_missed(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    run.iterations = [one for one in run.iterations if one.persona is PROVIDER]
    assert run.judged().verdict is Verdict.VOID


def test_half_of_the_visits_is_missed_also_where_only_patients_come(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    run.says(prepared=Prepared(providers=0, patients=160))
    run.iterations = [
        one for one in run.iterations if one.persona is PATIENT and one.due_seconds % 1 == 0
    ]
    voids = run.judged().voids
    assert any("Only 80 of about 160 visits" in one.reason for one in voids)


def test_when_launches_ran_out_what_came_until_then_is_judged(tmp_path: Path) -> None:
    judgement = run_out(tmp_path, 70.0).judged()
    assert judgement.voids == ()
    assert judgement.exit is Exit.UNCHECKED
    said = words.sentences(judgement)
    assert said[-1].startswith("Launches ran out after 320, at second 70; what came until then")
    assert document.of(judgement)["because"] == said


def test_a_failed_run_says_too_that_launches_ran_out(tmp_path: Path) -> None:
    run = run_out(tmp_path, 70.0)
    run.each_iteration(is_visit(40), outcome=Outcome.FAILED, launch_ms=-1.0, error="status_400")
    judgement = run.judged()
    assert judgement.exit is Exit.FAILED
    assert "Launches ran out after 320" in words.sentences(judgement)[-1]


def test_too_few_before_launches_ran_out_is_void_and_says_why_first(tmp_path: Path) -> None:
    judgement = run_out(tmp_path, 25.0).judged()
    assert judgement.exit is Exit.VOID
    said = words.sentences(judgement)
    assert said[0].startswith("Launches ran out after 320, at second 25")
    assert any("Only 60 launches began" in one for one in said)


@pytest.mark.parametrize("at_seconds", [0.0, 6.0, 10.0])
def test_launches_that_ran_out_in_the_warm_up_are_void(tmp_path: Path, at_seconds: float) -> None:
    judgement = run_out(tmp_path, at_seconds).judged()
    assert judgement.exit is Exit.VOID
    assert judgement.voids[0].reason.startswith("Launches ran out after 320, at second")
    assert "before the measured time began (10 s)" in judgement.voids[0].reason
    assert not any("did not keep its schedule" in one.reason for one in judgement.voids)
    assert sum("ran out" in one for one in words.sentences(judgement)) == 1


def test_a_file_that_sufficed_is_not_mentioned(tmp_path: Path) -> None:
    assert not any("ran out" in one for one in words.sentences(prepared(tmp_path).judged()))


def test_how_to_repeat_the_run_names_no_file_but_the_option(tmp_path: Path) -> None:
    run = prepared(tmp_path).run
    assert words.how_to_repeat(run).endswith(f"--target {TARGET} --launches …")
    assert "--launches" not in words.how_to_repeat(replace(run, prepared=None))
