"""compose.yaml against what it must agree with: the sandbox, the settings, the Dockerfile, the design."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts import compose_state
from scripts.image.dockerfile import read_stages
from scripts.sandbox_parts import configuration
from scripts.sandbox_parts.certificates import Certificates
from scripts.sandbox_parts.ports import VARIABLES, Ports
from scripts.sandbox_parts.state_directory import StateDirectory

DOCUMENT = yaml.safe_load(Path("compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
CONNECTOR = [n for n, s in OURS.items() if s["build"]["target"] == "connector"]
PORTS = Ports.from_base(8440)


def settings(name: str) -> dict[str, str]:
    return SERVICES[name].get("environment") or {}


def test_every_part_of_the_sandbox_is_there() -> None:
    assert set(CONNECTOR) == {"migrate", "web", "worker", "feed"}
    simulators = {"mock_fhir", "mock_mychart", "mock_microsoft"}
    assert OURS.keys() - set(CONNECTOR) == simulators | {"address", "prepare"}


@pytest.mark.parametrize("name", [*CONNECTOR, "prepare"])
def test_every_setting_is_one_the_documents_tell_of(name: str) -> None:
    told = set(re.findall(r"`(CONNECTOR_[A-Z_]+)`", Path("docs/settings.md").read_text()))
    assert settings(name).keys() - told == set()


@pytest.mark.parametrize("name", [*CONNECTOR, "prepare"])
def test_the_connector_is_told_what_the_sandbox_of_make_run_tells_it(name: str) -> None:
    folder = Path("/sandbox")
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    sandbox = configuration.connector_environment(PORTS, files, StateDirectory(folder))
    elsewhere = {"CONNECTOR_DATABASE_URL", "CONNECTOR_METRICS_DIRECTORY"}
    listens = {"CONNECTOR_BIND": "0.0.0.0:8440", "CONNECTOR_FEED_BIND": "0.0.0.0:8444"}
    expected = {k: v for k, v in (sandbox | listens).items() if k not in elsewhere}
    given = {k: v for k, v in settings(name).items() if k not in elsewhere}
    assert given == expected
    assert settings(name).keys() == sandbox.keys()


def test_the_database_is_the_one_the_connector_is_told_of() -> None:
    database = settings("database")
    user, password = database["POSTGRES_USER"], database["POSTGRES_PASSWORD"]
    url = f"postgresql+psycopg://{user}:{password}@database:5432/{database['POSTGRES_DB']}"
    assert {settings(name)["CONNECTOR_DATABASE_URL"] for name in CONNECTOR} == {url}


def test_the_ports_are_the_sandbox_s_and_reach_this_machine_only() -> None:
    numbers = [getattr(PORTS, name) for name in VARIABLES]
    assert SERVICES["address"]["ports"] == [f"127.0.0.1:{n}:{n}" for n in sorted(numbers)]
    assert [name for name in SERVICES if name != "address" and "ports" in SERVICES[name]] == []


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"address"}))
def test_localhost_is_the_same_place_for_all(name: str) -> None:
    assert SERVICES[name]["network_mode"] == "service:address"


@pytest.mark.parametrize("name", ["mock_fhir", "mock_mychart", "mock_microsoft"])
def test_a_simulator_listens_where_the_others_look_for_it(name: str) -> None:
    command = SERVICES[name]["command"]
    assert command[0] == name
    assert command[command.index("--port") + 1] == str(getattr(PORTS, name))
    assert command[command.index("--config") + 1] == f"/sandbox/{name}.json"


def test_every_target_is_a_stage_of_the_dockerfile_and_has_one_name() -> None:
    stages = {stage.name for stage in read_stages(Path("Dockerfile"))}
    images = {(s["build"]["target"], s["image"]) for s in OURS.values()}
    assert {target for target, _ in images} <= stages
    assert len(images) == 2


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"])
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid"}


def test_images_from_outside_are_pinned_by_digest() -> None:
    outside = [s["image"] for s in SERVICES.values() if "build" not in s]
    assert [i for i in outside if not re.search(r":\d+\.\d+-\w+@sha256:[0-9a-f]{64}$", i)] == []


def test_nothing_of_the_host_is_mounted() -> None:
    mounted = [v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])]
    assert set(mounted) == set(DOCUMENT["volumes"])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"address", "prepare", "migrate"}))
def test_what_runs_on_tells_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_every_order_can_be_kept() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            waits_for_health = how["condition"] == "service_healthy"
            assert not waits_for_health or "healthcheck" in SERVICES[other]
    assert SERVICES["web"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["database"]["condition"] == "service_healthy"


def test_the_migration_is_the_platform_s(capsys: pytest.CaptureFixture[str]) -> None:
    from connector.cli import main

    for name in CONNECTOR:
        with pytest.raises(SystemExit) as ended:
            main([*SERVICES[name]["command"], "--help"])
        assert ended.value.code == 0
    assert "Usage" in capsys.readouterr().out


def test_the_state_is_made_once_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(compose_state.subprocess, "run", lambda argv, **_options: ran.append(argv))
    compose_state.prepare(tmp_path)
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    compose_state.prepare(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
    assert ran == [["connector", "keys", "init"]] * 2
    ehr, mychart = (json.loads(first[f"mock_{n}.json"]) for n in ("fhir", "mychart"))
    assert ehr["mychart_key"] == mychart["ehr_key"]
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}


def test_without_a_folder_it_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert compose_state.main([]) == 2
    assert "usage" in capsys.readouterr().err
