"""`connector export` and `connector erase`: one person, named without doubt."""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from tests.builders.operators import Shell
from tests.builders.store import ENVIRONMENT, NOON, TENANT, seed_environment

from connector.ports.people import Mentions

BY_EHR = ["--ehr-user", "ehr-1", "--environment", ENVIRONMENT.id]
BY_ACCOUNT = ["--account", "oid-1", "--tenant", TENANT]
BOTH = pytest.mark.parametrize("person", [BY_EHR, BY_ACCOUNT], ids=["ehr user", "account"])


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """One linked person."""
    shell = Shell.opened(tmp_path, monkeypatch)
    seed_environment(shell.store)
    with shell.store.write() as tx:
        tx.links.add(ENVIRONMENT.id, "ehr-1", TENANT, "oid-1", NOON)
    yield shell
    shell.store.close()


def linked(shell: Shell) -> str | None:
    with shell.store.read() as tx:
        return tx.links.find(ENVIRONMENT.id, "ehr-1")


@BOTH
def test_everything_stored_is_printed(shell: Shell, person: list[str]) -> None:
    told = shell.answer("export", *person)
    assert told["links"] == [
        {
            "environment": ENVIRONMENT.id,
            "ehr_user": "ehr-1",
            "tenant": TENANT,
            "account": "oid-1",
            "linked_at": NOON.isoformat(),
        }
    ]
    assert told["mentions"] == [
        {"tenant": TENANT, "account": "oid-1"} | {field.name: [] for field in fields(Mentions)}
    ]
    assert told["audit_lines"] == []


def test_for_people_it_is_indented(shell: Shell) -> None:
    told = shell.run("export", *BY_EHR)
    assert told.exit_code == 0
    assert json.loads(told.stdout)["links"]
    assert told.stdout.startswith('{\n  "links"')


@pytest.mark.parametrize("command", [["export"], ["erase", "--yes"]], ids=str)
def test_of_nobody_there_is_nothing(shell: Shell, command: list[str]) -> None:
    nobody = ["--account", "nobody", "--tenant", TENANT]
    assert shell.run(*command, *nobody).exit_code == 1


@BOTH
def test_nothing_is_erased_without_a_yes(shell: Shell, person: list[str]) -> None:
    refused = shell.run("erase", *person)
    assert refused.exit_code == 2
    assert "1 links would be erased" in refused.stderr
    assert linked(shell) == "oid-1"


@BOTH
def test_a_link_is_erased_once(shell: Shell, person: list[str]) -> None:
    first, second = (shell.run("erase", *person, "--yes", "--json") for _ in range(2))
    assert (first.exit_code, json.loads(first.stdout)) == (0, {"erased": 1})
    assert (second.exit_code, json.loads(second.stdout)) == (1, {"erased": 0})
    assert linked(shell) is None


@pytest.mark.parametrize("command", [["export"], ["erase", "--yes"]], ids=str)
@pytest.mark.parametrize(
    "person",
    [
        [],
        ["--ehr-user", "ehr-1"],
        ["--environment", ENVIRONMENT.id],
        ["--account", "oid-1"],
        ["--tenant", TENANT],
        ["--ehr-user", "ehr-1", "--tenant", TENANT],
        [*BY_EHR, *BY_ACCOUNT],
        [*BY_EHR, "--tenant", TENANT],
        ["--ehr-user", "", "--environment", ENVIRONMENT.id],
    ],
    ids=str,
)
def test_a_person_not_named_without_doubt_is_wrong_usage(
    shell: Shell, command: list[str], person: list[str]
) -> None:
    assert shell.run(*command, *person).exit_code == 2
    assert linked(shell) == "oid-1"
