#!/usr/bin/env python3
"""`make golden`, `make golden-diff`: everything each stack registers, written down and compared.

usage: scripts/golden_inputs.py [--write]

So a pull request shows what it changes in Azure. Without --write the exit code is 1 if a stack differs.
"""

import argparse
import difflib
import json
import sys
from pathlib import Path

from rehearsal.recording import ALL, Run, recorded

FOLDER = Path("tests/infra/golden")


def rendered(made: Run) -> str:
    """Sorted by URN's tail, which is the parts' path: the diff of two versions is what changed."""
    shown = {
        r.urn.split("::", maxsplit=2)[2]: {
            "inputs": r.inputs,
            **({"protect": True} if r.protect else {}),
            **({"ignoreChanges": list(r.ignore_changes)} if r.ignore_changes else {}),
        }
        for r in made.azure
    }
    return json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write them anew")
    write = parser.parse_args().write
    differences = 0
    for stack in ALL:
        path, new = FOLDER / f"{stack}.json", rendered(recorded(stack))
        old = path.read_text() if path.exists() else ""
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new)
        elif old != new:
            differences += 1
            sys.stdout.writelines(
                difflib.unified_diff(
                    old.splitlines(keepends=True), new.splitlines(keepends=True), str(path), stack
                )
            )
    print(f"{differences} of {len(ALL)} stacks differ" if not write else f"wrote {len(ALL)} files")
    return int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
