#!/usr/bin/env python3
"""Edit how much traffic a stamp's newest revision takes; `--help` says how. It deploys nothing: `pulumi up` follows."""

import json
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.release import arguments as command_line
from scripts.release.outcomes import Exit, Failed
from scripts.release.traffic import shift

ROOT: Final = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    asked = command_line.shift(arguments)
    try:
        result = shift(asked, root)
    except Failed as err:
        if asked.as_json:
            print(json.dumps({"result": err.exit.name.lower(), "messages": err.messages}, indent=2))
        print(f"{asked.stack} was not changed:", *err.messages, sep="\n  ", file=sys.stderr)
        return err.exit
    if asked.as_json:
        print(json.dumps(result, indent=2))
    else:
        shown = [result["diff"] or "nothing to change", *result["next"]]
        print(f"{asked.stack}: {result['result']}", *shown, sep="\n")
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
