from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.unit.release.recorded_help import unknown_flags
from tests.unit.release.stand_ins import ROOT, StandIns

SCRIPT = "drift.sh"
EXPECTED_NONE = "error: no changes were expected but changes were proposed"
BROKEN_RULE = "error: one or more mandatory policy violations were found"


def asked(pulumi: StandIns, *stacks: str, **environment: str) -> CompletedProcess[str]:
    return pulumi.run(SCRIPT, *stacks, DRIFT_LOGS=f"{pulumi.folder}/logs", **environment)


@pytest.fixture
def pulumi(tmp_path: Path) -> StandIns:
    """Every stack as it should be."""
    stand_ins = StandIns(tmp_path)
    stand_ins.install("pulumi")
    return stand_ins


def test_all_six_stacks_are_asked_three_questions_in_their_own_state(pulumi: StandIns) -> None:
    done = asked(pulumi)
    assert (done.returncode, len(pulumi.calls)) == (0, 18)
    assert done.stdout.count(" ok ") == 18
    assert pulumi.backends == {
        f"azblob://pulumi-state-{environment}?storage_account=stehrpulumi{geography}"
        for geography in ("americas", "emea", "apac")
        for environment in ("test", "production")
    }


def test_nothing_is_asked_that_changes_anything(pulumi: StandIns) -> None:
    asked(pulumi, "emea-test")
    assert [call[1:5] for call in pulumi.calls] == [
        ["refresh", "--preview-only", "--expect-no-changes", "--stack"],
        ["preview", "--refresh", "--expect-no-changes", "--stack"],
        ["policy", "analyze", "--policy-pack", "infra/policy"],
    ]
    assert [flag for call in pulumi.calls for flag in unknown_flags(call)] == []


@pytest.mark.parametrize(
    ("question", "says", "word"),
    [
        ("refresh", EXPECTED_NONE, "drift"),
        ("preview", EXPECTED_NONE, "drift"),
        ("policy", BROKEN_RULE, "broken"),
        ("refresh", "error: failed to get credentials", "failed"),
        ("preview", "error: no language plugin", "failed"),
        ("preview", BROKEN_RULE, "broken"),
        ("policy", "error: no such policy pack", "failed"),
    ],
)
def test_one_finding_is_shown_and_the_other_stacks_are_still_asked(
    pulumi: StandIns, question: str, says: str, word: str
) -> None:
    pulumi.answer(f"pulumi {question}", says, status=255)
    done = asked(pulumi, "emea-test", "apac-production")
    assert (done.returncode, len(pulumi.calls), done.stdout.count(word)) == (1, 6, 2)
    assert f"is in {pulumi.folder}/logs" in done.stderr


def test_a_backend_that_was_chosen_is_kept(pulumi: StandIns) -> None:
    asked(pulumi, "emea-test", PULUMI_BACKEND_URL="file:///state")
    assert pulumi.backends == {"file:///state"}


@pytest.mark.parametrize("stack", ["emea", "europe-test", "emea-staging", "--all", "; rm -rf x"])
def test_an_unknown_stack_is_refused_before_pulumi_is_called(pulumi: StandIns, stack: str) -> None:
    done = asked(pulumi, "emea-test", stack)
    assert (done.returncode, pulumi.calls) == (2, [])


def test_without_pulumi_it_says_so(tmp_path: Path) -> None:
    done = asked(StandIns(tmp_path), "emea-test")
    assert (done.returncode, "not installed" in done.stderr) == (1, True)


def test_the_logs_stay_out_of_the_repository() -> None:
    assert "artefacts/" in (ROOT / ".gitignore").read_text()
