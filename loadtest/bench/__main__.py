"""`make bench-floor`: what a provider launch costs web, beside the floor and beside an earlier version of ours.

All sides take turns in one run on one machine: only their ratios mean anything (performance.md 0).
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from scripts.sandbox_parts.ports import Ports

from loadtest.bench.launches import Launches
from loadtest.bench.stand import ROOT, Recorded, playing, record, serving

FLOOR_SAID: Final = re.compile(r"([\d.]+) CPU ms of the server per launch, (\d+) refused")
WARM_UP_SECONDS: Final = 2
NOW: Final = "this version"
BEFORE: Final = "the version before"
FLOOR: Final = "floor"

Side = Callable[[], float]


def main() -> int:
    asked = _asked()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        console.print("setting up: a sandbox, configured and approved, one launch recorded")
        recorded = record(Path(folder) / "sandbox")
        with playing(recorded.script, Path(folder)):
            sides = _sides(asked, recorded, Path(folder))
            measured = _take_turns(sides, asked.rounds, console)
    console.print(_table(measured))
    kept = ROOT / "artefacts" / "bench" / "floor.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench", description=__doc__)
    parser.add_argument("--floor", type=Path, help="the program that measures the floor")
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    return parser.parse_args()


def _sides(asked: argparse.Namespace, recorded: Recorded, folder: Path) -> dict[str, Side]:
    """CPU milliseconds of the server for one launch, by side."""
    launches, port = Launches(recorded), Ports.free().connector

    def ours(checkout: Path) -> float:
        with serving(recorded, checkout / "services", port, folder / "web.log") as web:
            launches.drive(web, WARM_UP_SECONDS, asked.connections)
            launched = launches.drive(web, asked.seconds, asked.connections)
        if launched.refused:
            raise SystemExit(f"{launched.refused} launches were refused: nothing is measured")
        return launched.cpu_ms

    def floor() -> float:
        command = [str(asked.floor), str(asked.seconds), str(asked.connections)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = FLOOR_SAID.search(said)
        if found is None or found.group(2) != "0":
            raise SystemExit(f"the floor was not measured: {said}")
        return float(found.group(1))

    sides: dict[str, Side] = {FLOOR: floor} if asked.floor else {}
    if asked.before:
        sides[BEFORE] = lambda: ours(asked.before)
    return {**sides, NOW: lambda: ours(ROOT)}


def _take_turns(sides: Mapping[str, Side], rounds: int, console: Console) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, side in sides.items():
            measured[name].append(side())
        latest = ", ".join(f"{name} {values[-1]:.2f}" for name, values in measured.items())
        console.print(f"round {number} of {rounds}: {latest} ms")
    return measured


def _table(measured: Mapping[str, Sequence[float]]) -> Table:
    """Ratios are medians of the rounds' own ratios."""
    table = Table("side", "CPU ms per launch, median", f"times {next(iter(measured))}")
    first = next(iter(measured.values()))
    for name, values in measured.items():
        ratio = statistics.median(a / b for a, b in zip(values, first, strict=True))
        table.add_row(name, f"{statistics.median(values):.2f}", f"{ratio:.2f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
