"""`connector outbox`: what an operator sees and sends again."""

import importlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.builders.store import NOON, VISIT, seed_visits, sqlite_store
from tests.fakes.system import FixedClock

from connector import bootstrap, cli
from connector.usecases.replay_outbox import ReplayOutbox


@pytest.fixture
def connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """One parked and one waiting message of a visit."""
    store = sqlite_store(tmp_path)
    seed_visits(store)
    with store.write() as tx:
        for key in ("first", "second"):
            tx.outbox.add(VISIT, key, b"sealed canary", NOON)
        [first] = tx.outbox.claim_due(NOON, 1)
        tx.outbox.park(first, "INVALID-USER-ID")
    desk = ReplayOutbox(store, FixedClock(NOON))
    monkeypatch.setattr(importlib.import_module("connector.cli.outbox"), "settings", lambda: None)
    monkeypatch.setattr(bootstrap, "build_outbox_desk", lambda _settings: desk)
    return CliRunner()


def run(connector: CliRunner, *words: str) -> Result:
    return connector.invoke(cli.main, ["outbox", *words])


def test_the_list_says_what_is_owed_and_why(connector: CliRunner) -> None:
    result = run(connector, "list", "--json")

    parked, waiting = json.loads(result.output)
    assert (parked["state"], parked["code"], parked["replayable"]) == (
        "parked",
        "INVALID-USER-ID",
        True,
    )
    assert (waiting["state"], waiting["replayable"]) == ("pending", False)
    assert "canary" not in result.output


def test_the_list_is_a_line_a_message_for_people(connector: CliRunner) -> None:
    lines = run(connector, "list").output.splitlines()

    assert len(lines) == 2
    assert "code=INVALID-USER-ID" in lines[0]


@pytest.mark.parametrize("choice", [["--id", "1"], ["--all"]])
def test_a_parked_message_is_sent_again_once(connector: CliRunner, choice: list[str]) -> None:
    first, second = (run(connector, "replay", *choice, "--json") for _ in range(2))

    assert (first.exit_code, [m["id"] for m in json.loads(first.output)]) == (0, [1])
    assert (second.exit_code, json.loads(second.output)) == (1, [])


@pytest.mark.parametrize("choice", [[], ["--all", "--id", "1"], ["--id", "one"]], ids=str)
def test_an_unclear_choice_is_refused(connector: CliRunner, choice: list[str]) -> None:
    assert run(connector, "replay", *choice).exit_code == 2


def test_a_message_that_is_not_parked_is_not_sent(connector: CliRunner) -> None:
    assert run(connector, "replay", "--id", "2").exit_code == 1
