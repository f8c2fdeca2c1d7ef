"""What scripts/hosted_sandbox.py writes is what the program registers, and what both sides accept."""

import json
from typing import Any

import pytest
from flask import Flask
from tests.infra.test_infra_tells_the_connector import told
from tests.infra.test_stamp_program import env
from tests.unit.release.hosted import written

from connector.domain.organization import EnvironmentKind
from connector.settings import Settings
from mock_fhir.application import create_mock_fhir
from mock_microsoft.app import create_app
from mock_microsoft.config import Configuration
from mock_mychart.app import create_mychart
from mock_mychart.config import read_config
from rehearsal.recording import DIGEST, Run, run

PARTS = {"ehr": "mock_fhir", "mychart": "mock_mychart", "microsoft": "mock_microsoft"}


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return written(tmp_path_factory.mktemp("hosted"))


@pytest.fixture(scope="module")
def stamp(values: dict[str, Any]) -> Run:
    return run("emea-test", imageDigest=DIGEST, simulatorsImageDigest=DIGEST, **values)


def app_of(part: str, document: dict[str, Any]) -> Flask:
    made = {
        "ehr": lambda: create_mock_fhir(document),
        "mychart": lambda: create_mychart(read_config(document)),
        "microsoft": lambda: create_app(Configuration.model_validate(document)),
    }
    return made[part]()


@pytest.mark.parametrize(("part", "module"), PARTS.items())
def test_each_simulator_is_registered_with_exactly_its_document(
    stamp: Run, values: dict[str, Any], part: str, module: str
) -> None:
    app = stamp.one("app:ContainerApp", f"app-{part}")
    (container,) = app.inputs["template"]["containers"]
    assert container["args"] == [module, "--port", "8080"]
    assert app.inputs["configuration"]["ingress"]["targetPort"] == 8080
    assert app.inputs["template"]["scale"] == {"minReplicas": 1, "maxReplicas": 1}
    variables = env(app)
    assert list(variables) == ["SIMULATOR_CONFIG"]
    assert json.loads(variables["SIMULATOR_CONFIG"]) == values["simulatorsConfig"][part]


@pytest.mark.parametrize("part", PARTS)
def test_the_gateway_sends_the_host_name_a_simulator_knows_as_its_own(
    stamp: Run, values: dict[str, Any], part: str
) -> None:
    listeners = stamp.one("network:ApplicationGateway").inputs["httpListeners"]
    hosts = {each["name"]: each["hostName"] for each in listeners}
    assert values["simulatorsConfig"][part]["public_url"] == f"https://{hosts[part]}"


@pytest.mark.parametrize("part", PARTS)
def test_the_gateway_s_probe_asks_for_a_page_that_everybody_may_see(
    stamp: Run, values: dict[str, Any], part: str
) -> None:
    probes = {p["name"]: p for p in stamp.one("network:ApplicationGateway").inputs["probes"]}
    client = app_of(part, values["simulatorsConfig"][part]).test_client()
    answer = client.get(probes[part]["path"], base_url="http://app.internal")
    assert [str(answer.status_code)] == probes[part]["match"]["statusCodes"]


def test_the_connector_accepts_what_it_is_told_and_meets_the_simulators_as_they_expect_it(
    stamp: Run, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = values["simulatorsConfig"]
    for variables in told(stamp).values():
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            loaded = Settings()  # type: ignore[call-arg]
        (app, *_) = documents["microsoft"]["apps"]
        assert loaded.microsoft_login_url == documents["microsoft"]["public_url"]
        assert loaded.graph_url == documents["microsoft"]["public_url"]
        assert loaded.microsoft_client_id == app["client_id"]
        assert app["redirect_uris"] == [f"{loaded.public_url}/signin/microsoft/callback"]
        assert clients(loaded) == {c["client_id"] for c in documents["ehr"]["clients"]}


def clients(settings: Settings) -> set[str]:
    offered = [settings.clients_offered(kind) for kind in EnvironmentKind]
    return {each for one in offered for each in (one.provider, one.patient, one.backend)}
