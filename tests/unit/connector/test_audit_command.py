"""`connector audit`: what is handed over, and the anchor by hand (`verify`: case 77's own tests)."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.builders.operators import Shell
from tests.builders.store import NOON, TENANT

from connector.bootstrap import build_worker
from connector.ports.storage import AuditEntry
from connector.settings import load_settings

ENTRY = AuditEntry(NOON, "admin.configuration.submit", "success", "REF0", TENANT, "env", "oid")
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1"]
NAMES = ["Clinic 🏥", "\u202eعيادة", 'say "hi", please', "two\r\nlines", "plain"]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    opened = Shell.opened(tmp_path, monkeypatch)
    yield opened
    opened.store.close()


@pytest.fixture
def trail(shell: Shell) -> Shell:
    """A line a day for three days, the last of another tenant."""
    shell.store.audit_all(
        [
            ENTRY,
            replace(ENTRY, at=NOON + timedelta(days=1), event="admin.configuration.refuse"),
            replace(ENTRY, at=NOON + timedelta(days=2), tenant_id="other"),
        ]
    )
    return shell


def exported(shell: Shell, *words: str) -> list[int]:
    lines = shell.run("audit", "export", *words).stdout.splitlines()
    return [json.loads(line)["id"] for line in lines]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [1, 2, 3]),
        (["--tenant", TENANT], [1, 2]),
        (["--since", "2026-11-21"], [2, 3]),
        (["--until", "2026-11-21"], [1]),
        (["--since", "2026-11-21", "--until", "2026-11-22"], [2]),
        (["--event", "admin.configuration.refuse"], [2]),
        (["--tenant", "nobody"], []),
        (["--tenant", ""], []),
    ],
    ids=str,
)
def test_the_export_is_what_was_asked_for(trail: Shell, words: list[str], found: list[int]) -> None:
    assert exported(trail, *words) == found


@pytest.mark.parametrize(
    "words", [["--since", "yesterday"], ["--event", "no.such.event"], ["--format", "xml"]], ids=str
)
def test_an_unclear_wish_is_wrong_usage(trail: Shell, words: list[str]) -> None:
    assert trail.run("audit", "export", *words).exit_code == 2


def test_a_json_line_holds_the_whole_line_in_ascii(shell: Shell) -> None:
    shell.store.audit_all([replace(ENTRY, facts={"name": NAMES[1]})])
    told = shell.run("audit", "export").stdout
    assert told.isascii()
    line = json.loads(told)
    assert (line["at"], line["facts"], line["tenant_id"]) == (
        "2026-11-20T12:00:00+00:00",
        {"name": NAMES[1]},
        TENANT,
    )
    assert len(line["hash"]) == 64


def rows(shell: Shell) -> list[dict[str, str]]:
    raw = shell.run("audit", "export", "--format", "csv").stdout_bytes.decode()
    return list(csv.DictReader(io.StringIO(raw, newline="")))


@pytest.mark.parametrize("text", HOSTILE)
def test_case_45_a_spreadsheet_takes_no_cell_for_a_formula(shell: Shell, text: str) -> None:
    shell.store.audit_all([replace(ENTRY, actor=text, environment_id=text)])
    (row,) = rows(shell)
    assert (row["actor"], row["environment_id"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", NAMES)
def test_case_45_every_other_text_comes_out_as_it_went_in(shell: Shell, text: str) -> None:
    shell.store.audit_all([replace(ENTRY, actor=text, facts={"name": text})])
    (row,) = rows(shell)
    assert row["actor"] == text
    assert json.loads(row["facts"]) == {"name": text}


def test_an_empty_csv_still_names_its_columns(shell: Shell) -> None:
    told = shell.run("audit", "export", "--format", "csv").stdout
    assert told.startswith('"id","at","event","outcome","reference"')
    assert rows(shell) == []


# --- the anchor by hand ---------------------------------------------------------------------------


def test_the_head_is_anchored_by_hand(trail: Shell) -> None:
    told = trail.answer("audit", "anchor")
    kept = json.loads(trail.anchor.read_text())
    assert (told["id"], told["hash"]) == (kept["id"], kept["hash"])
    assert told["id"] == 3


def test_the_head_is_printed_and_nothing_written(trail: Shell) -> None:
    assert trail.answer("audit", "anchor", "--print")["id"] == 3
    assert not trail.anchor.exists()
    assert "line 3 has hash" in trail.run("audit", "anchor", "--print").stdout


def test_the_worker_anchors_where_the_setting_says(trail: Shell) -> None:
    trail.run("keys", "init")
    worker = build_worker(load_settings())
    worker.anchor()
    worker.store.close()  # type: ignore[attr-defined] # it is the real one
    assert json.loads(trail.anchor.read_text())["id"] == 3


def test_an_empty_trail_is_not_anchored(shell: Shell) -> None:
    assert shell.run("audit", "anchor").exit_code == 1
    assert not shell.anchor.exists()


def test_without_an_anchor_there_is_nothing_to_add_to(
    trail: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONNECTOR_AUDIT_ANCHOR_FILE")
    failed = trail.run("audit", "anchor")
    assert failed.exit_code == 1
    assert "CONNECTOR_AUDIT_ANCHOR_FILE" in failed.stderr


def test_people_are_told_how_far_the_proof_reaches(trail: Shell) -> None:
    trail.run("audit", "anchor")
    trail.store.audit_all([ENTRY])
    told = trail.run("audit", "verify")
    assert told.exit_code == 0
    assert told.stdout.startswith("whole: 4 lines, anchored up to line 3; 1 newer ones")
