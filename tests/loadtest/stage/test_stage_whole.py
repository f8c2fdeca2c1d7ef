"""The command itself: a run from an empty folder to a verdict, on both grounds, and Ctrl-C in the middle of one."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from loadtest.records import Gauge, RunFolder
from scripts.sandbox import Sandbox

pytestmark = pytest.mark.sandbox

SHORT = Path(__file__).with_name("short.toml")
PEACEFUL = "[[stage.events]]"
PATIENCE_SECONDS = 120


def start(folder: Path, *options: str, scenario: Path = SHORT) -> "subprocess.Popen[str]":
    command = [
        sys.executable,
        "-m",
        "loadtest",
        "--scenario",
        str(scenario),
        "--folder",
        str(folder),
    ]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(folder: Path, *options: str, scenario: Path = SHORT) -> tuple[RunFolder, str]:
    """The folder of the run, and what was printed."""
    process = start(folder, *options, scenario=scenario)
    printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
    kept = sorted(one for one in folder.iterdir() if one.is_dir())
    assert kept, printed
    return RunFolder(kept[-1]), printed


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "stamp") as running:
        yield running


def test_a_run_at_home_ends_with_a_verdict(tmp_path: Path) -> None:
    kept, printed = run(tmp_path / "runs")
    verdict = json.loads((kept.path / "verdict.json").read_text(encoding="utf-8"))
    latest = json.loads((tmp_path / "runs" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict == latest
    assert verdict["truth"]["checked"], printed
    assert verdict["truth"]["lost"] == 0, printed
    ledger = kept.ledger()
    assert ledger is not None
    assert len(ledger.meetings) == 10
    assert ledger.drained_seconds >= 0
    assert {"web", "worker", "mock_fhir", "generator"} <= {
        one.part for one in kept.rows("gauges", Gauge)
    }


def test_a_run_on_a_hosted_sandbox_asks_its_simulators(tmp_path: Path, deployed: Sandbox) -> None:
    peaceful = tmp_path / "peaceful.toml"
    peaceful.write_text(SHORT.read_text(encoding="utf-8").partition(PEACEFUL)[0], encoding="utf-8")
    kept, printed = run(tmp_path / "runs", *addresses(deployed), scenario=peaceful)
    ledger = kept.ledger()
    assert ledger is not None, printed
    assert len(ledger.meetings) == 10
    assert kept.run().target == deployed.urls.connector
    assert {one.part for one in kept.rows("gauges", Gauge)} == {"web", "generator"}


def test_what_cannot_be_killed_is_refused_before_anybody_comes(
    tmp_path: Path, deployed: Sandbox
) -> None:
    _, printed = run(tmp_path / "runs", *addresses(deployed))
    assert "the processes of a stamp are not ours" in printed
    assert "visits/s" not in printed


def addresses(deployed: Sandbox) -> list[str]:
    urls = deployed.urls
    return [
        *("--target", urls.connector, "--feed", urls.feed, "--ehr", urls.mock_fhir),
        *("--mychart", urls.mock_mychart, "--microsoft", urls.mock_microsoft),
        *("--ca-file", str(deployed.ca_file)),
    ]


def test_ctrl_c_ends_everything_that_was_started(tmp_path: Path) -> None:
    process = start(tmp_path / "runs")
    assert process.stdout is not None
    while "booked" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(3)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 6
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert process.returncode == 128 + signal.SIGINT
    _gone, left = psutil.wait_procs(family, 5)
    assert [one.cmdline() for one in left if one.status() != psutil.STATUS_ZOMBIE] == []
