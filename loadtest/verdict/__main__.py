"""`python -m loadtest.verdict FOLDER`: judge a run again, or keep it as the one to compare with."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from loadtest.verdict.judgement import Exit
from loadtest.verdict.judging import BaselineRefused, judge, keep_baseline
from loadtest.verdict.slo import SloFileRefused

_EPILOG = """\
exit status: 0 passed, 1 failed, 2 void: the run says nothing, 3 passed but something was not checked,
64 the command or slo.toml is wrong. docs/load-testing.md says what each means."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Not with 2, which is a void run's."""
        self.print_usage(sys.stderr)
        self.exit(Exit.USAGE, f"{self.prog}: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        if not asked.keep_baseline:
            return judge(asked.folder)
        print(f"kept as {keep_baseline(asked.folder)}; commit it to compare later runs with it")
    except SloFileRefused as err:
        print(err, file=sys.stderr)
        return Exit.USAGE
    except BaselineRefused as err:
        print(err, file=sys.stderr)
        return Exit.FAILED
    return Exit.PASSED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m loadtest.verdict",
        description="Judge a run that is over, from its folder alone.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="artefacts/load/<run>")
    parser.add_argument(
        "--keep-baseline", action="store_true", help="store it in loadtest/baselines"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
