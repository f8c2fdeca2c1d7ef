"""`scripts/promote.py` against the running sandbox: both ways to sign in, and a blocked plan."""

import re
from pathlib import Path

import pytest
from scripts.chaos.command import Command
from scripts.chaos.stage import production_clients
from scripts.promotion.outcomes import Exit
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import (
    API_URI,
    COMMAND_LINE_CLIENT_ID,
    PIPELINE_CLIENT_ID,
)
from scripts.story.cast import ADMIN, ANALYST_SIGN_IN, ORGANIZATION, Cast
from scripts.story.person import Person

pytestmark = pytest.mark.sandbox


def command(sandbox: Sandbox, *arguments: str, organization: str = ORGANIZATION) -> Command:
    given = {
        "--connector": sandbox.urls.connector,
        "--tenant": ANALYST_SIGN_IN.partition("@")[2],
        "--api": API_URI,
        "--authority": sandbox.urls.mock_microsoft,
        "--ca-file": str(sandbox.ca_file),
        "--organization": organization,
    }
    return Command([*(part for pair in given.items() for part in pair), "--json", *arguments])


def pipeline(sandbox: Sandbox) -> tuple[str, ...]:
    return ("--client-id", PIPELINE_CLIENT_ID, "--certificate", str(sandbox.pipeline_credential))


@pytest.fixture
def person(sandbox: Sandbox) -> Person:
    return Person(Path(sandbox.ca_file))


def test_a_person_signs_in_with_the_code_the_command_shows(
    sandbox: Sandbox, cast: Cast, person: Person
) -> None:
    assert cast.admin is not person
    asking = command(sandbox, "--client-id", COMMAND_LINE_CLIENT_ID, "--status")
    asking.wait_for("devicelogin")
    code = re.search(r"code ([A-Z0-9-]{8,9})\b", " ".join(asking.steps))
    assert code is not None
    person.open(f"{sandbox.urls.mock_microsoft}/devicelogin").press("next", user_code=code.group(1))
    person.press(ADMIN).press("continue")

    status, result = asking.finish()
    assert (status, result["test"]["active"]["state"]) == (Exit.DONE, "active")


def test_a_pipeline_signs_in_with_its_certificate(sandbox: Sandbox, cast: Cast) -> None:
    assert cast.sandbox is sandbox
    status, result = command(sandbox, *pipeline(sandbox), "--status").finish()

    assert status == Exit.DONE
    assert result["test"]["organization"] == ORGANIZATION


def test_what_is_not_ready_is_not_promoted(sandbox: Sandbox, cast: Cast) -> None:
    """Case 43 on running processes: production's address, but test's client ids."""
    assert cast.sandbox is sandbox
    of_test = command(sandbox, *pipeline(sandbox), "--status").finish()[1]["test"]["active"]
    asked = {
        "--fhir-base-url": sandbox.urls.fhir_base("production"),
        "--approver": ANALYST_SIGN_IN,
        **{f"--{name}-client-id": value for name, value in of_test["clients"].items()},
    }
    arguments = [part for pair in asked.items() for part in pair]
    status, result = command(sandbox, *pipeline(sandbox), "--apply", *arguments).finish()

    blocking = {
        item["readiness"]: item["facts"] for item in result["plan"]["items"] if item["blocks"]
    }
    assert (status, result["result"]) == (Exit.REFUSED, "blocked")
    assert blocking["clients_of_production"] == {"of_test": "provider, patient, backend"}
    assert set(of_test["clients"].values()).isdisjoint(production_clients().values())


def test_an_organization_nobody_entered_is_named(sandbox: Sandbox, cast: Cast) -> None:
    assert cast.sandbox is sandbox
    arguments = [*pipeline(sandbox), "--status"]
    status, result = command(sandbox, *arguments, organization="Nobody Clinics").finish()

    assert status == Exit.REFUSED
    assert "Nobody Clinics" in result["message"]
