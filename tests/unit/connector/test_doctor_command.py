"""`connector doctor`: what an operator reads, and what a script decides by."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.builders.configurations import PRODUCTION_BASE, active, endpoints, environment
from tests.builders.examinations import beat
from tests.builders.world import World

from connector import bootstrap
from connector.cli import main
from connector.domain.organization import EnvironmentKind
from connector.ports.errors import Denied, NotConnected

# The package's attribute of this name is the command.
command = import_module("connector.cli.doctor")
OWN = 4
EVERYTHING = 18


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Contoso's test environment is live and all is in order."""
    world = World(tmp_path)
    world.add_environment()
    world.approve()
    monkeypatch.setattr(command, "settings", lambda: None)
    monkeypatch.setattr(bootstrap, "build_diagnose", lambda _settings: world.diagnose)
    yield beat(world)
    world.store.close()


def add_production(world: World) -> None:
    world.add_environment(environment(id="env-prod", kind=EnvironmentKind.PRODUCTION))
    of_production = {"id": "rev-prod-1", "environment_id": "env-prod"}
    base = {"fhir_base_url": PRODUCTION_BASE, "endpoints": endpoints(PRODUCTION_BASE)}
    world.approve(active(**of_production | base))


def doctor(*words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words])


def test_a_deployment_in_order_is_a_line_a_check_and_exit_code_0(world: World) -> None:
    result = doctor()
    assert (result.exit_code, len(result.output.splitlines())) == (0, OWN)
    assert all(line.startswith("ok ") for line in result.output.splitlines())


def test_an_environment_named_by_nothing_is_wrong_usage(world: World) -> None:
    """As of an unset variable of a script: all being well with the rest would be believed."""
    assert doctor("--environment", "").exit_code == 2
    assert doctor("--environment", "", "--all").exit_code == 2


def test_an_environment_is_examined_beside_the_deployment(world: World) -> None:
    result = doctor("--environment", "env-test", "--json")
    told = json.loads(result.output)
    assert (result.exit_code, len(told)) == (0, EVERYTHING)
    assert {each["environment"] for each in told} == {None, "env-test"}


def test_all_environments_are_examined_and_the_deployment_once(world: World) -> None:
    add_production(world)
    told = json.loads(doctor("--all", "--json").output)
    environments = [each["environment"] for each in told]
    of_each = EVERYTHING - OWN
    assert environments == [None] * OWN + ["env-prod"] * of_each + ["env-test"] * of_each


def test_an_environment_nobody_has_configured_is_passed_over(world: World) -> None:
    world.add_environment(environment(id="env-prod", kind=EnvironmentKind.PRODUCTION))
    told = json.loads(doctor("--all", "--json").output)
    assert {each["environment"] for each in told} == {None, "env-test"}


def test_one_failed_finding_is_exit_code_1_with_what_to_do(world: World) -> None:
    world.ehr_examination.faults.fail("granted_scopes", Denied("invalid_client"))
    result = doctor("--environment", "env-test")
    assert result.exit_code == 1
    assert "FAILED  The connector's client at the EHR" in result.output
    assert "to do (EHR technical contact): Activate the client ID" in result.output
    assert "see docs/runbooks/doctor.md#client-known" in result.output


def test_a_failure_of_the_deployment_alone_is_exit_code_1(world: World) -> None:
    world.ehr_examination.faults.fail("missing_keys", NotConnected("name_unknown"))
    assert doctor("--json").exit_code == 1


def test_a_warning_is_exit_code_0(world: World) -> None:
    world.microsoft_examination.roles -= {"VirtualAppointment.Read.All"}
    result = doctor("--all")
    assert result.exit_code == 0
    assert "warning The consent of your Microsoft 365 tenant" in result.output


@pytest.mark.parametrize(
    "words", [["--environment", "env-none"], ["--all", "--environment", "env-test"], ["--what"]]
)
def test_wrong_usage_is_exit_code_2_and_asks_nobody(world: World, words: list[str]) -> None:
    assert doctor(*words).exit_code == 2
    assert world.ehr_examination.calls == []


def test_wrong_settings_are_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_PUBLIC_URL", "http://not-https.example")
    assert doctor().exit_code == 2


def test_what_operators_examine_is_audited_as_theirs(world: World) -> None:
    doctor("--all", "--json")
    [row] = [r for r in world.rows("audit_event") if r["event"] == "admin.configuration.examine"]
    assert (row["actor"], row["environment_id"]) == ("operator", "env-test")


def test_people_read_each_finding_when_it_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(command.click, "echo", lambda text="": said.append(text))
    before: list[int] = []
    world.ehr_examination.while_asked = lambda _method: before.append(len(said))
    doctor("--environment", "env-test")
    assert before == sorted(set(before))
    assert len(before) > 2


def test_the_help_teaches(world: World) -> None:
    text = doctor("--help").output
    for taught in ("Examples:", "Exit codes: 0", "--environment", "--all", "--json"):
        assert taught in text
