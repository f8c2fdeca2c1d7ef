"""The contract with the connector is the names of environment variables: both sides are read here."""

import json
from pathlib import Path

import pytest
from tests.infra.test_stamp_program import SANDBOX, env

from connector.domain.organization import EnvironmentKind
from connector.settings import Settings
from rehearsal.recording import ALL, DIGEST, Run, recorded, run

PREFIX = "CONNECTOR_"
OF_A_LAPTOP = {
    "FEED_URL",
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
    "CA_FILE",
    "KEYS_DIRECTORY",
    "TRUSTED_PRIVATE_HOSTS",
    "AUDIT_ANCHOR_FILE",
}


def told(made: Run) -> dict[str, dict[str, str]]:
    """Of every process of the connector, what it is told."""
    apps = [*made.of("app:ContainerApp"), *made.of("app:Job")]
    ours = [a for a in apps if a.name.removeprefix("app-") not in {"ehr", "mychart", "microsoft"}]
    return {app.name: env(app) for app in ours if app.name != "job-smoke"}


@pytest.mark.parametrize("stack", ALL)
def test_every_variable_a_container_gets_is_a_setting_and_every_setting_has_a_place(
    stack: str,
) -> None:
    names = {name.removeprefix(PREFIX) for of in told(recorded(stack)).values() for name in of}
    fields = {name.upper() for name in Settings.model_fields}
    outside = {"MICROSOFT_LOGIN_URL", "GRAPH_URL"}
    assert names <= fields
    assert fields - names == OF_A_LAPTOP | outside


@pytest.mark.parametrize("sandbox", [False, True])
@pytest.mark.parametrize("stack", ["americas-test", "emea-test", "apac-test"])
def test_the_connector_starts_with_what_it_is_told(
    stack: str,
    *,
    sandbox: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = run(stack, imageDigest=DIGEST, **(SANDBOX if sandbox else {}))
    for variables in told(made).values():
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            loaded = Settings()  # type: ignore[call-arg]
        assert loaded.data_geography.value == stack.removesuffix("-test")
        assert loaded.public_url == f"https://{stack}.visits.example.org"


def test_client_ids_and_portals_arrive_as_they_were_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = {"test": {"provider": "p", "patient": "q", "backend": "b"}}
    made = run("emea-test", imageDigest=DIGEST, ehrClientIds=clients, vouchedHosts=["ehr.example"])
    for name, value in told(made)["app-connector"].items():
        monkeypatch.setenv(name, value)
    loaded = Settings()  # type: ignore[call-arg]
    assert loaded.clients_offered(EnvironmentKind.TEST).provider == "p"
    assert loaded.vouched_hosts == {"ehr.example"}
    assert json.loads(json.dumps({k.value: v for k, v in loaded.portals.items()})) == {
        g: f"https://{g}-test.visits.example.org" for g in ("americas", "emea", "apac")
    }


def test_containers_run_commands_the_connector_has() -> None:
    from connector.cli import main

    made = recorded("emea-test")
    apps = {
        r.name: r.inputs["template"]
        for kind in ("app:ContainerApp", "app:Job")
        for r in made.of(kind)
    }
    commands = [
        [argument for argument in container["args"] if not argument.startswith("https://")]
        for template in apps.values()
        for container in [*template["containers"], *template.get("initContainers", [])]
    ]
    assert sorted(commands) == [
        ["db", "upgrade"],
        ["feed"],
        ["keys", "init"],
        ["smoke", "--instead"],
        ["web"],
        ["worker"],
    ]
    assert {command[0] for command in commands} <= set(main.commands)


def test_the_probes_ask_for_pages_that_exist() -> None:
    pages = Path("services/connector/web/wellknown.py").read_text()
    web, *_ = (
        recorded("emea-test")
        .one("app:ContainerApp", "app-connector")
        .inputs["template"]["containers"]
    )
    paths = {probe["httpGet"]["path"] for probe in web["probes"]}
    assert paths == {"/healthz", "/readyz"}
    assert all(f'"{path}"' in pages for path in paths)
