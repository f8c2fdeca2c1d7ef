"""`make infra-rehearsal`: the life of every stamp, by the real engine against the simulated ARM.

    python -m rehearsal [--stack NAME …] [--at-once N] [--artefacts FOLDER]

Each stack runs in a process of its own. Exit codes: 0 all steps of all stacks went as they must,
1 at least one did not, 2 there is no Pulumi CLI.
"""

import argparse
import gc
import sys
from pathlib import Path

from rehearsal.life_cycle.company import rehearse_all
from rehearsal.life_cycle.play import rehearse
from rehearsal.recording import ALL
from rehearsal.workspace import NoCli, find_cli


def main() -> int:
    parser = argparse.ArgumentParser(prog="rehearsal", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", action="append", choices=ALL, help="only this one; repeatable")
    parser.add_argument("--at-once", type=int, default=2, help="stacks side by side (default 2)")
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts/rehearsal"))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    try:
        find_cli()
    except NoCli as err:
        sys.stderr.write(f"{err}\n")
        return 2
    given.artefacts.mkdir(parents=True, exist_ok=True)
    if given.alone:
        _sweep_seldom()
        return 0 if rehearse(given.stack[0], given.artefacts) else 1
    return 0 if rehearse_all(given.stack or ALL, given.at_once, given.artefacts) else 1


def _sweep_seldom() -> None:
    """The SDK's million objects stay to the end: to go through them for garbage in every operation
    took a third of this process's time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 5, 5)


if __name__ == "__main__":
    sys.exit(main())
