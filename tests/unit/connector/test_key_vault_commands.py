"""`connector keys` and `connector doctor` where the keys lie in a Key Vault: one line says what is wrong."""

import socket
from pathlib import Path
from typing import Any

import pytest
from tests.builders.operators import Shell
from tests.fakes.key_vault import KeyVaultDouble, key_vault
from tests.fakes.managed_identity import CLIENT_ID, IdentityDouble, identity_double
from tests.fakes.system import FixedClock
from tests.fakes.wire import Reply, authority, ca_file

from connector import bootstrap
from connector.adapters.system.clock import SystemClock
from connector.cli import processes
from connector.ports.errors import TryLater
from connector.settings import load_settings

__all__ = ["authority", "ca_file", "identity_double", "key_vault"]


@pytest.fixture
def clock() -> FixedClock:
    """The double's; the commands have the machine's."""
    return FixedClock(SystemClock().now())


@pytest.fixture
def shell(
    key_vault: KeyVaultDouble, ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """Names below .localhost are this machine, as RFC 6761 has it and glibc has not."""
    look_up = socket.getaddrinfo

    def loopback(host: Any, *arguments: Any, **options: Any) -> Any:
        own = isinstance(host, str) and host.endswith(".localhost")
        return look_up("127.0.0.1" if own else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", loopback)
    return Shell.opened(
        tmp_path,
        monkeypatch,
        KEYS_DIRECTORY="",
        KEY_VAULT_URL=key_vault.url,
        MANAGED_IDENTITY_CLIENT_ID=CLIENT_ID,
        CA_FILE=ca_file,
    )


@pytest.fixture
def made(shell: Shell) -> Shell:
    shell.run("keys", "init")
    return shell


def told(shell: Shell, *words: str) -> str:
    """The one line a command says when it fails."""
    failed = shell.run(*words)
    assert (failed.exit_code, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    return line


def test_keys_are_made_once(shell: Shell, key_vault: KeyVaultDouble) -> None:
    assert shell.answer("keys", "init") == {"vault": key_vault.url}
    before = {name: [v.id for v in versions] for name, versions in key_vault.secrets.items()}
    shell.answer("keys", "init")
    assert {n: [v.id for v in versions] for n, versions in key_vault.secrets.items()} == before
    assert key_vault.count("keys/create") == 0


def test_the_first_generation_of_everything_is_in_use(made: Shell) -> None:
    assert [(g["kind"], g["generation"], g["state"]) for g in made.answer("keys", "list")] == [
        ("assertions", 1, "in_use"),
        ("notifications", 1, "in_use"),
        ("sealing", 1, "in_use"),
        ("entra", 1, "in_use"),
    ]


def test_a_rotation_waits_until_every_process_has_looked(
    made: Shell, key_vault: KeyVaultDouble, clock: FixedClock
) -> None:
    """Processes look every 30 s, and once more if a look failed."""
    rotated = made.answer("keys", "rotate", "--now")
    assert {(g["kind"], g["generation"], g["state"]) for g in rotated} == {
        (kind, 2, "coming") for kind in ("assertions", "notifications", "sealing")
    }
    begins = key_vault.keys["client-assertion-es384"][1].not_before or 0
    assert 85 <= begins - clock.now().timestamp() <= 120
    assert "master-0002-active-from--txt" in key_vault.secrets


def test_a_dry_run_makes_nothing(made: Shell, key_vault: KeyVaultDouble) -> None:
    made.answer("keys", "rotate", "--dry-run")
    assert key_vault.count("keys/create") == 0
    assert not [name for name in key_vault.secrets if "0002" in name]


def test_no_key_is_printed(made: Shell, key_vault: KeyVaultDouble) -> None:
    everything = made.run("keys", "rotate").output + made.run("keys", "list").output
    values = [v.value for versions in key_vault.secrets.values() for v in versions]
    assert not [value for value in values if value and value in everything and "T" not in value]
    assert "token-" not in everything


def test_the_certificates_are_printed_and_no_key(made: Shell, key_vault: KeyVaultDouble) -> None:
    printed = made.run("keys", "certificates", "--which", "entra")
    assert printed.exit_code == 0
    assert printed.stdout == key_vault.secrets["entra-certificate--pem"][0].value
    keys = [v.value for n, vs in key_vault.secrets.items() if n.endswith("-key--pem") for v in vs]
    assert len(keys) == 2
    everything = made.run("keys", "certificates", "--json").output + printed.output
    assert not [key for key in keys if key and (key in everything or "PRIVATE" in everything)]


def test_keys_that_pulumi_makes_are_asked_for_before_anything_is_made(
    shell: Shell, key_vault: KeyVaultDouble
) -> None:
    key_vault.keys.clear()
    line = told(shell, "keys", "init")
    assert "client-assertion-rs384" in line
    assert "client-assertion-es384" in line
    assert "pulumi up" in line
    assert key_vault.secrets == {}


def test_keys_that_were_never_made_are_said_in_one_line(shell: Shell) -> None:
    assert "connector keys init" in told(shell, "keys", "list")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("secrets/list", ["keys", "list"]),
        ("secrets/set", ["keys", "init"]),
        ("keys/create", ["keys", "rotate"]),
        ("secrets/list", ["keys", "certificates"]),
        ("secrets/get", ["keys", "certificates"]),
    ],
)
def test_a_missing_role_is_named(
    missing: str, words: list[str], shell: Shell, key_vault: KeyVaultDouble
) -> None:
    if words != ["keys", "init"]:
        shell.run("keys", "init")
    key_vault.may.remove(missing)
    assert "Key Vault Secrets" in told(shell, *words)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(
                403, {"error": {"code": "Forbidden", "innererror": {"code": "ForbiddenByFirewall"}}}
            ),
            "private endpoint",
        ),
        (Reply(429, {"error": {}}, {"Retry-After": "12"}), "run it again after 12 seconds"),
        (Reply(503, None), "cannot be reached now"),
        (Reply(200, b"<html>"), "CONNECTOR_KEY_VAULT_URL"),
    ],
    ids=["firewall", "throttled", "away", "no vault"],
)
def test_what_the_vault_refuses_is_said_with_its_remedy(
    reply: Reply, said: str, made: Shell, key_vault: KeyVaultDouble
) -> None:
    key_vault.faults = [reply]
    assert said in told(made, "keys", "list")


def test_a_vault_whose_name_is_unknown_is_said(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEY_VAULT_URL", "https://kv.invalid")
    assert "cannot be resolved" in told(shell, "keys", "list")


def test_an_identity_that_was_not_assigned_is_said(
    shell: Shell, identity_double: IdentityDouble
) -> None:
    identity_double.client_id = "another"
    assert "CONNECTOR_MANAGED_IDENTITY_CLIENT_ID" in told(shell, "keys", "list")


def test_elsewhere_than_on_azure_that_is_said(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")
    assert "does not run on Azure" in told(shell, "keys", "list")


def test_web_does_not_start_without_its_keys_and_says_why(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_process", lambda _name: load_settings())
    assert "connector keys init" in told(shell, "web")


# --- what is wired --------------------------------------------------------------------------------


def test_all_processes_are_built_on_a_vault(made: Shell) -> None:
    settings = load_settings()
    core = bootstrap.build_core(settings)
    assert core.keys.sealer.open("cookie", core.keys.sealer.seal("cookie", b"v")) == b"v"
    assert core.keys.assertions.sign({"iss": "c"}, "ES384").count(".") == 2
    assert bootstrap.build_worker(settings)
    assert bootstrap.build_feed(settings)
    core.store.close()


def test_waiting_for_the_vault_is_not_our_own_time(made: Shell, key_vault: KeyVaultDouble) -> None:
    core = bootstrap.build_core(load_settings())
    core.telemetry.begin_request()
    key_vault.faults = [Reply(raw=(b"HTTP/1.1 ", b"500 X\r\n\r\n"), pause_seconds=0.2)]
    with pytest.raises(TryLater):
        core.keys.assertions.sign({}, "RS384")
    assert core.telemetry.waited_seconds() >= 0.2
    core.store.close()


def test_an_ehr_cannot_be_entered_at_the_vaults_private_address(
    made: Shell, key_vault: KeyVaultDouble
) -> None:
    """Only the vault's own way out may go there: FHIR base URLs come from people."""
    from connector.ports.errors import AddressRefused

    core = bootstrap.build_core(load_settings())
    with pytest.raises(AddressRefused):
        core.http.send("GET", f"{key_vault.url}/secrets")
    core.store.close()
