"""`make bench-growth`: what a launch costs after years, beside what it costs on the first day.

Two databases of one server and one configuration, one of them grown (`seeding`); the same launches take turns on
both. Exit status 1: a launch costs over a tenth more on the grown one.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from scripts.sandbox_parts.ports import Ports

from loadtest.bench import postgres, whole_visit
from loadtest.bench.launches import Launches
from loadtest.bench.seeding import Size, grow
from loadtest.bench.stand import ROOT, Recorded, Web, playing, record, serving

SMALL: Final = "small"
GROWN: Final = "grown"
KINDS: Final = ("provider", "patient")
MOST_RATIO: Final = 1.10
WIDTH: Final = 110
WARM_UP_SECONDS: Final = 4
_OF_VISIT: Final = (
    *("visit", "visit_secret", "visit_person", "participant", "applied_notification"),
    *("visit_event", "outbox_message", "meeting_watch", "attendance_check"),
)
_OF_CONFIGURATION: Final = (
    *("tenant", "organization", "ehr_environment", "configuration_revision", "issuer_claim"),
    *("integration_record", "ehr_user_link", "share_grant"),
)
# What goes again within a day is of nothing.
_PASSING: Final = (
    *("redeemed_launch", "graph_notification", "heartbeat", "idempotency_key"),
    "alembic_version",
)
BELONGS: Final = {
    "audit_event": "audit line",
    **dict.fromkeys(_OF_VISIT, "visit"),
    **dict.fromkeys(_OF_CONFIGURATION, "configuration"),
    **dict.fromkeys(_PASSING, ""),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one launch on one database: CPU, and the median of its two requests."""

    web_ms: float
    postgres_ms: float
    p50_ms: float

    @property
    def cpu_ms(self) -> float:
        return self.web_ms + self.postgres_ms


Round = Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Medians over the rounds of grown to small, each within its round."""

    cpu: float
    p50: float

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> "Verdict":
        """Raises: ValueError: no round was measured."""
        if not rounds:
            raise ValueError("growth is judged by rounds, and there was none")
        return cls(
            statistics.median(one[GROWN].cpu_ms / one[SMALL].cpu_ms for one in rounds),
            statistics.median(one[GROWN].p50_ms / one[SMALL].p50_ms for one in rounds),
        )

    @property
    def holds(self) -> bool:
        return self.cpu <= MOST_RATIO


@dataclass(slots=True)
class Sides:
    """Both connectors, alive; measured one after the other."""

    server: postgres.Server
    launches: Launches
    webs: Mapping[str, Web]
    connections: int

    def round(self, kind: str, seconds: int, *, grown_first: bool = False) -> Round:
        """Who is first changes with each round, for a machine that slows down or quickens."""
        names = (GROWN, SMALL) if grown_first else (SMALL, GROWN)
        return {name: self._cost(name, kind, seconds) for name in names}

    def _cost(self, name: str, kind: str, seconds: int) -> Cost:
        used = self.server.cpu_seconds()
        launched = self.launches.drive(self.webs[name], seconds, self.connections, kind)
        used = self.server.cpu_seconds() - used
        if launched.refused:
            raise SystemExit(f"{launched.refused} launches were refused: nothing is measured")
        return Cost(launched.cpu_ms, used / launched.count * 1000, launched.p50_ms)


def main() -> int:
    asked, console = _asked(), Console(highlight=False, width=WIDTH)
    size = Size(asked.visits, asked.audit_lines, asked.configurations)
    with tempfile.TemporaryDirectory() as name, postgres.serving(Path(name)) as server:
        folder = Path(name)
        console.print("setting up: a sandbox on PostgreSQL, configured, one whole visit held")
        small = server.create(SMALL)
        recorded = record(folder / "sandbox", postgres.setting(small), whole_visit.hold)
        grown = server.create(GROWN, like=SMALL)
        began = time.monotonic()
        grow(grown, size)
        console.print(
            f"grown in {time.monotonic() - began:.0f} s to {size.visits:,} visits, "
            f"{size.audit_lines:,} audit lines, {size.configurations:,} configurations"
        )
        stored = stored_bytes(postgres.table_bytes(grown), size)
        console.print(", ".join(f"{value:,.0f} bytes a {name}" for name, value in stored.items()))
        addresses = {SMALL: small, GROWN: grown}
        with ExitStack() as stack:
            stack.enter_context(playing(recorded.script, folder))
            webs = _webs(stack, recorded, addresses, folder)
            sides = Sides(server, Launches(recorded), webs, asked.connections)
            measured = _take_turns(sides, asked.rounds, asked.seconds, console)
    verdicts = {kind: Verdict.of(rounds) for kind, rounds in measured.items()}
    console.print(_table(measured, verdicts))
    _keep(size, stored, measured, verdicts)
    broken = [kind for kind, verdict in verdicts.items() if not verdict.holds]
    for kind in broken:
        console.print(
            f"a {kind}'s launch costs {verdicts[kind].cpu:.2f} times as much on the grown database, "
            f"at most {MOST_RATIO:.2f} is allowed"
        )
    return 1 if broken else 0


def _asked() -> argparse.Namespace:
    whole = Size()
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--visits", type=int, default=whole.visits)
    parser.add_argument("--audit-lines", type=int, default=whole.audit_lines)
    parser.add_argument("--configurations", type=int, default=whole.configurations)
    return parser.parse_args()


def _webs(
    stack: ExitStack, recorded: Recorded, addresses: Mapping[str, str], folder: Path
) -> dict[str, Web]:
    webs = {}
    for name, url in addresses.items():
        settings = recorded.with_settings(postgres.setting(url))
        port = Ports.free().connector
        served = serving(settings, ROOT / "services", port, folder / f"{name}.log")
        webs[name] = stack.enter_context(served)
    return webs


def _take_turns(
    sides: Sides, rounds: int, seconds: int, console: Console
) -> dict[str, list[Round]]:
    measured: dict[str, list[Round]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        sides.round(kind, WARM_UP_SECONDS)
    for number in range(1, rounds + 1):
        for kind in KINDS:
            one = sides.round(kind, seconds, grown_first=number % 2 == 0)
            measured[kind].append(one)
        latest = ", ".join(
            f"{kind} {measured[kind][-1][GROWN].cpu_ms / measured[kind][-1][SMALL].cpu_ms:.2f}"
            for kind in KINDS
        )
        console.print(f"round {number} of {rounds}: grown to small {latest}")
    return measured


def _table(measured: Mapping[str, Sequence[Round]], verdicts: Mapping[str, Verdict]) -> Table:
    heads = (
        "launch",
        "database",
        "web",
        "PostgreSQL",
        "p50 ms",
        "CPU, grown to small",
        "p50",
    )
    table = Table(*heads, title="Medians; CPU in ms for one launch")
    for kind, rounds in measured.items():
        for name in (SMALL, GROWN):
            costs = [one[name] for one in rounds]
            ratios = ("", "") if name == SMALL else _ratios(verdicts[kind])
            table.add_row(
                kind,
                name,
                f"{statistics.median(one.web_ms for one in costs):.2f}",
                f"{statistics.median(one.postgres_ms for one in costs):.2f}",
                f"{statistics.median(one.p50_ms for one in costs):.0f}",
                *ratios,
            )
    return table


def _ratios(verdict: Verdict) -> tuple[str, str]:
    return f"{verdict.cpu:.2f}", f"{verdict.p50:.2f}"


def stored_bytes(by_table: Mapping[str, int], size: Size) -> dict[str, float]:
    """Indexes included, on the grown database: of one visit, audit line and configuration.

    Raises:
        LookupError: a table is of none of them.
    """
    counts = {
        "visit": size.visits,
        "audit line": size.audit_lines,
        "configuration": size.configurations,
    }
    found = dict.fromkeys(counts, 0.0)
    for table, count in by_table.items():
        if table not in BELONGS:
            raise LookupError(f"nobody decided what {table} belongs to")
        if of := BELONGS[table]:
            found[of] += count / counts[of]
    return found


def _keep(
    size: Size,
    stored: Mapping[str, float],
    measured: Mapping[str, Sequence[Round]],
    verdicts: Mapping[str, Verdict],
) -> None:
    kept = ROOT / "artefacts" / "bench" / "growth.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "size": asdict(size),
        "stored_bytes": dict(stored),
        "most_ratio": MOST_RATIO,
        "launches": {
            kind: {
                "verdict": asdict(verdicts[kind]),
                "rounds": [{name: asdict(cost) for name, cost in one.items()} for one in rounds],
            }
            for kind, rounds in measured.items()
        },
    }
    kept.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
