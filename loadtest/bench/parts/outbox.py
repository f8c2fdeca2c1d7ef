"""Reports that are owed, taken to the EHR by the real worker: its CPU for each."""

import subprocess
import time
from collections.abc import Callable
from typing import Final

from loadtest.bench.parts.database import Database
from loadtest.bench.parts.filling import owe
from loadtest.bench.parts.prepared import ORGANIZATIONS
from loadtest.bench.parts.sides import Side
from loadtest.bench.stand import running
from loadtest.bench.wrk import MS, Measured, NotMeasured, Wrk, cpu_seconds, family_of

OWED_A_SECOND: Final = 60
WARM_UP: Final = 2 * ORGANIZATIONS
PATIENCE_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05
_OWED: Final = "outbox_message WHERE state <> 'delivered'"
_TROUBLE: Final = "SELECT code FROM outbox_message WHERE state <> 'delivered' AND code <> ''"


def outbox(side: Side, wrk: Wrk) -> Measured:
    """On a copy of the database, so that every turn owes the same; of visits of all organizations.

    Raises:
        NotMeasured: a report was refused or not delivered, or the worker ended.
    """
    database = side.prepared.database.copied(side.folder / "outbox.db")
    visits = OWED_A_SECOND * wrk.seconds
    log = side.folder / "worker.log"
    with running("worker", side.settings(database), side.source, log) as worker:
        _deliver(database, worker, first=0, visits=WARM_UP)
        family = family_of(worker.pid)
        used = cpu_seconds(family)
        owed = _deliver(database, worker, first=WARM_UP, visits=visits)
        used = cpu_seconds(family) - used
    return Measured(owed, used / owed * MS)


def _deliver(
    database: Database, worker: subprocess.Popen[bytes], *, first: int, visits: int
) -> int:
    """How many reports were owed and are delivered."""
    with database.writing() as connection:
        owed = owe(connection, first, visits, ORGANIZATIONS)
    wait_until_delivered(database, lambda: worker.poll() is None)
    return owed


def wait_until_delivered(
    database: Database,
    works: Callable[[], bool],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Raises: NotMeasured: names what is in the way."""
    deadline = time.monotonic() + patience_seconds
    while owed := database.count(_OWED):
        if codes := database.ask(_TROUBLE):
            raise NotMeasured(f"the EHR did not take a report: {codes[0]}")
        if not works():
            raise NotMeasured(f"the worker ended and owes {owed} reports")
        if time.monotonic() > deadline:
            raise NotMeasured(f"{owed} reports are still owed after {patience_seconds:.0f} s")
        time.sleep(_LOOK_SECONDS)
