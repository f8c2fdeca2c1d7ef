"""Web and its database before everybody else of a run."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from loadtest.stage.giving_way import give_way
from loadtest.stage.ground import GroundRefused

# A thread beside the first one, and a child.
FAMILY = """
import os, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os.fork()
print("up", flush=True)
time.sleep(60)
"""


def may_be_first() -> bool:
    """In a process of its own, or this one would be first from now on."""
    attempt = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    tried = subprocess.run([sys.executable, "-c", attempt], capture_output=True, check=False)
    return tried.returncode == 0


allowed = pytest.mark.skipif(not may_be_first(), reason="needs real-time scheduling")


@pytest.fixture
def family() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", FAMILY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(2):
            process.stdout.readline()
        leader = psutil.Process(process.pid)
        everybody = [leader, *leader.children()]
        yield process
        for one in everybody:
            one.kill()


def classes_of(pid: int) -> set[int]:
    """How every thread of the process and of its children is scheduled."""
    leader = psutil.Process(pid)
    return {
        os.sched_getscheduler(thread.id)
        for process in [leader, *leader.children()]
        for thread in process.threads()
    }


@allowed
@pytest.mark.parametrize("part", ["web", "postgres"])
def test_every_thread_and_child_of_web_and_its_database_comes_first(
    part: str, family: "subprocess.Popen[str]"
) -> None:
    for _ in range(2):  # after an event once more
        give_way({part: family.pid})
        assert classes_of(family.pid) == {os.SCHED_RR}


@pytest.mark.parametrize("part", ["worker", "feed", "mock_fhir", "generator"])
def test_nobody_else_does(part: str, family: "subprocess.Popen[str]") -> None:
    give_way({part: family.pid})
    assert classes_of(family.pid) == {os.SCHED_OTHER}


@allowed
def test_a_part_that_has_ended_is_no_mistake(family: "subprocess.Popen[str]") -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    give_way({"postgres": gone.pid, "web": family.pid})
    assert classes_of(family.pid) == {os.SCHED_RR}


def test_who_may_not_is_told_what_to_do(
    family: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(GroundRefused, match="ulimit -r 1"):
        give_way({"web": family.pid})


def test_a_machine_that_cannot_says_so(
    family: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "SCHED_RR")
    with pytest.raises(GroundRefused, match="Linux"):
        give_way({"web": family.pid})
