"""Certificates, ports, configuration files and the state directory of the sandbox."""

import socket
import stat
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from scripts.sandbox_parts import certificates, configuration
from scripts.sandbox_parts.certificates import ensure_certificates
from scripts.sandbox_parts.pipeline import ensure_pipeline_credential
from scripts.sandbox_parts.ports import PortRefused, Ports
from scripts.sandbox_parts.state_directory import DirectoryRefused, StateDirectory

from mock_fhir.config import parse_config
from mock_microsoft.apps import Apps
from mock_microsoft.config import Configuration
from mock_mychart.config import read_config

PORTS = Ports.from_base(8440)
URLS = configuration.Urls.of(PORTS)
CA_FILE = Path("/somewhere/ca.pem")


def microsoft_apps(certificate: str) -> Apps:
    document = configuration.microsoft_config(
        URLS, CA_FILE, connector_certificate=certificate, pipeline_certificate=certificate
    )
    return Apps(Configuration.model_validate(document).apps)


def server_certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())


def test_authority_and_server_certificate_are_made_once(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert ensure_certificates(tmp_path) == first
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_keys_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*-key.pem")}
    assert modes == {0o600}
    assert len(list(tmp_path.glob("*-key.pem"))) == 2


def test_server_certificate_names_every_form_of_this_machine(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    names = server_certificate(tmp_path).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert {str(name.value) for name in names.value} == {"localhost", "127.0.0.1", "::1"}


def test_server_certificate_lives_no_longer_than_browsers_accept(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    left = server_certificate(tmp_path).not_valid_after_utc - datetime.fromtimestamp(
        time.time(), UTC
    )
    assert timedelta(days=390) < left < timedelta(days=398)


def test_server_certificate_is_renewed_before_it_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as soon:
        soon.setattr(certificates, "LIFETIME", timedelta(days=13))
        ensure_certificates(tmp_path)
    authority, old = (tmp_path / "ca.pem").read_bytes(), server_certificate(tmp_path)
    ensure_certificates(tmp_path)
    assert server_certificate(tmp_path).serial_number != old.serial_number
    assert (tmp_path / "ca.pem").read_bytes() == authority


@pytest.mark.parametrize("lost", ["server.pem", "server-key.pem"])
def test_lost_server_file_is_made_anew_by_the_same_authority(tmp_path: Path, lost: str) -> None:
    ensure_certificates(tmp_path)
    authority = (tmp_path / "ca.pem").read_bytes()
    (tmp_path / lost).unlink()
    ensure_certificates(tmp_path)
    assert (tmp_path / lost).exists()
    assert (tmp_path / "ca.pem").read_bytes() == authority


def test_server_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    ensure_certificates(tmp_path)
    foreign = trustme.CA().issue_cert("localhost")
    (tmp_path / "server.pem").write_bytes(foreign.cert_chain_pems[0].bytes())
    ensure_certificates(tmp_path)
    issuer = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    server_certificate(tmp_path).verify_directly_issued_by(issuer)
    assert server_certificate(tmp_path).issuer == issuer.subject


def test_default_ports_are_those_of_the_design() -> None:
    assert asdict(Ports.from_environment({})) == {
        "connector": 8440,
        "mock_fhir": 8441,
        "mock_mychart": 8442,
        "mock_microsoft": 8443,
        "feed": 8444,
    }


def test_base_moves_all_ports_and_a_variable_moves_one() -> None:
    ports = Ports.from_environment({"SANDBOX_PORT_BASE": "9440", "MOCK_FHIR_PORT": "7001"})
    assert (ports.connector, ports.mock_fhir, ports.feed) == (9440, 7001, 9444)


@pytest.mark.parametrize(
    "environment",
    [
        {"SANDBOX_PORT_BASE": "no"},
        {"SANDBOX_PORT_BASE": "0"},
        {"CONNECTOR_PORT": "65536"},
        {"CONNECTOR_PORT": "-1"},
        {"FEED_PORT": "８４４４"},
        {"MOCK_MICROSOFT_PORT": "8440"},
    ],
)
def test_impossible_ports_are_refused_by_name(environment: dict[str, str]) -> None:
    with pytest.raises(PortRefused) as refused:
        Ports.from_environment(environment)
    assert any(part in str(refused.value) for part in (*environment, "share"))


def test_ports_beyond_the_last_one_are_refused() -> None:
    with pytest.raises(PortRefused, match="65535"):
        Ports.from_environment({"SANDBOX_PORT_BASE": "65533"})


def test_free_ports_are_distinct_and_free() -> None:
    ports = Ports.free()
    ports.require_free()
    assert len(set(asdict(ports).values())) == 5


def test_every_taken_port_is_named_with_the_remedy() -> None:
    ports = Ports.free()
    with (
        socket.create_server(("127.0.0.1", ports.connector)),
        socket.create_server(("127.0.0.1", ports.feed)),
        pytest.raises(PortRefused) as refused,
    ):
        ports.require_free()
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert f"Port {ports.connector} of connector is taken" in lines[0]
    assert "CONNECTOR_PORT=" in lines[0]
    assert "FEED_PORT=" in lines[1]
    assert "SANDBOX_PORT_BASE=" in lines[1]


def test_a_port_that_somebody_is_just_letting_go_is_waited_for() -> None:
    ports = Ports.free()
    holder = socket.create_server(("127.0.0.1", ports.feed))
    letting_go = threading.Timer(0.1, holder.close)
    letting_go.start()
    ports.require_free()
    letting_go.join()
    assert holder.fileno() == -1


def test_each_simulator_accepts_the_file_the_sandbox_writes_for_it() -> None:
    fhir = parse_config(configuration.fhir_config(URLS, CA_FILE, "key"))
    mychart = read_config(configuration.mychart_config(URLS, CA_FILE, "key"))
    microsoft = Configuration.model_validate(
        configuration.microsoft_config(
            URLS, CA_FILE, connector_certificate="-----BEGIN", pipeline_certificate="-----BEGIN"
        )
    )
    assert {name: len(clients) for name, clients in fhir.clients.items()} == {
        "test": 3,
        "production": 3,
    }
    assert mychart.environments["test"].ehr_url == URLS.ehr("test")
    assert microsoft.apps[0].client_id == configuration.MICROSOFT_CLIENT_ID


def test_the_clients_of_the_api_may_do_what_it_exposes(tmp_path: Path) -> None:
    apps = microsoft_apps(ensure_pipeline_credential(tmp_path / "pipeline.pem"))
    connector, command_line, pipeline = apps.registrations
    assert (command_line.client_id, pipeline.client_id) == (
        configuration.COMMAND_LINE_CLIENT_ID,
        configuration.PIPELINE_CLIENT_ID,
    )
    assert command_line.is_public_client
    assert command_line.permission_for(connector).scopes == ("Configuration.ReadWrite",)
    assert pipeline.permission_for(connector).app_roles == ("Connector.Admin",)
    assert not pipeline.app_roles_granted


def test_the_pipeline_proves_itself_with_the_key_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.pem"
    apps = microsoft_apps(ensure_pipeline_credential(file))
    (certificate,) = apps.certificates(apps.registrations[2])
    private = load_pem_private_key(file.read_bytes(), password=None)
    assert private.public_key() == certificate.public_key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_pipelines_credential_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.pem"
    first, content = ensure_pipeline_credential(file), file.read_bytes()
    assert ensure_pipeline_credential(file) == first
    assert file.read_bytes() == content


def test_a_damaged_pipeline_credential_is_not_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n", encoding="ascii")
    with pytest.raises(ValueError, match="PEM"):
        ensure_pipeline_credential(file)


def test_portal_and_ehr_share_the_key() -> None:
    fhir = configuration.fhir_config(URLS, CA_FILE, "shared")
    mychart = configuration.mychart_config(URLS, CA_FILE, "shared")
    assert fhir["mychart_key"] == mychart["ehr_key"] == "shared"


def test_connector_is_told_the_client_ids_that_the_ehr_registered() -> None:
    registered = {
        (client["environment"], client["client_id"])
        for client in configuration.fhir_config(URLS, CA_FILE, "key")["clients"]
    }
    told = configuration.ehr_client_ids()
    assert {(name, one) for name, roles in told.items() for one in roles.values()} == registered
    assert len(registered) == 6


def test_fhir_base_urls_are_those_of_the_design() -> None:
    base = "https://localhost:8441/interconnect-tst-oauth/api/FHIR/R4"
    assert URLS.fhir_base("test") == base
    assert URLS.fhir_base("production") == base.replace("tst", "prd")


def test_reset_forgets_everything_in_the_directory(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    state.take()
    state.database_file.touch()
    (state.logs / "web.log").touch()
    state.release()
    state.reset()
    left = {str(file.relative_to(state.path)) for file in state.path.rglob("*")}
    assert left <= {"sandbox.lock", "logs"}


def test_reset_follows_no_link_out_of_the_directory(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    state = StateDirectory(tmp_path / "state")
    state.take()
    (state.path / "link").symlink_to(precious)
    state.release()
    state.reset()
    assert (precious / "file").exists()
    assert not (state.path / "link").is_symlink()


def test_reset_of_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "state")
    state.take()
    state.database_file.touch()
    with pytest.raises(DirectoryRefused, match="in use"):
        StateDirectory(tmp_path / "state").reset()
    assert state.database_file.exists()
    state.release()


def test_reset_of_a_directory_the_sandbox_did_not_make_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(DirectoryRefused, match="not made by the sandbox"):
        StateDirectory(tmp_path).reset()
    assert (tmp_path / "thesis.txt").exists()


def test_reset_of_a_directory_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    StateDirectory(tmp_path / "state").reset()
    assert not (tmp_path / "state").exists()
