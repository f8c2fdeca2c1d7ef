"""`make bench-scale`: 1, 2 and 4 web processes on PostgreSQL, and whether the capacity model foretells them.

Everything shares this machine's cores, simulators and generator too: their CPU is measured and subtracted. What one
process costs is put into the model (`model`), which must then say what more processes and more people reach.
Exit status 1: a prediction was off by more than the tolerance.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # ships no types
from rich.console import Console
from scripts.sandbox_parts.ports import Ports
from scripts.story.scenes import Visit

from loadtest.bench import gate, postgres, scale_words, whole_visit
from loadtest.bench.launches import Launches
from loadtest.bench.model import Cost, elsewhere_per_second
from loadtest.bench.postgres import Writes
from loadtest.bench.scale_check import (
    ALL,
    FORETOLD,
    TOLERANCE_PERCENT,
    Checked,
    Round,
    Seen,
    Setting,
    base_cost,
    check,
)
from loadtest.bench.stand import ROOT, Recorded, playing, record, serving

WIDTH: Final = 110
WARM_UP_SECONDS: Final = (
    4  # four processes need it: each imports, connects and fetches keys for itself
)
MIB: Final = 2**20


@dataclass(slots=True)
class WholeVisit:
    """What a visit of provider, patient and one reconnect wrote, from its first launch to its last report."""

    url: str = ""
    writes: Writes = field(default_factory=lambda: Writes(0, 0, 0, 0, 0))
    by_table: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    passes: gate.Passes = field(default_factory=gate.Passes)

    def hold(self, visit: Visit) -> None:
        """One visit is measured; then `visit` is held as well, which records the patient's launch."""
        other = whole_visit.another(visit)
        before, rows = postgres.settled(self.url), postgres.rows_written(self.url)
        mark = gate.newest(self.url)
        whole_visit.hold(other)
        self.writes = postgres.settled(self.url) - before
        self.passes = gate.passes_since(self.url, mark)
        self.by_table = _more(postgres.rows_written(self.url), rows)
        whole_visit.hold(visit)


def _more(
    now: Mapping[str, tuple[int, int, int]], before: Mapping[str, tuple[int, int, int]]
) -> dict[str, tuple[int, int, int]]:
    """Tables of which something was written."""
    nothing = (0, 0, 0)
    found = {
        name: (
            i - before.get(name, nothing)[0],
            u - before.get(name, nothing)[1],
            d - before.get(name, nothing)[2],
        )
        for name, (i, u, d) in now.items()
    }
    return {name: rows for name, rows in found.items() if any(rows)}


@dataclass(slots=True)
class Stand:
    server: postgres.Server
    url: str
    recorded: Recorded
    outside: psutil.Process
    launches: Launches
    folder: Path

    def measure(self, setting: Setting, seconds: int) -> Seen:
        """Web starts anew, warms up, is measured, ends: only then has the database counted everything."""
        port = Ports.free().connector
        web_settings = self.recorded.with_settings(
            {"CONNECTOR_WEB_WORKERS": str(setting.processes)}
        )
        with ExitStack() as stack:
            if setting.slower_commit_ms:
                stack.enter_context(gate.slow_commits(self.url, setting.slower_commit_ms))
            gate_ms = gate.held_ms(self.url)
            log = self.folder / "web.log"
            web = stack.enter_context(serving(web_settings, ROOT / "services", port, log))
            before = postgres.writes(self.url)
            warm = self.launches.drive(web, WARM_UP_SECONDS, setting.at_once, setting.kind)
            used, outside = self.server.cpu_seconds(), _cpu_seconds(self.outside)
            machine = _machine()
            with postgres.watched(self.url) as sessions:
                launched = self.launches.drive(web, seconds, setting.at_once, setting.kind)
            used = self.server.cpu_seconds() - used
            outside = _cpu_seconds(self.outside) - outside
            machine = tuple(n - b for n, b in zip(_machine(), machine, strict=True))
            memory = tuple(size / MIB for size in web.memory_bytes())
        if warm.refused + launched.refused:
            raise SystemExit(f"{setting.name}: launches were refused, nothing is measured")
        written = postgres.writes_at_rest(self.url) - before
        cost = Cost(
            web_ms=launched.cpu_ms,
            postgres_ms=used / launched.count * 1000,
            outside_ms=outside / launched.count * 1000,
            generator_ms=launched.generator_ms,
            upstream_ms=launched.upstream_ms,
            gate_ms=gate_ms,
        )
        return Seen(
            per_second=launched.per_second,
            cost=cost,
            p50_ms=launched.p50_ms,
            p99_ms=launched.p99_ms,
            connections=sessions.most_connections,
            waiting_for_gate=sessions.waiting_at_once,
            cores_busy=machine[0] / seconds,
            cores_stolen=machine[1] / seconds,
            memory_mib=memory,
            writes=written.per(warm.count + launched.count),
        )


def _machine() -> tuple[float, ...]:
    """Seconds that all cores worked, and that they were ready to and somebody else's machine did."""
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - times.iowait - times.steal - times.guest - times.guest_nice
    return (busy, times.steal)


def _cpu_seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def main() -> int:
    asked, console = _asked(), Console(highlight=False, width=WIDTH)
    cores, visit = os.cpu_count() or 1, WholeVisit()
    with tempfile.TemporaryDirectory() as name, postgres.serving(Path(name)) as server:
        folder = Path(name)
        console.print("setting up: a sandbox on PostgreSQL, configured, two whole visits held")
        visit.url = server.create("connector")
        recorded = record(folder / "sandbox", postgres.setting(visit.url), visit.hold)
        with playing(recorded.script, folder) as outside:
            stand = Stand(server, visit.url, recorded, outside, Launches(recorded), folder)
            rounds = _take_turns(stand, asked.rounds, asked.seconds, console)
    checked = [check(rounds, setting, cores) for setting in FORETOLD]
    for table in scale_words.tables(rounds, checked, visit, cores):
        console.print(table)
    _keep(rounds, checked, visit, cores)
    off = [one for one in checked if not one.holds]
    for one in off:
        console.print(
            f"{one.setting.name}: the prediction is off by {one.off_percent:+.0f} %, "
            f"{TOLERANCE_PERCENT:.0f} % is allowed"
        )
    return 1 if off else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.scale", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    return parser.parse_args()


def _take_turns(stand: Stand, rounds: int, seconds: int, console: Console) -> list[Round]:
    measured: list[Round] = []
    for number in range(1, rounds + 1):
        measured.append({setting: stand.measure(setting, seconds) for setting in ALL})
        said = ", ".join(f"{one.processes} web {measured[-1][one].per_second:.0f}/s" for one in ALL)
        console.print(f"round {number} of {rounds}: {said}")
    return measured


def _keep(
    rounds: Sequence[Round], checked: Sequence[Checked], visit: WholeVisit, cores: int
) -> None:
    kept = ROOT / "artefacts" / "bench" / "scale.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        "cores": cores,
        "tolerance_percent": TOLERANCE_PERCENT,
        "checked": [asdict(one) for one in checked],
        "whole_visit": {
            "launches": whole_visit.LAUNCHES,
            "passes": asdict(visit.passes),
            **asdict(visit.writes),
        },
        "whole_visit_by_table": visit.by_table,
        "model": [asdict(base_cost(one)) for one in rounds],
        "rounds": [
            [
                {
                    **asdict(setting),
                    **asdict(seen),
                    "elsewhere": elsewhere_per_second(seen.cost, cores),
                }
                for setting, seen in one.items()
            ]
            for one in rounds
        ],
    }
    kept.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
