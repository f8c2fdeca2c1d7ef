import json
from typing import Any

import pytest
from scripts.promote_release import main
from scripts.release.stack_file import StackFile
from tests.unit.release.checkout import NEW, OLD, PRODUCTION, TEST, Checkout, moment


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def refused(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], *more: str, status: int = 1
) -> str:
    """What was said; production must be as it was."""
    before = checkout.production.read_bytes()
    assert main(checkout.promote(*more), checkout.root) == status
    assert checkout.production.read_bytes() == before
    assert not (checkout.root / "artefacts/release").exists()
    return capsys.readouterr().err


def test_only_the_digest_changes_and_every_comment_stays(checkout: Checkout) -> None:
    assert main(checkout.promote(), checkout.root) == 0
    assert changed_lines(PRODUCTION, checkout.production.read_text()) == [
        (
            f"  teams-ehr-connector:imageDigest: {OLD}  # promoted",
            f"  teams-ehr-connector:imageDigest: {NEW}  # promoted",
        )
    ]


def test_the_diff_the_gates_and_what_comes_next_are_shown(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    main(checkout.promote("--image-source", "build.azurecr.io/teams-ehr-connector"), checkout.root)
    page = capsys.readouterr().out
    assert f"-  teams-ehr-connector:imageDigest: {OLD}" in page
    assert f"+  teams-ehr-connector:imageDigest: {NEW}" in page
    order = [
        "az acr import",
        "prepare_stamp.sh",
        "pulumi up",
        "smoke_stamp.sh",
        "--weight 10",
        "--finish",
        "retire_revisions.sh",
    ]
    assert sorted(order, key=page.index) == order
    assert f'--registry "$BUILD_REGISTRY_ID" --source teams-ehr-connector@{NEW}' in page


def test_the_result_as_json_names_every_gate(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    main(checkout.promote("--json"), checkout.root)
    said = json.loads(capsys.readouterr().out)
    assert (said["result"], said["digest"], said["revision"]) == ("promoted", NEW, "r111bbbb")
    assert {gate["name"]: gate["state"] for gate in said["gates"]} == dict.fromkeys(
        ["rehearsal", "tests", "load", "signature", "commit"], "passed"
    )


def test_a_record_is_kept(checkout: Checkout) -> None:
    main(checkout.promote(), checkout.root)
    (file,) = (checkout.root / "artefacts/release").iterdir()
    assert file.name == "emea-production-bbbbbbbbbbbb.json"
    assert json.loads(file.read_text())["digest"] == NEW


def test_a_dry_run_shows_the_diff_and_changes_nothing(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(checkout.promote("--dry-run"), checkout.root) == 0
    assert checkout.production.read_text() == PRODUCTION
    assert f"+  teams-ehr-connector:imageDigest: {NEW}" in capsys.readouterr().out


def test_the_same_digest_again_says_so_and_asks_no_gate(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    main(checkout.promote(), checkout.root)
    promoted = checkout.production.read_bytes()
    checkout.load(passed=False)
    capsys.readouterr()
    assert main(checkout.promote(), checkout.root) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert checkout.production.read_bytes() == promoted


def test_the_next_geography_may_follow_an_earlier_promotion_s_commit(checkout: Checkout) -> None:
    checkout.edit("emea-test", "Why this region", "Why")
    assert main(checkout.promote(), checkout.root) == 0


@pytest.mark.parametrize(
    ("outputs", "status", "words"),
    [
        ({"imageDigest": None}, 1, "runs no image"),
        ({"imageDigest": "latest"}, 3, "is no digest"),
        ({"imageDigest": "sha256:" + "c" * 63}, 3, "is no digest"),
        ({"imageDigest": ["x"]}, 3, "is no digest"),
        ({"latestRevision": "?"}, 3, "no revision"),
        ({"latestRevision": None}, 3, "no revision"),
        ({"latestRevision": "1111bbbb"}, 3, "no revision"),
        ({"latestRevision": "r11bbbb"}, 3, "no revision"),
        ({"imageDigest": "sha256:" + "c" * 64}, 1, "`pulumi up` there first"),
    ],
)
def test_what_the_test_stamp_runs_must_be_known_and_settled(
    checkout: Checkout,
    capsys: pytest.CaptureFixture[str],
    outputs: dict[str, Any],
    status: int,
    words: str,
) -> None:
    checkout.outputs |= outputs
    assert words in refused(checkout, capsys, status=status)


def test_an_image_that_testers_do_not_meet_is_not_promoted(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "  teams-ehr-connector:stableRevision: r000aaaa\n  teams-ehr-connector:candidateWeight: 20\n"
    checkout.write("infra/stacks/Pulumi.emea-test.yaml", TEST + more)
    checkout.commit()
    assert "gives revision r111bbbb 20 percent" in refused(checkout, capsys)


def test_azure_s_own_name_of_the_revision_is_understood(checkout: Checkout) -> None:
    checkout.outputs["latestRevision"] = "ca-ehr-emea-test-web--r111bbbb"
    assert main(checkout.promote(), checkout.root) == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("candidateWeight: 0", "candidateWeight: 50", "between two images"),
        ("  teams-ehr-connector:stableRevision: r000aaaa\n", "", "all traffic at once"),
    ],
)
def test_production_in_the_middle_of_something_is_left_alone(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    checkout.edit("emea-production", old, new)
    assert words in refused(checkout, capsys)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (OLD, "v1.2.3", "is no digest"),
        ("candidateWeight: 0", "candidateWeight: lots", "no number"),
        ("candidateWeight: 0", "candidateWeight: 101", "no number"),
        ("config:", "config: [", "no YAML"),
        ("config:", "settings:", "has no config"),
        (f"imageDigest: {OLD}", f"imageDigest: !!str {OLD}", "by hand"),
        (f"imageDigest: {OLD}  # promoted", f"imageDigest: >-\n    {OLD}", "by hand"),
    ],
)
def test_a_stack_file_that_is_not_understood_is_not_edited(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    checkout.edit("emea-production", old, new)
    checkout.rehearsal()
    assert words in refused(checkout, capsys, status=3)


def test_a_missing_stack_file_is_named(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["apac", *checkout.promote()[1:]]
    assert main(arguments, checkout.root) == 3
    assert "Pulumi.apac-production.yaml cannot be read" in capsys.readouterr().err


def test_the_first_image_is_written_where_the_example_stands(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    first = PRODUCTION.split("  # Written")[0] + "  # teams-ehr-connector:imageDigest: sha256:…\n"
    checkout.write("infra/stacks/Pulumi.emea-production.yaml", first)
    checkout.commit()
    assert main(checkout.promote("--json"), checkout.root) == 0
    steps = json.loads(capsys.readouterr().out)["next"]
    assert [step for step in steps if "--weight" in step] == []  # it takes all at once
    assert checkout.production.read_text() == first + f"  teams-ehr-connector:imageDigest: {NEW}\n"


def test_a_weight_goes_into_the_file_when_asked_for(checkout: Checkout) -> None:
    assert main(checkout.promote("--weight", "5"), checkout.root) == 0
    assert "candidateWeight: 5\n" in checkout.production.read_text()


def test_a_digest_that_production_had_before_raises_the_release(checkout: Checkout) -> None:
    """Container Apps takes no template twice under one revision's name."""
    checkout.edit("emea-production", OLD, NEW)
    checkout.edit("emea-production", NEW, OLD)
    assert main(checkout.promote(), checkout.root) == 0
    assert StackFile.read(checkout.root, "emea-production").release == 2
    checkout.commit()
    checkout.edit("emea-production", NEW, OLD)
    assert main(checkout.promote(), checkout.root) == 0
    assert StackFile.read(checkout.root, "emea-production").release == 3


def test_a_clone_without_the_whole_history_raises_the_release(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = tmp_path_factory.mktemp("clone") / "shallow"
    checkout.git("clone", "--quiet", "--depth", "1", checkout.root.as_uri(), str(there))
    shallow = Checkout(there)
    shallow.rehearsal()
    shallow.junit()
    shallow.load()
    assert main(shallow.promote(), there) == 0
    assert StackFile.read(there, "emea-production").release == 2


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", '"²"'])
def test_a_release_that_is_no_number_is_refused(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    checkout.edit("emea-production", OLD, NEW)
    checkout.edit("emea-production", NEW, OLD)
    checkout.edit("emea-production", "minReplicas: 3", f"release: {value}")
    assert "release in" in refused(checkout, capsys, status=3)


@pytest.mark.parametrize(
    ("gate", "changed", "words"),
    [
        ("rehearsal", {"passed": False}, "did not pass"),
        ("rehearsal", {"passed": "yes"}, "did not pass"),
        ("rehearsal", {"stack": "apac-production"}, "is of stack apac-production"),
        ("rehearsal", {"commit": "0" * 40}, "whose code is not HEAD's"),
        ("rehearsal", {"commit": "--output=x"}, "whose code is not HEAD's"),
        ("rehearsal", {"commit": None}, "whose code is not HEAD's"),
        ("rehearsal", {"finished_at": moment(days=4)}, "older than 72 hours"),
        ("rehearsal", {"finished_at": moment(days=-1)}, "in the future"),
        ("load", {"passed": False}, "did not pass"),
        ("load", {"finished_at": "2026-11-26T10:00:00"}, "has no time zone"),
        ("load", {"finished_at": "yesterday"}, "cannot be read"),
        ("load", {"finished_at": None}, "cannot be read"),
        ("junit", {"failures": 1}, "1 failures"),
        ("junit", {"errors": 2}, "2 errors"),
        ("junit", {"tests": 2}, "no test ran"),
        ("junit", {"timestamp": moment(days=9)}, "older than"),
        ("junit", {"tests": '"><broken'}, "cannot be read"),
    ],
)
def test_a_gate_that_says_no_blocks(
    checkout: Checkout,
    capsys: pytest.CaptureFixture[str],
    gate: str,
    changed: dict[str, Any],
    words: str,
) -> None:
    getattr(checkout, gate)(**changed)
    assert words in refused(checkout, capsys)


@pytest.mark.parametrize("text", ["", "[]", "{", '"passed"', "\x00"])
def test_a_gate_s_file_that_is_not_one_blocks(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    checkout.write("artefacts/load/verdict.json", text)
    assert "load:" in refused(checkout, capsys)


def test_a_test_report_with_a_dtd_is_not_parsed(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite tests="1">&a;</testsuite>'
    checkout.write("artefacts/tests/junit.xml", bomb)
    assert "has a DTD" in refused(checkout, capsys)


def test_tests_may_be_told_by_a_result_file_of_the_same_code(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    result = {"passed": True, "finished_at": moment(hours=1), "commit": "0" * 40}
    checkout.write("artefacts/ci.json", json.dumps(result))
    assert "whose code is not HEAD's" in refused(checkout, capsys, "--tests", "artefacts/ci.json")
    checkout.write("artefacts/ci.json", json.dumps(result | {"commit": checkout.head}))
    assert main(checkout.promote("--tests", "artefacts/ci.json"), checkout.root) == 0


def test_everything_that_is_missing_is_said_at_once(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("rehearsal/emea-production.json", "tests/junit.xml", "load/verdict.json"):
        (checkout.root / "artefacts" / name).unlink()
    assert main(["emea", *checkout.arguments("--json")], checkout.root) == 1
    said = json.loads(capsys.readouterr().out)
    assert {g["name"]: g["state"] for g in said["gates"]} == {
        **dict.fromkeys(["rehearsal", "tests", "load", "signature"], "missing"),
        "commit": "passed",
    }


def test_code_that_changed_since_the_rehearsal_blocks(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout.write("infra/program.py", "changed")
    checkout.commit()
    assert "rehearsal" in refused(checkout, capsys)


@pytest.mark.parametrize("name", ["infra/program.py", "infra/stacks/Pulumi.emea-test.yaml"])
def test_what_is_not_committed_blocks(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    checkout.write(name, TEST + "\n")
    assert f"not committed: {name}" in refused(checkout, capsys)


@pytest.mark.parametrize("command", ["false {image}", "/no/such/cosign verify {image}"])
def test_an_image_whose_signature_is_not_accepted_is_not_promoted(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert "signature:" in refused(checkout, capsys, "--verify-command", command)


def test_no_shell_reads_the_verify_command(checkout: Checkout) -> None:
    trap = checkout.root / "trap"
    main(checkout.promote("--verify-command", f"true {{image}} ; touch {trap}"), checkout.root)
    assert not trap.exists()


def test_a_missing_load_result_is_waived_with_a_reason_that_is_kept(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout.root / "artefacts/load/verdict.json").unlink()
    reason = "no load suite before the next release"
    assert main(checkout.promote("--waive", "load", "--because", reason), checkout.root) == 0
    assert f"Waived: load: {reason}" in capsys.readouterr().out
    (record,) = (checkout.root / "artefacts/release").iterdir()
    gates = {gate["name"]: gate for gate in json.loads(record.read_text())["gates"]}
    assert (gates["load"]["state"], gates["load"]["because"]) == ("waived", reason)


def test_a_failure_cannot_be_waived(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.load(passed=False)
    waiver = ("--waive", "load", "--because", "I am in a hurry")
    assert "load:" in refused(checkout, capsys, *waiver)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["europe"],
        ["emea", "--to", "test"],
        ["emea", "--weight", "101"],
        ["emea", "--weight", "-1"],
        ["emea", "--weight", "1.5"],
        ["emea", "--waive", "load"],
        ["emea", "--waive", "load", "--because", " "],
        ["emea", "--because", "why not"],
        ["emea", "--waive", "commit", "--because", "x"],
        ["emea", "--waive", "load", "--because", "x", "--waive", "load", "--because", "y"],
        ["emea", "--max-age-hours", "0"],
        ["emea", "--max-age-hours", "nan"],
        ["emea", "--out", "x"],
    ],
)
def test_wrong_arguments_end_with_two(checkout: Checkout, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments, checkout.root)
    assert ended.value.code == 2


def test_without_pulumi_it_says_what_to_do(
    checkout: Checkout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["emea"], checkout.root) == 3
    assert "--outputs" in capsys.readouterr().err
