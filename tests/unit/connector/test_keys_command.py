"""`connector keys`: made once, listed, rotated."""

from pathlib import Path
from typing import Any

import pytest
from tests.builders.operators import Shell

from connector.adapters.system.clock import SystemClock
from connector.adapters.vault.directory import Directory
from connector.adapters.vault.generation import make_keys
from connector.ports.audit_log import AuditFilter

ALL_BUT_ENTRA = ["assertions", "notifications", "sealing"]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys made once: three RSA keys take a second."""
    directory = tmp_path_factory.mktemp("operator") / "keys"
    make_keys(Directory(directory), SystemClock().now())
    return directory


@pytest.fixture
def shell(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell.opened(tmp_path, monkeypatch)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for path in made.iterdir():
        (keys / path.name).write_bytes(path.read_bytes())
    return shell


def files(shell: Shell) -> set[str]:
    return {path.name for path in (shell.folder / "keys").iterdir()}


def listed(shell: Shell) -> list[tuple[str, int, str]]:
    return [(g["kind"], g["generation"], g["state"]) for g in shell.answer("keys", "list")]


def audited(shell: Shell) -> list[Any]:
    lines = shell.store.audit_log.page(AuditFilter(None), None, 99)
    shell.store.close()
    return [line.facts["kind"] for line in lines if line.event == "operator.keys.rotate"]


def test_making_keys_again_changes_nothing(shell: Shell) -> None:
    before = files(shell)
    assert shell.answer("keys", "init") == {"directory": str(shell.folder / "keys")}
    assert files(shell) == before


def test_the_first_generation_of_everything_is_in_use(shell: Shell) -> None:
    assert listed(shell) == [
        ("assertions", 1, "in_use"),
        ("notifications", 1, "in_use"),
        ("sealing", 1, "in_use"),
        ("entra", 1, "in_use"),
    ]


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(shell: Shell) -> None:
    before = files(shell)
    plan = shell.answer("keys", "rotate", "--dry-run")
    assert [(step["kind"], step["made"]) for step in plan] == [(k, False) for k in ALL_BUT_ENTRA]
    assert files(shell) == before
    assert audited(shell) == []


def test_without_a_choice_all_but_entra_are_rotated(shell: Shell) -> None:
    made = shell.answer("keys", "rotate")
    assert [(g["kind"], g["generation"], g["state"]) for g in made] == [
        (kind, 2, "coming") for kind in ALL_BUT_ENTRA
    ]
    assert ("entra", 2, "coming") not in listed(shell)
    assert audited(shell) == list(reversed(ALL_BUT_ENTRA))


def test_one_kind_is_rotated_once_however_often_it_is_named(shell: Shell) -> None:
    made = shell.answer("keys", "rotate", "--which", "sealing", "--which", "sealing")
    assert [(g["kind"], g["generation"]) for g in made] == [("sealing", 2)]


def test_what_was_rotated_now_is_still_to_come_for_some_seconds(shell: Shell) -> None:
    """Every process must know a key before any uses it."""
    (made,) = shell.answer("keys", "rotate", "--which", "sealing", "--now")
    assert made["state"] == "coming"


def test_people_are_told_that_nothing_has_to_be_restarted(shell: Shell) -> None:
    told = shell.run("keys", "rotate", "--which", "sealing").stdout
    assert "restart nothing" in told
    assert "Upload" not in told


def test_people_are_told_to_upload_entras_certificate(shell: Shell) -> None:
    told = shell.run("keys", "rotate", "--which", "entra").stdout
    assert "Upload what `connector keys certificates --which entra` prints" in told
    assert "entra-0002-certificate.pem" in files(shell)


@pytest.mark.parametrize(
    "words", [["--which", "all"], ["--activate-after", "-1"], ["--activate-after", "soon"]], ids=str
)
def test_an_unclear_rotation_is_wrong_usage(shell: Shell, words: list[str]) -> None:
    before = files(shell)
    assert shell.run("keys", "rotate", *words).exit_code == 2
    assert files(shell) == before


def test_no_key_is_printed(shell: Shell) -> None:
    told = (
        shell.run("keys", "rotate", "--which", "sealing").stdout + shell.run("keys", "list").stdout
    )
    secrets = [(shell.folder / "keys" / n).read_bytes() for n in files(shell) if n.endswith(".key")]
    assert len(secrets) == 2
    assert not any(secret.hex() in told for secret in secrets)


# --- certificates ---------------------------------------------------------------------------------


def test_a_certificate_is_printed_so_that_it_can_be_uploaded_as_it_is(shell: Shell) -> None:
    shell.run("keys", "rotate", "--which", "entra")
    printed = shell.run("keys", "certificates", "--which", "entra")
    assert printed.exit_code == 0
    assert printed.stdout == (shell.folder / "keys/entra-0002-certificate.pem").read_text()
    (about,) = printed.stderr.splitlines()
    assert about.startswith("kind=entra generation=2 state=coming sha256=")
    assert "not_after=" in about


def test_both_certificates_are_printed_for_programs(shell: Shell) -> None:
    listed = {g["kind"]: g["ids"] for g in shell.answer("keys", "list")}
    printed = shell.answer("keys", "certificates")
    assert [(c["kind"], c["generation"], c["state"]) for c in printed] == [
        ("entra", 1, "in_use"),
        ("notifications", 1, "in_use"),
    ]
    assert {c["kind"]: c["sha256"] for c in printed}.items() <= listed.items()
    assert all(c["pem"].startswith("-----BEGIN CERTIFICATE-----") for c in printed)
    assert all(c["not_after"].endswith("+00:00") for c in printed)


def test_one_certificate_is_printed_once_however_often_it_is_named(shell: Shell) -> None:
    printed = shell.answer("keys", "certificates", "--which", "entra", "--which", "entra")
    assert [c["kind"] for c in printed] == ["entra"]


@pytest.mark.parametrize("which", ["sealing", "assertions", "all"])
def test_what_has_no_certificate_is_wrong_usage(shell: Shell, which: str) -> None:
    assert shell.run("keys", "certificates", "--which", which).exit_code == 2


def test_no_private_key_is_printed_with_certificates(shell: Shell) -> None:
    """Even where somebody put both into one file."""
    keys = shell.folder / "keys"
    both = (keys / "entra-key.pem").read_text() + (keys / "entra-certificate.pem").read_text()
    (keys / "entra-certificate.pem").write_text(both)
    for form in ([], ["--json"]):
        told = shell.run("keys", "certificates", *form)
        assert told.exit_code == 0
        assert "PRIVATE KEY" not in told.output


def test_a_file_that_is_no_certificate_is_said_in_one_line(shell: Shell) -> None:
    (shell.folder / "keys/entra-certificate.pem").write_text("not a certificate")
    failed = shell.run("keys", "certificates")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert len(failed.stderr.splitlines()) == 1
    assert "no certificate" in failed.stderr


@pytest.mark.parametrize("lost", ["entra-certificate.pem", "entra-key.pem"])
def test_a_certificate_that_is_missing_is_said_in_one_line(shell: Shell, lost: str) -> None:
    (shell.folder / "keys" / lost).unlink()
    failed = shell.run("keys", "certificates", "--which", "entra")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "connector keys init" in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
