"""The sampler's arithmetic: seconds of CPU by part, whatever processes come and go."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loadtest.records import Gauge, RowWriter, RunFolder
from loadtest.stage.outbox import OutboxReading
from loadtest.stage.sampler import Families, Sampler, Use, gauges

OWED = OutboxReading(pending=7, oldest_seconds=1.5)
BUSY = "import time\nwhile True:\n    sum(range(20000))\n    time.sleep(0.001)\n"


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    yield process
    process.kill()
    process.wait()


def test_a_row_has_what_was_used_since_the_row_before() -> None:
    rows = gauges(12.0, {"web": Use(10.5, 2e8)}, {"web": Use(9.75, 1e8)}, OWED)
    assert rows == [
        Gauge(
            at_seconds=12.0,
            part="web",
            cpu_seconds=0.75,
            resident_bytes=2e8,
            outbox_pending=7,
            outbox_oldest_seconds=1.5,
        )
    ]


def test_the_outbox_stands_on_web_only() -> None:
    used = {"worker": Use(1, 1), "web": Use(1, 1)}
    owed = {row.part: row.outbox_pending for row in gauges(1.0, used, used, OWED)}
    assert owed == {"worker": -1, "web": 7}


def test_what_was_not_there_before_has_used_nothing_known() -> None:
    [row] = gauges(1.0, {"web": Use(10, 1e8)}, {}, OWED)
    assert (row.cpu_seconds, row.resident_bytes) == (-1, 1e8)


def test_the_outbox_is_told_even_when_no_process_is_ours() -> None:
    [row] = gauges(1.0, {}, {}, OWED)
    assert (row.part, row.cpu_seconds, row.resident_bytes, row.outbox_pending) == ("web", -1, -1, 7)


def test_cpu_and_memory_of_a_process_are_measured(child: "subprocess.Popen[bytes]") -> None:
    families = Families(lambda: {"web": child.pid})
    first = families.use()["web"]
    time.sleep(0.4)
    second = families.use()["web"]
    assert second.cpu_seconds > first.cpu_seconds
    assert second.resident_bytes > 1e6


def test_a_part_that_is_started_again_keeps_what_it_used(child: "subprocess.Popen[bytes]") -> None:
    pids = {"worker": child.pid}
    families = Families(lambda: pids)
    time.sleep(0.4)
    before = families.use()["worker"].cpu_seconds
    pids["worker"] = os.getpid()
    own = sum(os.times()[:4])
    assert families.use()["worker"].cpu_seconds >= before + own - 0.1


def test_a_part_that_ended_never_falls_back(child: "subprocess.Popen[bytes]") -> None:
    families = Families(lambda: {"feed": child.pid})
    time.sleep(0.3)
    before = families.use()["feed"].cpu_seconds
    child.kill()
    child.wait()
    assert families.use()["feed"].cpu_seconds == before


def test_a_process_that_is_not_there_is_no_part() -> None:
    assert Families(lambda: {"web": 2**22 - 1}).use() == {}


def test_the_sampler_writes_a_row_each_second_and_closes_its_file(tmp_path: Path) -> None:
    rows = RowWriter(tmp_path / "gauges.csv", Gauge)
    families = Families(lambda: {"web": os.getpid()})
    sampler = Sampler(families, lambda: OWED, rows, time.monotonic)
    sampler.start()
    time.sleep(1.2)
    sampler.stop()
    written = list(RunFolder(tmp_path).rows("gauges", Gauge))
    assert [row.part for row in written] == ["web", "web"]
    assert (written[0].cpu_seconds, written[0].outbox_pending) == (-1, 7)
    assert written[1].cpu_seconds >= 0
