"""Case 77: whoever owns the database alters, deletes or reorders audit lines, and is found out.

reliability.md case 77. The chain shows what was done to lines; the anchor, which is not in the
database, shows what was done to the whole trail.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders.operators import Shell
from tests.builders.store import NOON, TENANT

from connector.adapters.sql.audit import HASHED, hash_of
from connector.ports.storage import AuditEntry

LINES = 6
ENTRY = AuditEntry(NOON, "person.launch.complete", "success", "REF0-0001", TENANT, "env", "oid-1")


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Six lines; the anchor knows the third and the last."""
    shell = Shell.opened(tmp_path, monkeypatch)
    for numbers in ((1, 2, 3), (4, 5, 6)):
        shell.store.audit_all(
            replace(ENTRY, at=NOON + timedelta(seconds=n), reference=f"REF0-000{n}")
            for n in numbers
        )
        assert shell.run("audit", "anchor").exit_code == 0
    yield shell
    shell.store.close()


def tamper(shell: Shell, *statements: str) -> None:
    """As the database's owner, past the connector."""
    connection = sqlite3.connect(shell.folder / "connector.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def seal_anew(shell: Shell) -> None:
    """What somebody does who knows how the chain is made: every hash fits the altered words."""
    connection = sqlite3.connect(shell.folder / "connector.db")
    connection.row_factory = sqlite3.Row
    previous = ""
    with connection:
        for row in connection.execute("SELECT * FROM audit_event ORDER BY id").fetchall():
            at = NOON.fromisoformat(row["at"])
            fresh = hash_of(previous, at, {name: row[name] for name in HASHED})
            sealed = (previous, fresh, row["id"])
            connection.execute(
                "UPDATE audit_event SET previous_hash = ?, hash = ? WHERE id = ?", sealed
            )
            previous = fresh
    connection.close()


def found(shell: Shell) -> list[tuple[int, str]]:
    result = shell.run("audit", "verify", "--json")
    verdict: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if verdict["whole"] else 1)
    assert verdict["whole"] == (not verdict["findings"])
    return [(each["id"], each["what"]) for each in verdict["findings"]]


def test_case_77_an_untouched_trail_is_whole_up_to_its_anchor(operator: Shell) -> None:
    operator.store.audit_all([ENTRY])
    verdict = operator.answer("audit", "verify")
    assert verdict == {
        "whole": True,
        "lines": LINES + 1,
        "head": LINES + 1,
        "anchored_to": LINES,
        "lines_after_anchor": 1,
        "findings": [],
    }


@pytest.mark.parametrize(
    "change",
    [
        "event = 'person.launch.refuse'",
        "outcome = 'refused'",
        "reference = 'REF0-9999'",
        "tenant_id = 'another'",
        "tenant_id = NULL",
        "environment_id = ''",
        "actor = 'somebody else'",
        'facts = \'{"reason": "none"}\'',
        "facts = 'no JSON'",
        "at = '2020-01-01 00:00:00.000000'",
        "at = 'yesterday'",
        "at = 12",
        "actor = x'ff00'",
    ],
)
def test_case_77_an_altered_line_is_named(operator: Shell, change: str) -> None:
    tamper(operator, f"UPDATE audit_event SET {change} WHERE id = 2")  # noqa: S608 - words of our own
    assert found(operator) == [(2, "altered")]


@pytest.mark.parametrize("line", range(1, LINES))
def test_case_77_the_line_after_a_deleted_one_is_named(operator: Shell, line: int) -> None:
    tamper(operator, f"DELETE FROM audit_event WHERE id = {line}")  # noqa: S608 - words of our own
    anchored = [(3, "gone")] if line == 3 else []
    assert found(operator) == sorted([(line + 1, "missing_before"), *anchored])


def test_case_77_lines_that_changed_places_are_named(operator: Shell) -> None:
    tamper(
        operator,
        "UPDATE audit_event SET id = 99 WHERE id = 4",
        "UPDATE audit_event SET id = 4 WHERE id = 5",
        "UPDATE audit_event SET id = 5 WHERE id = 99",
    )
    assert found(operator) == [(4, "reordered")]


def test_case_77_a_line_moved_to_the_front_is_named(operator: Shell) -> None:
    tamper(operator, "UPDATE audit_event SET id = 0 WHERE id = 5")
    assert found(operator) == [(0, "reordered")]


def test_case_77_an_invented_line_is_named(operator: Shell) -> None:
    tamper(
        operator,
        "INSERT INTO audit_event SELECT 7, at, event, outcome, reference, tenant_id, environment_id, "
        "actor, facts, hash, 'made up' FROM audit_event WHERE id = 6",
    )
    assert found(operator) == [(7, "altered")]


def test_case_77_an_invented_line_that_cannot_be_read_is_named(operator: Shell) -> None:
    """What has no hash at all is not sealed by none."""
    tamper(
        operator,
        "INSERT INTO audit_event SELECT 7, 'yesterday', event, outcome, reference, tenant_id, "
        "environment_id, actor, facts, hash, '' FROM audit_event WHERE id = 6",
    )
    assert found(operator) == [(7, "altered")]


@pytest.mark.parametrize("kept", range(LINES))
def test_case_77_a_trail_whose_end_was_cut_off_is_found_by_the_anchor(
    operator: Shell, kept: int
) -> None:
    """The chain that is left is whole."""
    tamper(operator, f"DELETE FROM audit_event WHERE id > {kept}")  # noqa: S608 - words of our own
    assert found(operator) == [(3 if kept < 3 else 6, "gone")]


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ("UPDATE audit_event SET actor = 'nobody' WHERE id = 2", (3, "rewritten")),
        ("UPDATE audit_event SET actor = 'nobody' WHERE id = 5", (6, "rewritten")),
        ("DELETE FROM audit_event WHERE id = 1", (3, "rewritten")),
        ("DELETE FROM audit_event WHERE id = 3", (3, "gone")),
    ],
)
def test_case_77_a_trail_that_was_written_anew_is_found_by_the_anchor(
    operator: Shell, change: str, first: tuple[int, str]
) -> None:
    tamper(operator, change)
    seal_anew(operator)
    assert found(operator) == [first]


def test_case_77_without_an_anchor_that_would_not_show_and_verify_says_so(
    operator: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTOR_AUDIT_ANCHOR_FILE")
    tamper(operator, "UPDATE audit_event SET actor = 'nobody' WHERE id = 2")
    seal_anew(operator)
    result = operator.run("audit", "verify")
    assert result.exit_code == 0
    assert "no anchor" in result.stdout


# --- the anchor itself ----------------------------------------------------------------------------


def _deleted(anchor: Path) -> None:
    anchor.unlink()


def _emptied(anchor: Path) -> None:
    anchor.write_text("")


def _edited(anchor: Path) -> None:
    first, second = (json.loads(line) for line in anchor.read_text().splitlines())
    anchor.write_text("\n".join(json.dumps(each) for each in (first, second | {"hash": "0" * 64})))


def _doubled(anchor: Path) -> None:
    first, second = (json.loads(line) for line in anchor.read_text().splitlines())
    forged = second | {"hash": "0" * 64}
    anchor.write_text("\n".join(json.dumps(each) for each in (first, second, forged)))


def _garbled(anchor: Path) -> None:
    anchor.write_text("x" + anchor.read_text())


@pytest.mark.parametrize(
    ("harm", "finding"),
    [
        (_deleted, (0, "anchor_missing")),
        (_emptied, (0, "anchor_missing")),
        (_edited, (6, "rewritten")),
        (_doubled, (3, "anchor_unreadable")),
        (_garbled, (1, "anchor_unreadable")),
    ],
)
def test_case_77_an_anchor_that_was_touched_proves_nothing(
    operator: Shell, harm: Callable[[Path], None], finding: tuple[int, str]
) -> None:
    harm(operator.anchor)
    assert found(operator) == [finding]


def test_case_77_people_are_told_the_line_and_what_is_wrong(operator: Shell) -> None:
    tamper(operator, "DELETE FROM audit_event WHERE id = 2")
    result = operator.run("audit", "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith("BROKEN\nbefore line 3 something is missing")
