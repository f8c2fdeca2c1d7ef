#!/usr/bin/env python3
"""Carry a configuration from test to production through the connector's API; `--help` says how.

It imports nothing of the connector: `scripts/promotion` with requests and msal is all it needs.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.promotion.actions import Result, Run
from scripts.promotion.api import Api
from scripts.promotion.arguments import Asked, parse
from scripts.promotion.outcomes import Exit, Failed
from scripts.promotion.pages import wrapped
from scripts.promotion.tokens import Tokens


def main(arguments: list[str] | None = None) -> int:
    asked = parse(arguments)
    tokens = Tokens(asked.access, _tell)
    api = Api(asked.access, tokens.get)
    try:
        _step("signing in with Microsoft")
        tokens.get()
        result = Run(api, asked, _step)()
    except Failed as err:
        _show_failure(asked, err)
        return err.exit
    _show(asked, result)
    return Exit.DONE if result.done else Exit.REFUSED


def _show(asked: Asked, result: Result) -> None:
    print(json.dumps(result.document, indent=2) if asked.as_json else result.page)


def _show_failure(asked: Asked, err: Failed) -> None:
    if asked.as_json:
        name = err.exit.name.lower()
        print(json.dumps({"result": name, "message": str(err), **err.detail}, indent=2))
    _tell(wrapped(str(err)))
    if reference := err.detail.get("problem", {}).get("reference"):
        _tell(f"Reference {reference}")


def _step(text: str) -> None:
    _tell(f"… {text}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
