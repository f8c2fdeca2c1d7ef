"""`connector doctor` against the running sandbox: all in order, then one thing broken at a time (E1, E2)."""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.configuration import connector_environment
from scripts.sandbox_parts.plans import connector_command, inherited_environment
from scripts.story.cast import Cast

pytestmark = pytest.mark.sandbox

Doctor = Callable[[], dict[str, tuple[str, str]]]
Tell = Callable[[str, str, dict[str, Any]], None]


@pytest.fixture
def doctor(cast: Cast, sandbox: Sandbox) -> Doctor:
    """Examines everything; what is not in order, by check."""
    settings = connector_environment(sandbox.ports, sandbox.certificates, sandbox.state)

    def run() -> dict[str, tuple[str, str]]:
        done = subprocess.run(
            connector_command("doctor", "--all", "--json"),
            env=inherited_environment() | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        told = [(each["check"], each["verdict"], each["code"]) for each in json.loads(done.stdout)]
        failed = any(verdict == "failed" for _, verdict, _ in told)
        assert done.returncode == int(failed), done.stderr
        return {check: (verdict, code) for check, verdict, code in told if verdict != "ok"}

    return run


@pytest.fixture
def tell(sandbox: Sandbox) -> Iterator[Tell]:
    """Tells a simulator's control plane to misbehave; afterwards nothing does."""
    session, faulty = sandbox.session(), set()

    def post(simulator: str, path: str, body: dict[str, Any]) -> None:
        faulty.add(simulator)
        session.post(f"{simulator}/sim/{path}", json=body, timeout=10).raise_for_status()

    yield post
    for simulator in faulty:
        session.delete(f"{simulator}/sim/faults", timeout=10).raise_for_status()
    session.close()


def test_what_was_set_up_by_clicking_is_in_order(doctor: Doctor) -> None:
    assert doctor() == {}


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (
            {"route": "*/metadata", "status": 404},
            {"metadata": ("failed", "http_404")},
        ),
        (
            {"route": "*/oauth2/token", "status": 400, "body": {"error": "invalid_client"}},
            {"client_known": ("failed", "invalid_client"), "write_back": ("skipped", "rests_on")},
        ),
    ],
    ids=["E1", "E2"],
)
def test_what_the_ehr_does_wrong_is_named(
    fault: dict[str, Any],
    found: dict[str, tuple[str, str]],
    doctor: Doctor,
    tell: Tell,
    sandbox: Sandbox,
) -> None:
    tell(sandbox.urls.mock_fhir, "faults", fault | {"times": None})
    assert doctor() == found


@pytest.mark.parametrize(
    ("state", "code"), [("revoked", "permissions_missing"), ("absent", "AADSTS700016")]
)
def test_a_consent_that_is_gone_is_named(
    state: str, code: str, doctor: Doctor, tell: Tell, sandbox: Sandbox
) -> None:
    microsoft, [consent] = sandbox.urls.mock_microsoft, _consents(sandbox)
    tell(microsoft, "consent", consent | {"state": state})
    found = doctor()
    tell(microsoft, "consent", consent | {"state": "granted"})
    assert found == {"consent": ("failed", code), "meeting_policy": ("skipped", "rests_on")}


def _consents(sandbox: Sandbox) -> list[dict[str, str]]:
    """Of the connector's own registration, in the tenant that was set up."""
    settings = connector_environment(sandbox.ports, sandbox.certificates, sandbox.state)
    ours = settings["CONNECTOR_MICROSOFT_CLIENT_ID"]
    with sandbox.session() as session:
        state = session.get(f"{sandbox.urls.mock_microsoft}/sim/state", timeout=10).json()
    return [each for each in state["consents"] if each["client_id"] == ours][:1]
