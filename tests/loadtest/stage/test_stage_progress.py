"""What is shown of a run while it goes on, from Locust's history."""

import csv
from pathlib import Path

import pytest
from loadtest.hops import WHOLE_WAY
from loadtest.stage.outbox import OutboxReading
from loadtest.stage.progress import (
    HISTORY,
    Seen,
    line,
    rate_asked,
    read_history,
)

COLUMNS = ("Timestamp", "Type", "Name", "Requests/s", "95%", "Total Request Count", "Total Failure Count")  # fmt: skip


def history(folder: Path, *rows: tuple[object, ...], torn: str = "") -> Path:
    with (folder / HISTORY).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        stream.write(torn)
    return folder


def test_the_newest_row_of_each_kind_counts(tmp_path: Path) -> None:
    history(
        tmp_path,
        (1, "provider", WHOLE_WAY, "1.0", "90", 10, 0),
        (2, "provider", WHOLE_WAY, "2.5", "120", 30, 1),
        (2, "patient", WHOLE_WAY, "2.0", "200", 25, 2),
        (2, "patient", "connector /launch/patient (shed)", "0.1", "5", 4, 0),
        (2, "", "Aggregated", "99", "1", 999, 0),
    )
    assert read_history(tmp_path) == Seen(2.5, 200, 52, 3, 4)


def test_a_line_half_written_is_left_out(tmp_path: Path) -> None:
    row = (1, "provider", WHOLE_WAY, "1.0", "90", 10, 0)
    assert read_history(history(tmp_path, row, torn="2,provider,click")).done == 10


def test_of_a_long_history_only_the_end_is_read(tmp_path: Path) -> None:
    rows = [(second, "provider", WHOLE_WAY, "1.0", "90", second, 0) for second in range(5000)]
    assert read_history(history(tmp_path, *rows)).done == 4999


def test_before_anybody_came_nothing_is_known(tmp_path: Path) -> None:
    assert read_history(tmp_path) == Seen()
    assert read_history(history(tmp_path)) == Seen()
    waiting = (1, "provider", WHOLE_WAY, "0.0", "N/A", 0, 0)
    assert read_history(history(tmp_path, waiting)).p95_ms == -1


@pytest.mark.parametrize(("at", "rate"), [(-1, 0), (0, 2), (9.9, 2), (10, 5), (20, 0), (99, 0)])
def test_the_rate_asked_is_the_curves(at: float, rate: float) -> None:
    assert rate_asked(((0, 2), (10, 5), (20, 0)), at) == rate


def test_nothing_is_asked_of_the_closed_model() -> None:
    assert rate_asked((), 5) == 0


def test_a_line_says_what_is_unknown() -> None:
    shown = line(5, 2.5, Seen(), OutboxReading())
    assert "asked   2.50 done      –" in shown
    assert shown.endswith("outbox –")
