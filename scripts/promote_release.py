#!/usr/bin/env python3
"""Carry the image a test stamp runs to its production stamp's stack file; `--help` says how.

It edits two lines and deploys nothing: the diff is reviewed and committed, `pulumi up` follows.
"""

import json
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.release.arguments import promotion
from scripts.release.outcomes import Exit, Failed
from scripts.release.promotion import GatesShut, promote

ROOT: Final = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    asked = promotion(arguments)
    try:
        result = promote(asked, root)
    except Failed as err:
        if asked.as_json:
            _print_failure(err)
        print(f"{asked.target} was not changed:", *err.messages, sep="\n  ", file=sys.stderr)
        return err.exit
    print(json.dumps(result.document, indent=2) if asked.as_json else result.page)
    return Exit.DONE


def _print_failure(err: Failed) -> None:
    gates = [gate.as_document() for gate in err.gates] if isinstance(err, GatesShut) else []
    said = {"result": err.exit.name.lower(), "messages": err.messages, "gates": gates}
    print(json.dumps(said, indent=2))


if __name__ == "__main__":
    sys.exit(main())
