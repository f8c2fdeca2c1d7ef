"""Whoever a stamp runs elsewhere gives way to web and its database.

Where all parts share the cores, web waits for its turn whenever a simulator, the worker or the generator has one, and
each such wait is in its own time.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

STAYING: Final = frozenset({"web", "postgres"})
LAST: Final = 19


def give_way(pids: Mapping[str, int]) -> None:
    """`pids` as `Ground.pids`, the generator's as well. Who begins later as a child of these inherits it."""
    for part, pid in pids.items():
        if part not in STAYING:
            with suppress(psutil.NoSuchProcess):
                leader = psutil.Process(pid)
                for process in [leader, *leader.children(recursive=True)]:
                    _be_last(process)


def _be_last(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        for task in _tasks(process):
            os.setpriority(os.PRIO_PROCESS, task, LAST)
        # Linux weighs sessions against each other first, and processes only within theirs: sched(7), autogroup.
        session = Path(f"/proc/{process.pid}/autogroup")
        while session.exists() and session.read_text().split()[-1] != str(LAST):
            with suppress(BlockingIOError):  # ten a second from who is not root
                session.write_text(str(LAST))


def _tasks(process: psutil.Process) -> Iterable[int]:
    """Linux keeps a priority for each thread, others for the process."""
    return (thread.id for thread in process.threads()) if psutil.LINUX else (process.pid,)
