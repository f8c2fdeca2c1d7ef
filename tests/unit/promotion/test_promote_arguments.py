"""What the command takes, and that everything else ends with status 2 and says why."""

from pathlib import Path

import pytest
from scripts.promotion.arguments import MICROSOFT_LOGIN, Action, Asked, parse
from tests.unit.promotion.command_arguments import ACCESS, WANTED


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as left:
        parse(list(arguments))
    assert left.value.code == 2
    return capsys.readouterr().err


def asked(*arguments: str) -> Asked:
    return parse([*ACCESS, *WANTED, *arguments])


def test_a_plan_is_asked_for_with_everything_only_people_know() -> None:
    plan = asked("--plan")

    assert plan.action is Action.PLAN
    assert plan.access.connector == "https://visits.example"
    assert plan.access.authority == MICROSOFT_LOGIN
    assert plan.wanted.clients == {"provider": "p", "patient": "m", "backend": "b"}
    assert (plan.wait_seconds, plan.as_json) == (0.0, False)


@pytest.mark.parametrize(
    ("arguments", "kind"), [(["--rollback"], "production"), (["--rollback", "test"], "test")]
)
def test_production_is_rolled_back_unless_test_is_named(arguments: list[str], kind: str) -> None:
    rollback = parse([*ACCESS, "--organization", "Contoso", *arguments])
    assert (rollback.action, rollback.wanted.roll_back) == (Action.ROLLBACK, kind)


def test_a_private_authority_is_said_for_each_request() -> None:
    """The library lets REQUESTS_CA_BUNDLE win over what a session says."""
    assert asked("--plan", "--ca-file", "ca.pem").access.verify == "ca.pem"
    assert asked("--plan").access.verify is None
    assert asked("--plan", "--certificate", "c.pem").access.certificate == Path("c.pem")


@pytest.mark.parametrize("action", ["--plan", "--apply"])
def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str], action: str) -> None:
    said = refused(
        capsys, *ACCESS, "--organization", "Contoso", action, "--approver", "a@b.example"
    )
    assert "needs --fhir-base-url, --provider-client-id" in said
    assert "--approver," not in said.partition("error:")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--plan", "--apply"],
        ["--plan", "--wait", "10"],
        ["--apply", "--wait", "0"],
        ["--apply", "--wait", "soon"],
        ["--plan", "--from-revision", "2"],
        ["--rollback", "staging"],
        ["--plan", "--environment", "both-of-them"],
        ["--plan", "--certificate", "c.pem", "--client-secret-env", "SECRET"],
        ["--status", "--unknown"],
        ["--status", "--connector", "http://visits.contoso.example"],
        ["--status", "--authority", "http://localhost:8443"],
    ],
)
def test_arguments_that_make_no_sense_end_with_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert "error:" in refused(capsys, *ACCESS, *WANTED, *arguments)


def test_a_secret_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments stand in process lists and shell histories."""
    assert "unrecognized" in refused(capsys, *ACCESS, *WANTED, "--plan", "--client-secret", "x")


def test_the_help_documents_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parse(["--help"])
    text = capsys.readouterr().out
    assert left.value.code == 0
    assert [f"  {status}  " in text for status in range(6)] == [True] * 6
    assert max(len(line) for line in text.splitlines()) <= 100
