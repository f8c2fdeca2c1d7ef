"""Every `connector` command: help that teaches, JSON where it prints data, exit codes 0, 1, 2."""

import errno
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.builders.operators import Shell

from connector.cli import main

PROCESSES = {"web", "worker", "feed"}
UNUSABLE = "sqlite:////nowhere/at/all/connector.db"


def commands(
    group: click.Group = main, *path: str
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands())
QUICK = [["db", "upgrade"], ["keys", "init"], ["keys", "list"], ["outbox", "list"]]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell.opened(tmp_path, monkeypatch)


def test_the_commands_an_operator_needs_are_there() -> None:
    needed = {
        ("db", "upgrade"),
        ("doctor",),
        ("keys", "rotate"),
        ("audit", "verify"),
        ("audit", "export"),
        ("outbox", "list"),
        ("outbox", "replay"),
        ("erase",),
        ("export",),
    }
    assert needed <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_says_what_it_does_shows_an_example_and_the_exit_codes(
    path: tuple[str, ...], shell: Shell
) -> None:
    told = shell.run(*path, "--help")
    assert told.exit_code == 0
    command = " ".join(path)
    example, codes = told.stdout.split("Example", 1)[1].split("Exit codes: 0", 1)
    assert f"\n    connector {command}" in example, "the example stands on a line of its own"
    assert "1 " in codes
    assert "2 " in codes


@pytest.mark.parametrize("path", sorted(ALL.keys() - {(name,) for name in PROCESSES}), ids=" ".join)
def test_what_prints_data_prints_it_for_programs_too(path: tuple[str, ...]) -> None:
    options = {name for parameter in ALL[path].params for name in parameter.opts}
    assert options & {"--json", "--format"}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    options = [p for p in ALL[path].params if isinstance(p, click.Option)]
    silent = [o.name for o in options if not o.help and o.name not in {"form", "which"}]
    assert silent == []


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_an_unknown_option_is_wrong_usage(path: tuple[str, ...], shell: Shell) -> None:
    assert shell.run(*path, "--no-such-option").exit_code == 2


@pytest.mark.parametrize("words", [*QUICK, ["audit", "verify"], ["worker"]], ids=" ".join)
def test_a_wrong_setting_is_named_and_exits_two(
    words: list[str], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_PUBLIC_URL", "http://plain.example")
    refused = shell.run(*words)
    assert refused.exit_code == 2
    assert "CONNECTOR_PUBLIC_URL" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ["db", "upgrade"],
        ["outbox", "list"],
        ["audit", "verify"],
        ["audit", "anchor"],
        ["audit", "export"],
        ["keys", "rotate"],
        ["erase", "--account", "a", "--tenant", "t", "--yes"],
        ["export", "--account", "a", "--tenant", "t"],
    ],
    ids=" ".join,
)
def test_a_database_that_is_away_is_said_in_one_line(
    words: list[str], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("keys", "init")
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", UNUSABLE)
    failed = shell.run(*words)
    assert failed.exit_code == 1
    assert failed.stderr.startswith("the database cannot be used now (unreachable)")
    assert len(failed.stderr.splitlines()) == 1


def test_keys_that_were_never_made_are_said_in_one_line(shell: Shell) -> None:
    failed = shell.run("keys", "list")
    assert failed.exit_code == 1
    assert "connector keys init" in failed.stderr


def test_keys_that_cannot_be_written_are_said_in_one_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A volume that is mounted to be read only is no matter of permissions."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("connector.adapters.vault.generation.make_keys", refuse)
    failed = shell.run("keys", "init")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("a file cannot be read or written now")
    assert "Read-only file system" in failed.stderr


def test_whoever_stops_reading_is_told_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`connector audit export | head` is no fault of a file."""

    def hung_up(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("connector.adapters.vault.generation.make_keys", hung_up)
    stopped = shell.run("keys", "init")
    assert (stopped.exit_code, stopped.stderr) == (1, "")


def test_an_anchor_that_cannot_be_written_is_said_in_one_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.run("keys", "init")
    shell.run("keys", "rotate", "--which", "sealing")
    monkeypatch.setenv("CONNECTOR_AUDIT_ANCHOR_FILE", "/nowhere/anchor.jsonl")
    failed = shell.run("audit", "anchor")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("the anchor of the audit trail cannot be")


def test_a_database_is_upgraded_as_often_as_one_likes(shell: Shell) -> None:
    first, second = shell.answer("db", "upgrade"), shell.answer("db", "upgrade")
    assert first == second
    assert first["revision"]


def test_elsewhere_than_on_azure_an_upgrade_asks_for_no_audit_of_the_server(shell: Shell) -> None:
    assert shell.answer("db", "upgrade")["notes"] == []
    assert shell.run("db", "upgrade").stdout == "the database is up to date\n"
