"""`make bench`: what launches, notifications, reports, live pages and the portal cost, as ratios to a hello page.

Everything takes turns in one run on one machine: no figure means anything alone (performance.md 0).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from scripts.sandbox_parts.ports import Ports

from loadtest.bench import hello
from loadtest.bench.parts import told
from loadtest.bench.parts.figures import Beside, figure
from loadtest.bench.parts.prepared import Prepared, prepared
from loadtest.bench.parts.sides import BEFORE, NOW, side, source_of
from loadtest.bench.parts.turns import PARTS, Course, Part, parts_named
from loadtest.bench.stand import ROOT
from loadtest.bench.wrk import Errand, Measured, NotMeasured, Request, Wrk, family_of
from loadtest.stage.machine import commit, machine_words
from loadtest.verdict import baseline
from loadtest.verdict.slo import SloFile

# The processor changes speed within seconds: many short turns tell more than a few long ones.
ROUNDS: Final = 7
ROUNDS_OF_TWO: Final = 5
HELLO_SECONDS: Final = 1
WARM_UP_SECONDS: Final = 1
FILE: Final = ROOT / "artefacts" / "bench" / "parts.json"
_WIDTH: Final = 130  # of a table that nobody's terminal shows


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    try:
        _run(asked, console)
    except (NotMeasured, baseline.BaselineBroken) as err:
        console.print(f"Nothing is measured: {err}.", style="red", markup=False, soft_wrap=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.bench.parts", description=__doc__)
    names = ", ".join(dict.fromkeys(word for one in PARTS for word in (one.group, one.name)))
    parser.add_argument("--part", default="", help=f"one of them only: {names}")
    parser.add_argument("--before", type=Path, help="checkout of an earlier version")
    parser.add_argument(
        "--rounds", type=_at_least_one, help=f"{ROUNDS}, beside another checkout {ROUNDS_OF_TWO}"
    )
    parser.add_argument("--seconds", type=_at_least_one, default=1, help="of each turn")
    parser.add_argument("--connections", type=_at_least_one, default=16)
    parser.add_argument("--keep", action="store_true", help="store as the baseline")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _run(asked: argparse.Namespace, console: Console) -> None:
    """Raises: NotMeasured, BaselineBroken."""
    parts, began = parts_named(asked.part), time.time()
    rounds = asked.rounds or (ROUNDS_OF_TWO if asked.before else ROUNDS)
    if asked.keep and len(parts) < len(PARTS):
        raise NotMeasured("a baseline holds all parts; leave PART away to keep one")
    if asked.before:
        source_of(asked.before)
    kept = baseline.Baseline.kept(told.NAME, baseline.FOLDER)
    with (
        tempfile.TemporaryDirectory() as folder,
        _course(asked, parts, Path(folder), console) as course,
    ):
        measured = _take_turns(course, rounds, console)
    run = told.Run(
        parts=parts,
        figures={name: figure(of, NOW, BEFORE) for name, of in measured.items()},
        rounds=rounds,
        commit=commit(),
        machine=machine_words(),
        began=began,
    )
    compared = told.against(run, kept)
    console.print(told.table(run, compared))
    for warning in told.warnings(compared, SloFile.read().baseline.warn_ratio):
        console.print(warning, style="yellow", markup=False)
    told.write(run, compared, FILE)
    if asked.keep:
        console.print(f"kept as {run.as_baseline().keep(baseline.FOLDER)}; commit it")


@contextmanager
def _course(
    asked: argparse.Namespace, parts: Sequence[Part], folder: Path, console: Console
) -> Iterator[Course]:
    """Everything that takes turns runs, and has run for a moment."""
    console.print("setting up: a sandbox, configured and approved, a call recorded")
    wrk = Wrk(folder, asked.seconds, asked.connections)
    with ExitStack() as running:
        ready = running.enter_context(prepared(folder))
        sides = [running.enter_context(side(ready, NOW, ROOT, folder / NOW))]
        if asked.before:
            before = side(ready, BEFORE, asked.before, folder / BEFORE)
            sides.append(running.enter_context(before))
        address, pid = running.enter_context(_hello(ready, folder))
        errand, answering = Errand(requests=[Request(hello.PATH)]), family_of(pid)

        def yardstick() -> Measured:
            return Wrk(folder, HELLO_SECONDS, asked.connections)(errand, address, answering)

        Course(parts, sides, yardstick, Wrk(folder, WARM_UP_SECONDS, asked.connections)).warm_up()
        yield Course(parts, sides, yardstick, wrk)


def _hello(ready: Prepared, folder: Path) -> AbstractContextManager[tuple[str, int]]:
    settings = ready.recorded.environment
    return hello.serving(
        Ports.free().connector,
        folder / "hello.log",
        workers=settings["CONNECTOR_WEB_WORKERS"],
        threads=settings["CONNECTOR_WEB_THREADS"],
    )


def _take_turns(course: Course, rounds: int, console: Console) -> dict[str, list[Beside]]:
    measured: dict[str, list[Beside]] = {part.name: [] for part in course.parts}
    for number in range(rounds):
        for part, beside in course.round(number):
            measured[part.name].append(beside)
        latest = ", ".join(f"{name} {of[-1].cpu(NOW):.2f}" for name, of in measured.items())
        console.print(f"round {number + 1} of {rounds}: {latest}", soft_wrap=True)
    return measured


if __name__ == "__main__":
    sys.exit(main())
