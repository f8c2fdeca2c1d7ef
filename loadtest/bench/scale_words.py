"""What `make bench-scale` prints: one page."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from rich.table import Table

from loadtest.bench.gate import Passes
from loadtest.bench.model import elsewhere_per_second
from loadtest.bench.postgres import Writes
from loadtest.bench.scale_check import ALL, BASE, PATIENT, Checked, Round, Seen, Setting


class Held(Protocol):
    """A whole visit."""

    @property
    def writes(self) -> Writes: ...

    @property
    def passes(self) -> Passes: ...


def tables(
    rounds: Sequence[Round], checked: Sequence[Checked], visit: Held, cores: int
) -> Iterator[Table]:
    yield _reached(rounds, cores)
    yield _written(rounds, visit)
    yield _foretold(checked)


def _reached(rounds: Sequence[Round], cores: int) -> Table:
    table = Table(
        "setting",
        "per s",
        "web",
        "pg",
        "out",
        "wrk",
        "alone",
        "p50",
        "conn.",
        "gate",
        "busy",
        "MiB",
        title=f"Medians; CPU in ms a launch. alone: launches/s of {cores} cores with outside and wrk elsewhere",
        caption="conn.: most of web's to the database; gate: waiting for it; busy: cores; MiB: PSS of a process",
    )
    for setting in ALL:
        of = _median_of(rounds, setting)
        table.add_row(
            setting.name + (", patients" if setting.kind == "patient" else ""),
            f"{of(lambda s: s.per_second):.0f}",
            f"{of(lambda s: s.cost.web_ms):.2f}",
            f"{of(lambda s: s.cost.postgres_ms):.2f}",
            f"{of(lambda s: s.cost.outside_ms):.2f}",
            f"{of(lambda s: s.cost.generator_ms):.2f}",
            f"{of(lambda s: elsewhere_per_second(s.cost, cores)):.0f}",
            f"{of(lambda s: s.p50_ms):.0f}",
            f"{of(lambda s: s.connections):.0f}",
            f"{of(lambda s: s.waiting_for_gate):.1f}",
            f"{of(lambda s: s.cores_busy):.1f}",
            f"{of(lambda s: statistics.mean(s.memory_mib)):.0f}",
        )
    return table


def _median_of(
    rounds: Sequence[Round], setting: Setting
) -> Callable[[Callable[[Seen], float]], float]:
    return lambda value: statistics.median(value(one[setting]) for one in rounds)


def _written(rounds: Sequence[Round], visit: Held) -> Table:
    table = Table(
        "",
        "inserted",
        "updated",
        "deleted",
        "transactions",
        "WAL bytes",
        "gates",
        title="Database writes; a visit: provider, patient, one reconnect, calls and reports included",
        caption="gates: passes of the audit trail's and the live pages'",
    )
    for name, setting in (("a provider's launch", BASE), ("a patient's launch", PATIENT)):
        of = _median_of(rounds, setting)
        table.add_row(
            name,
            f"{of(lambda s: s.writes.inserted):.1f}",
            f"{of(lambda s: s.writes.updated):.1f}",
            f"{of(lambda s: s.writes.deleted):.1f}",
            f"{of(lambda s: s.writes.committed):.1f}",
            f"{of(lambda s: s.writes.wal_bytes):,.0f}",
            "1, 0",
        )
    whole = visit.writes
    # Its transactions and log are mixed with those of background jobs that look for work.
    table.add_row(
        "a whole visit",
        f"{whole.inserted:.0f}",
        f"{whole.updated:.0f}",
        f"{whole.deleted:.0f}",
        "-",
        f"{whole.wal_bytes:,.0f}",
        f"{visit.passes.audit_trail}, {visit.passes.live_pages}",
    )
    return table


def _foretold(checked: Sequence[Checked]) -> Table:
    table = Table(
        "setting",
        "foretold /s",
        "seen /s",
        "off, median",
        "bound by",
        title="The model, from one process",
    )
    for one in checked:
        table.add_row(
            one.setting.name,
            f"{one.predicted:.0f}",
            f"{one.seen:.0f}",
            f"{one.off_percent:+.0f} %",
            one.bound,
        )
    return table
