import json
from pathlib import Path

import pytest
from scripts.release.outcomes import Unreadable
from scripts.release.stack_file import StackFile
from scripts.shift_traffic import main
from tests.unit.release.checkout import NEW, OLD, PRODUCTION, Checkout

STACK = "emea-production"
SIX = sorted(Path("infra/stacks").glob("Pulumi.*.yaml"))


@pytest.fixture
def shifting(checkout: Checkout) -> Checkout:
    """Production runs the new image as candidate, at 10 percent."""
    checkout.edit(STACK, OLD, NEW)
    checkout.edit(STACK, "candidateWeight: 0", "candidateWeight: 10")
    return checkout


def run(checkout: Checkout, *more: str) -> int:
    return main([STACK, *checkout.arguments(*more)], checkout.root)


def test_the_weight_s_line_changes_and_no_other(shifting: Checkout) -> None:
    before = shifting.production.read_text()
    assert run(shifting, "--weight", "50") == 0
    assert shifting.production.read_text() == before.replace("Weight: 10", "Weight: 50")


def test_a_weight_is_added_below_config_when_there_is_none(checkout: Checkout) -> None:
    checkout.edit(STACK, "  teams-ehr-connector:candidateWeight: 0\n", "")
    assert run(checkout, "--weight", "10") == 0
    lines = checkout.production.read_text().splitlines()
    assert lines[:2] == ["config:", "  teams-ehr-connector:candidateWeight: 10"]


def test_finishing_makes_the_running_revision_the_stable_one(shifting: Checkout) -> None:
    run(shifting, "--weight", "100")
    assert run(shifting, "--finish") == 0
    config = StackFile.read(shifting.root, STACK)
    assert (config.stable_revision, config.candidate_weight) == ("r111bbbb", 0)
    assert run(shifting, "--finish") == 0


def test_rolling_back_takes_all_from_the_candidate(
    shifting: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(shifting, "--rollback", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["next"] == [f"pulumi up --stack {STACK} --policy-pack infra/policy"]
    assert StackFile.read(shifting.root, STACK).candidate_weight == 0


@pytest.fixture
def finished(checkout: Checkout) -> Checkout:
    """Production's new image is the stable one; before it, r000aaaa was."""
    checkout.edit(STACK, OLD, NEW)
    checkout.edit(STACK, "r000aaaa", "r111bbbb")
    return checkout


def test_after_finishing_the_revision_that_was_stable_before_takes_all_again(
    finished: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(finished, "--rollback", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["next"][0] == f"scripts/prepare_stamp.sh {STACK}"  # it activates that revision
    config = StackFile.read(finished.root, STACK)
    assert (config.stable_revision, config.candidate_weight) == ("r000aaaa", 0)
    assert run(finished, "--rollback") == 0
    assert StackFile.read(finished.root, STACK).stable_revision == "r000aaaa"


def test_a_finish_that_was_not_committed_is_gone_back_from_too(shifting: Checkout) -> None:
    run(shifting, "--weight", "100")
    run(shifting, "--finish")
    assert run(shifting, "--rollback") == 0
    assert StackFile.read(shifting.root, STACK).stable_revision == "r000aaaa"


@pytest.mark.parametrize("before", ["0000aaaa", "", "r111bbbb"])
def test_without_a_former_revision_it_is_said_how_to_go_back(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], before: str
) -> None:
    text = PRODUCTION.replace("r000aaaa", f'"{before}"').replace(OLD, NEW)
    checkout.write("infra/stacks/Pulumi.emea-production.yaml", text)
    checkout.git("commit", "--quiet", "--all", "--amend", "--message", "the first")
    checkout.edit(STACK, f'stableRevision: "{before}"', "stableRevision: r111bbbb")
    assert run(checkout, "--rollback") == 1
    assert "set release to 2" in capsys.readouterr().err


def test_there_is_no_going_back_without_a_stable_revision(checkout: Checkout) -> None:
    checkout.edit(STACK, "  teams-ehr-connector:stableRevision: r000aaaa\n", "")
    assert run(checkout, "--rollback") == 1


def test_what_is_so_already_changes_nothing(
    shifting: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shifting.production.stat().st_mtime_ns
    assert run(shifting, "--weight", "10") == 0
    assert (shifting.production.stat().st_mtime_ns, "nothing" in capsys.readouterr().out) == (
        before,
        True,
    )


def test_a_dry_run_changes_nothing(shifting: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    before = shifting.production.read_bytes()
    assert run(shifting, "--weight", "50", "--dry-run") == 0
    assert "+  teams-ehr-connector:candidateWeight: 50" in capsys.readouterr().out
    assert shifting.production.read_bytes() == before


def test_finishing_early_is_refused(shifting: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shifting, "--finish") == 1
    assert "takes 10 percent" in capsys.readouterr().err


def test_finishing_what_was_never_deployed_is_refused(
    shifting: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    shifting.outputs["imageDigest"] = OLD
    assert run(shifting, "--finish") == 1
    assert "`pulumi up` first" in capsys.readouterr().err


def test_a_first_image_is_finished_without_weights(checkout: Checkout) -> None:
    checkout.edit(STACK, "  teams-ehr-connector:stableRevision: r000aaaa\n", "")
    checkout.edit(STACK, OLD, NEW)
    assert run(checkout, "--finish") == 0
    assert StackFile.read(checkout.root, STACK).stable_revision == "r111bbbb"


def test_a_weight_without_a_stable_revision_is_refused(checkout: Checkout) -> None:
    checkout.edit(STACK, "  teams-ehr-connector:stableRevision: r000aaaa\n", "")
    assert run(checkout, "--weight", "10") == 1


def test_a_foundation_has_nothing_to_shift(checkout: Checkout) -> None:
    checkout.edit(STACK, f"  teams-ehr-connector:imageDigest: {OLD}  # promoted\n", "")
    assert run(checkout, "--weight", "10") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [STACK],
        ["emea", "--finish"],
        [STACK, "--finish", "--rollback"],
        [STACK, "--weight", "ten"],
        [f"{STACK}/../x", "--weight", "1"],
    ],
)
def test_wrong_arguments_end_with_two(checkout: Checkout, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, checkout.root)
    assert ended.value.code == 2


@pytest.mark.parametrize("path", SIX, ids=lambda path: path.stem)
def test_every_stack_file_of_the_repository_can_be_edited(path: Path) -> None:
    file = StackFile.read(Path(), path.stem.removeprefix("Pulumi."))
    text = file.with_values(
        {"imageDigest": NEW, "stableRevision": "r111bbbb", "candidateWeight": 7}
    )
    kept = [line for line in text.splitlines() if "imageDigest: sha256:b" not in line]
    kept = [line for line in kept if 'stableRevision: "r1' not in line and "Weight: 7" not in line]
    before = [line for line in file.text.splitlines() if line in kept]
    assert kept == before


def test_line_ends_and_quotes_stay_as_they_are(checkout: Checkout) -> None:
    quoted = PRODUCTION.replace(f": {OLD}", f': "{OLD}"').replace("\n", "\r\n")
    checkout.write("infra/stacks/Pulumi.emea-production.yaml", quoted)
    file = StackFile.read(checkout.root, STACK)
    text = file.with_values({"candidateWeight": 3})
    assert text == quoted.replace("Weight: 0", "Weight: 3")


def test_a_weight_that_pulumi_put_into_quotes_is_understood(checkout: Checkout) -> None:
    checkout.edit(STACK, "candidateWeight: 0", 'candidateWeight: "20"')
    assert StackFile.read(checkout.root, STACK).candidate_weight == 20
    assert run(checkout, "--weight", "50") == 0
    assert StackFile.read(checkout.root, STACK).candidate_weight == 50


@pytest.mark.parametrize("value", ['"101"', '"-1"', "true", "1.0", "[1]", '"²"'])
def test_a_weight_that_is_none_is_refused(checkout: Checkout, value: str) -> None:
    checkout.edit(STACK, "candidateWeight: 0", f"candidateWeight: {value}")
    with pytest.raises(Unreadable, match="no number"):
        _ = StackFile.read(checkout.root, STACK).candidate_weight


def test_a_revision_that_looks_like_a_number_stays_a_word(checkout: Checkout) -> None:
    file = StackFile.read(checkout.root, STACK)
    text = file.with_values({"stableRevision": "12345678"})
    assert 'stableRevision: "12345678"' in text


@pytest.mark.parametrize("value", ["x y", "a: b", "#", "", "a\nb"])
def test_a_value_that_could_be_something_else_in_yaml_is_refused(
    checkout: Checkout, value: str
) -> None:
    with pytest.raises(Unreadable):
        StackFile.read(checkout.root, STACK).with_values({"stableRevision": value})


def test_a_key_that_stands_twice_is_refused(checkout: Checkout) -> None:
    checkout.edit(STACK, "minReplicas: 3\n", "candidateWeight: 9\n")
    with pytest.raises(Unreadable, match="2 times"):
        StackFile.read(checkout.root, STACK).with_values({"candidateWeight": 1})
