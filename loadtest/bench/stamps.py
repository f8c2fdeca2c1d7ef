"""What one stamp carries, and what breaks first: the measured costs of a whole visit on the sizes of `infra`.

    python -m loadtest.bench.stamps artefacts/load/<run>

It reads `scale.json` and `growth.json` of the benches and a run on PostgreSQL that passed, and prints the table of
docs/capacity.md.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtest.arrivals import CLINIC_MORNING
from loadtest.bench.stand import ROOT
from loadtest.records import Persona
from loadtest.verdict import evidence
from loadtest.verdict.cpu import use_by_part

# Beyond this share of anything, queues grow faster than load.
USABLE: Final = 0.7
# Assumptions, each to be confirmed where the stamp is: see docs/capacity.md.
EHR_AND_GRAPH_SECONDS: Final = 0.6
COMMIT_MS: Final = {False: 2.0, True: 5.0}
ROUND_TRIP_MS: Final = 0.7
GATE_ROUND_TRIPS: Final = 2
LAUNCHES_OF_A_VISIT: Final = 2.07
AUDIT_LINES_OF_A_VISIT: Final = 3
SHARE_OF_NINE: Final = 0.18
WORKING_DAYS_A_MONTH: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """One size of `infra/stacks`; web replicas are those that run, between least and most.

    Attributes:
        web_cores: vCPU of a replica of web; `small_cores` of one of worker.
        standby: commits wait for a copy in another zone.
    """

    name: str
    web_replicas: int
    worker_replicas: int
    database_cores: int
    standby: bool
    web_cores: float = 1.0
    small_cores: float = 0.5
    web_workers: int = 2
    web_threads: int = 16


STAMPS: Final = (
    Stamp(name="test, at rest", web_replicas=1, worker_replicas=1, database_cores=2, standby=False),
    Stamp(name="test, scaled", web_replicas=3, worker_replicas=1, database_cores=2, standby=False),
    Stamp(name="production, at rest", web_replicas=3, worker_replicas=3, database_cores=4, standby=True),
    Stamp(name="production, scaled", web_replicas=12, worker_replicas=3, database_cores=4, standby=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCost:
    """Of one whole visit: CPU of each part, passes of the gates, what it writes and leaves.

    Attributes:
        stored_bytes: while its row is kept; `audit_bytes` for ever.
    """

    web_ms: float
    worker_ms: float
    postgres_ms: float
    audit_passes: float
    page_passes: float
    rows_written: float
    wal_bytes: float
    stored_bytes: float
    audit_bytes: float


def visits_per_second(stamp: Stamp, cost: VisitCost) -> dict[str, float]:
    """What each part allows, at `USABLE` of it.

    Raises:
        ValueError: a cost that is nothing: then it was not measured.
    """
    passes = min(cost.audit_passes, cost.page_passes)
    if min(cost.web_ms, cost.worker_ms, cost.postgres_ms, passes) <= 0:
        raise ValueError("a part that costs nothing was not measured")
    at_once = stamp.web_replicas * stamp.web_workers * stamp.web_threads
    held_ms = COMMIT_MS[stamp.standby] + GATE_ROUND_TRIPS * ROUND_TRIP_MS
    whole = {
        "web's CPU": stamp.web_replicas * stamp.web_cores * 1000 / cost.web_ms,
        "web's threads": at_once / (EHR_AND_GRAPH_SECONDS * LAUNCHES_OF_A_VISIT),
        "worker's CPU": stamp.worker_replicas * stamp.small_cores * 1000 / cost.worker_ms,
        "database's CPU": stamp.database_cores * 1000 / cost.postgres_ms,
        "the audit trail's gate": 1000 / (held_ms * cost.audit_passes),
        "the live pages' gate": 1000 / (held_ms * cost.page_passes),
    }
    return {name: USABLE * rate for name, rate in whole.items()}


def breaks_first(allowed: Mapping[str, float]) -> tuple[str, float]:
    return min(allowed.items(), key=lambda each: each[1])


def visits_a_day(at_the_peak: float) -> float:
    """Of a working day whose nine o'clock visits begin so many a second at their peak."""
    return at_the_peak * 60 * sum(CLINIC_MORNING) / SHARE_OF_NINE


def table(cost: VisitCost) -> list[str]:
    """Markdown, a row for each stamp: visits a second that each part allows, and which breaks first."""
    parts = list(visits_per_second(STAMPS[0], cost))
    heads = ["stamp", *parts, "carries, visits/s", "launches/s", "visits/h", "visits on such a day"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for stamp in STAMPS:
        allowed = visits_per_second(stamp, cost)
        first, rate = breaks_first(allowed)
        cells = [f"**{v:.0f}**" if name == first else f"{v:.0f}" for name, v in allowed.items()]
        lines.append(
            f"| {stamp.name} | {' | '.join(cells)} | {rate:.0f} "
            f"| {rate * LAUNCHES_OF_A_VISIT:.0f} | {rate * 3600:,.0f} | {visits_a_day(rate):,.0f} |"
        )
    return lines


def writes_table(cost: VisitCost) -> list[str]:
    """Markdown: what the database writes at that peak, and in a month of such days."""
    heads = ["stamp", "rows/s", "WAL MB/s", "WAL GB/month", "visits GB", "audit GB/month"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for stamp in STAMPS:
        _, rate = breaks_first(visits_per_second(stamp, cost))
        month = visits_a_day(rate) * WORKING_DAYS_A_MONTH
        audit = month * AUDIT_LINES_OF_A_VISIT * cost.audit_bytes
        lines.append(
            f"| {stamp.name} | {rate * cost.rows_written:,.0f} | {rate * cost.wal_bytes / 1e6:.1f} "
            f"| {month * cost.wal_bytes / 1e9:.0f} | {month * cost.stored_bytes / 1e9:.1f} | {audit / 1e9:.1f} |"
        )
    return lines


def read_cost(run: Path, bench: Path) -> VisitCost:
    """Raises: OSError, KeyError, EvidenceBroken, ValueError: something was not measured."""
    seen = evidence.read(run)
    providers = sum(1 for one in seen.launched if one.persona is Persona.PROVIDER)
    if not providers:
        raise ValueError(f"no clinician launched in {run}")
    ms = {part: 1000 * use.cpu_seconds / providers for part, use in use_by_part(seen).items()}
    whole = _document(bench / "scale.json")["whole_visit"]
    stored = _document(bench / "growth.json")["stored_bytes"]
    return VisitCost(
        web_ms=ms["web"],
        worker_ms=ms["worker"],
        postgres_ms=ms["postgres"],
        audit_passes=whole["passes"]["audit_trail"],
        page_passes=whole["passes"]["live_pages"],
        rows_written=whole["inserted"] + whole["updated"] + whole["deleted"],
        wal_bytes=whole["wal_bytes"],
        stored_bytes=stored["visit"],
        audit_bytes=stored["audit line"],
    )


def _document(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.stamps", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a load run on PostgreSQL")
    asked = parser.parse_args()
    cost = read_cost(asked.run, ROOT / "artefacts" / "bench")
    print(cost)
    print("\n".join([*table(cost), "", *writes_table(cost)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
