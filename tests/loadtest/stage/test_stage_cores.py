"""Parts of a run on cores of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from loadtest.stage.ground import GroundRefused

from loadtest.stage import cores

pytestmark = pytest.mark.skipif(cores.halves() is None, reason="needs Linux and two cores")
# A thread beside the first one, and a child.
FAMILY = """
import os, threading, time
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


def cores_of(pid: int) -> set[frozenset[int]]:
    """Of every thread of the process and of its children."""
    leader = psutil.Process(pid)
    return {
        frozenset(os.sched_getaffinity(thread.id))
        for process in [leader, *leader.children()]
        for thread in process.threads()
    }


@pytest.mark.parametrize("part", ["web", "postgres"])
def test_web_and_its_database_share_no_core_with_anybody(
    part: str, family: "subprocess.Popen[str]"
) -> None:
    ours, others = cores.halves() or (frozenset(), frozenset())
    assert not ours & others
    cores.set_apart({part: family.pid})
    assert cores_of(family.pid) == {ours}
    cores.set_apart({"generator": family.pid})
    assert cores_of(family.pid) == {others}


def test_a_part_that_has_ended_is_no_mistake(family: "subprocess.Popen[str]") -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    cores.set_apart({"feed": gone.pid, "web": family.pid})
    assert len(cores_of(family.pid)) == 1


def test_a_machine_with_one_core_says_that_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3})
    with pytest.raises(GroundRefused, match="two cores"):
        cores.set_apart({})
