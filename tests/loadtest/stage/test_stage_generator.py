"""The generating processes: how they are started, starved and ended."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from loadtest.stage.generator import Generator, GeneratorFailed, Starver, locust_command

FORKS = "import os, time\nos.fork()\nprint('up', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def generator(tmp_path: Path) -> Iterator[Generator]:
    """A stand-in with a child of its own."""
    log = tmp_path / "generator.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([sys.executable, "-c", FORKS], stdout=stream)
    running = Generator(process, log)
    while log.read_text().count("up") < 2:
        time.sleep(0.02)
    yield running
    running.stop()


def family(generator: Generator) -> list[psutil.Process]:
    leader = psutil.Process(generator.pid)
    return [leader, *leader.children(recursive=True)]


def test_one_process_is_started_without_workers(tmp_path: Path) -> None:
    command = locust_command(1, tmp_path / "locust")
    assert "--headless" in command
    assert "--processes" not in command
    assert command[command.index("--csv") + 1] == str(tmp_path / "locust")


def test_several_processes_are_a_master_and_its_workers(tmp_path: Path) -> None:
    command = locust_command(3, tmp_path / "locust")
    assert command[command.index("--processes") + 1] == "3"


def test_two_runs_on_one_machine_do_not_take_one_anothers_workers(tmp_path: Path) -> None:
    commands = [locust_command(2, tmp_path / "locust") for _ in range(2)]
    bound = [one[one.index("--master-bind-port") + 1] for one in commands]
    called = [one[one.index("--master-port") + 1] for one in commands]
    assert bound == called
    assert "5557" not in bound


def test_stopping_ends_the_whole_family(generator: Generator) -> None:
    everybody = family(generator)
    assert len(everybody) == 2
    generator.stop()
    assert not generator.is_running
    _gone, left = psutil.wait_procs(everybody, 2)
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []
    generator.stop()


def test_starving_stops_it_most_of_the_time_and_lets_it_go_at_the_end(generator: Generator) -> None:
    starver = Starver(generator)
    starver.start()
    seen = []
    for _ in range(20):
        seen.append(psutil.Process(generator.pid).status())
        time.sleep(0.03)
    starver.stop()
    assert seen.count(psutil.STATUS_STOPPED) > len(seen) / 2
    time.sleep(0.05)
    assert psutil.STATUS_STOPPED not in {one.status() for one in family(generator)}


def test_a_starved_one_can_be_ended(generator: Generator) -> None:
    everybody = family(generator)
    for one in everybody:
        one.suspend()
    began = time.monotonic()
    generator.stop()
    assert not generator.is_running
    assert time.monotonic() - began < 25


def test_one_that_does_not_end_is_told_with_its_last_lines(generator: Generator) -> None:
    with pytest.raises(GeneratorFailed, match="up"):
        generator.finish(0.05)
