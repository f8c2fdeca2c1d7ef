"""Web and its database have the processor whenever they want it, as if everybody else ran on other machines.

In a stamp they do. Where all parts share the cores, web waits whenever a simulator, the worker or the generator has its turn, and each such wait
is in its own time. Linux's real-time class is what comes close: with niceness alone every waking up is a negotiation. Linux keeps a twentieth of the
time for the others, so nothing can stop the machine.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

from loadtest.stage.ground import GroundRefused

FIRST: Final = frozenset({"web", "postgres"})


def give_way(pids: Mapping[str, int]) -> None:
    """To who of `pids` (as `Ground.pids`) is web or database; processes and threads that begin later inherit it.

    Raises:
        GroundRefused: the machine cannot, or not for us.
    """
    for part in FIRST & pids.keys():
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(pids[part])
            for process in [leader, *leader.children(recursive=True)]:
                _put_first(process)


def _put_first(process: psutil.Process) -> None:
    if not hasattr(os, "SCHED_RR"):
        raise GroundRefused("others_give_way needs Linux")
    with suppress(psutil.NoSuchProcess):
        for thread in process.threads():
            try:
                os.sched_setscheduler(thread.id, os.SCHED_RR, os.sched_param(1))
            except ProcessLookupError:
                continue
            except PermissionError as err:
                raise GroundRefused(
                    "others_give_way needs the right to real-time scheduling: run as root, allow it (ulimit -r 1),"
                    " or set it to false in the scenario and compare with nothing"
                ) from err
