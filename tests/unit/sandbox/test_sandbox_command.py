"""``make run``: what it prints, how it stops, when it gives up."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import pytest
from scripts.sandbox_parts.ports import VARIABLES, Ports

CHECKOUT = Path(__file__).resolve().parents[3]
# The real command, told that its interpreter is the stand-in's neighbour and where its folder is.
COMMAND = """
import sys
from pathlib import Path
from scripts import sandbox
sys.executable, sandbox.SANDBOX_FOLDER = sys.argv[1], Path(sys.argv[2])
sandbox.main()
"""


@dataclass
class Run:
    popen: subprocess.Popen[bytes]
    output_file: Path

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.popen.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        return next(one for one in self.children() if words in " ".join(one.cmdline()))


Start = Callable[..., Run]


@pytest.fixture
def start_run(tmp_path: Path, stand_in_interpreter: Path) -> Iterator[Start]:
    started: list[Run] = []

    def start(**environment: str) -> Run:
        ports = {VARIABLES[name]: str(port) for name, port in asdict(Ports.free()).items()}
        output = tmp_path / "output"
        with output.open("wb") as file:
            popen = subprocess.Popen(
                [sys.executable, "-c", COMMAND, stand_in_interpreter, tmp_path],
                cwd=CHECKOUT,
                env={**os.environ, "COLUMNS": "200", **ports, **environment},
                stdout=file,
                stderr=file,
            )
        started.append(Run(popen, output))
        return started[-1]

    yield start
    for run in started:
        run.popen.send_signal(signal.SIGTERM)
        run.popen.wait(15)


def test_run_prints_addresses_bases_authority_and_the_story(
    start_run: Start, eventually: Callable[..., None], tmp_path: Path
) -> None:
    run = start_run()
    eventually(lambda: "Ctrl-C stops everything" in run.output)
    assert "/interconnect-tst-oauth/api/FHIR/R4" in run.output
    assert "/interconnect-prd-oauth/fdi/" in run.output
    assert f"curl --cacert {tmp_path / 'ca.pem'}" in run.output
    assert "Begin virtual visit" in run.output


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_stops_everything_on_a_signal(
    start_run: Start,
    eventually: Callable[..., None],
    is_alive: Callable[..., bool],
    wanted: signal.Signals,
) -> None:
    run = start_run()
    eventually(lambda: "Ctrl-C stops everything" in run.output)
    children = run.children()
    run.popen.send_signal(wanted)
    assert run.popen.wait(15) == 0
    assert "Stopped." in run.output
    assert len(children) >= 6
    assert not any(is_alive(one) for one in children)


def test_run_interrupted_while_starting_leaves_nothing(
    start_run: Start, eventually: Callable[..., None], is_alive: Callable[..., bool]
) -> None:
    run = start_run(STAND_IN_FAULTS='{"feed": "mute"}')
    eventually(lambda: len(run.children()) >= 6)
    children = run.children()
    run.popen.send_signal(signal.SIGINT)
    assert run.popen.wait(15) == 0
    assert not any(is_alive(one) for one in children)


def test_run_restarts_a_crashed_part_once_and_then_gives_up(
    start_run: Start, eventually: Callable[..., None]
) -> None:
    run = start_run()
    eventually(lambda: "Ctrl-C stops everything" in run.output)
    first = run.child("connector feed")
    first.kill()
    eventually(lambda: "started again" in run.output)
    eventually(
        lambda: any("connector feed" in " ".join(c.cmdline()) for c in run.children() if c != first)
    )
    run.child("connector feed").kill()
    assert run.popen.wait(15) == 1
    assert "feed ended with SIGKILL" in run.output


def test_run_with_a_wrong_port_is_refused_by_the_variable(start_run: Start) -> None:
    run = start_run(FEED_PORT="eighty")
    assert run.popen.wait(15) == 1
    assert "FEED_PORT=eighty" in run.output


def test_run_says_what_failed_when_a_part_dies_at_start(start_run: Start) -> None:
    run = start_run(STAND_IN_FAULTS='{"mock_fhir": "fail"}')
    assert run.popen.wait(15) == 1
    assert "mock_fhir ended with status 3" in run.output
    assert "Traceback" not in run.output


def test_run_forgets_the_earlier_state_only_when_asked(
    start_run: Start, eventually: Callable[..., None], tmp_path: Path
) -> None:
    database = tmp_path / "run" / "connector.db"

    def content_after_run(reset: str) -> str:
        run = start_run(RESET=reset)
        eventually(lambda: "Ctrl-C stops everything" in run.output)
        content = database.read_text()
        database.write_text("of an earlier run")
        run.popen.send_signal(signal.SIGTERM)
        run.popen.wait(15)
        return content

    assert [content_after_run(reset) for reset in ("", "0", "1")] == ["", "of an earlier run", ""]
