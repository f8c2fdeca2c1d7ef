"""Web and its database on cores of their own, as in a stamp: where all parts share them, everybody's bursts are in web's times.

Linux only.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

from loadtest.stage.ground import GroundRefused

APART: Final = frozenset({"web", "postgres"})


def halves() -> tuple[frozenset[int], frozenset[int]] | None:
    """(web's and the database's, everybody else's) cores of this process; None where there are too few or none can be told."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    middle = len(cores) // 2
    return (frozenset(cores[:middle]), frozenset(cores[middle:])) if middle else None


def set_apart(pids: Mapping[str, int]) -> None:
    """`pids` as `Ground.pids`, the generator's as well. Raises: GroundRefused: this machine cannot."""
    ours_and_others = halves()
    if ours_and_others is None:
        raise GroundRefused("own_cores needs Linux and two cores at least")
    ours, others = ours_and_others
    for part, pid in pids.items():
        move(pid, ours if part in APART else others)


def move(pid: int, cores: Iterable[int]) -> None:
    """Every thread of the process and of its descendants; who begins later inherits it."""
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(pid)
        for process in [leader, *leader.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                for thread in process.threads():
                    with suppress(ProcessLookupError):
                        os.sched_setaffinity(thread.id, cores)
