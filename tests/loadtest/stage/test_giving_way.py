"""Parts of a run that let web and its database have the processor first."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from loadtest.stage.giving_way import LAST, give_way

pytestmark = pytest.mark.skipif(not psutil.LINUX, reason="reads the priority of each thread")
# A thread beside the first one, and a child, in a session of their own as every part is.
FAMILY = """
import os, threading, time
os.setsid()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
os.fork()
print("up", flush=True)
time.sleep(60)
"""


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


def priorities_of(pid: int) -> set[int]:
    """Of every thread of the process and of its children."""
    leader = psutil.Process(pid)
    return {
        os.getpriority(os.PRIO_PROCESS, thread.id)
        for process in [leader, *leader.children()]
        for thread in process.threads()
    }


@pytest.mark.parametrize("part", ["web", "postgres"])
def test_web_and_its_database_do_not_give_way(part: str, family: "subprocess.Popen[str]") -> None:
    before = priorities_of(family.pid)
    give_way({part: family.pid})
    assert priorities_of(family.pid) == before != {LAST}


@pytest.mark.parametrize("part", ["worker", "mock_fhir", "generator"])
def test_every_thread_and_child_of_the_others_does(
    part: str, family: "subprocess.Popen[str]"
) -> None:
    for _ in range(2):  # after an event once more
        give_way({part: family.pid})
        assert priorities_of(family.pid) == {LAST}


def test_and_so_does_their_session_where_linux_weighs_sessions(
    family: "subprocess.Popen[str]",
) -> None:
    group = Path(f"/proc/{family.pid}/autogroup")
    if not group.exists():
        pytest.skip("this kernel does not")
    give_way({"mock_fhir": family.pid})
    assert group.read_text().split()[-2:] == ["nice", str(LAST)]


def test_a_part_that_has_ended_is_no_mistake(family: "subprocess.Popen[str]") -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    give_way({"feed": gone.pid, "worker": family.pid})
    assert priorities_of(family.pid) == {LAST}
