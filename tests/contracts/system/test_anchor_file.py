"""`ports.audit_log.Anchor` on a file: appended to, never rewritten, read with suspicion."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.adapters.system.anchor_file import AnchorFile
from connector.domain.audit_chain import AnchoredLine
from connector.ports.audit_log import AnchorUnavailable

LINE = AnchoredLine(datetime(2026, 3, 2, 15, 0, tzinfo=UTC), 7, "ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "anchor.jsonl"


def test_what_was_added_is_read_in_order(path: Path) -> None:
    anchor = AnchorFile(path)
    assert list(anchor.lines()) == []
    for number in (1, 2, 3):
        anchor.add(replace(LINE, id=number))
    assert [line.id for line in AnchorFile(path).lines() if line] == [1, 2, 3]
    assert list(anchor.lines())[2] == replace(LINE, id=3)


def test_a_line_is_a_json_object_that_other_tools_read(path: Path) -> None:
    AnchorFile(path).add(LINE)
    assert json.loads(path.read_text()) == {
        "at": "2026-03-02T15:00:00+00:00",
        "id": 7,
        "hash": "ab" * 32,
    }
    assert path.read_text().endswith("\n")


def test_the_file_is_for_the_owner_only(path: Path) -> None:
    AnchorFile(path).add(LINE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_is_never_changed(path: Path) -> None:
    path.write_text("something else\n")
    AnchorFile(path).add(LINE)
    assert path.read_text().startswith("something else\n")


def test_a_torn_line_does_not_spoil_the_next_one(path: Path) -> None:
    path.write_text('{"at": "2026-03-')
    AnchorFile(path).add(LINE)
    assert list(AnchorFile(path).lines()) == [None, LINE]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not json",
        "[]",
        "1",
        "null",
        "{}",
        '{"at": "2026-03-02T15:00:00+00:00", "id": 1}',
        '{"at": "yesterday", "id": 1, "hash": "a"}',
        '{"at": 1, "id": 1, "hash": "a"}',
        '{"at": "2026-03-02T15:00:00+00:00", "id": "1", "hash": "a"}',
        '{"at": "2026-03-02T15:00:00+00:00", "id": true, "hash": "a"}',
        '{"at": "2026-03-02T15:00:00+00:00", "id": 1, "hash": null}',
        "\x00",
    ],
)
def test_a_line_that_we_did_not_write_is_none(path: Path, line: str) -> None:
    path.write_text(f"{line}\n")
    assert list(AnchorFile(path).lines()) == [None]


def test_bytes_that_are_no_text_are_none(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\n")
    assert list(AnchorFile(path).lines()) == [None]


def test_lines_of_two_workers_do_not_mix(path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: AnchorFile(path).add(replace(LINE, id=n)), range(100)))
    assert sorted(line.id for line in AnchorFile(path).lines() if line) == list(range(100))


def test_a_place_that_cannot_be_written_is_told(path: Path) -> None:
    with pytest.raises(AnchorUnavailable):
        AnchorFile(path / "below" / "nothing").add(LINE)


def test_a_line_the_disk_took_half_of_was_not_added(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked tries again, and finds the line torn."""
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:20]))
        with pytest.raises(AnchorUnavailable):
            AnchorFile(path).add(LINE)
    AnchorFile(path).add(LINE)
    assert list(AnchorFile(path).lines()) == [None, LINE]


def test_a_place_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnchorUnavailable):
        list(AnchorFile(tmp_path).lines())
