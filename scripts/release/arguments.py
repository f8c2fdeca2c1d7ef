"""What the two commands are asked; anything wrong ends with status 2 and its name."""

import argparse
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from scripts.release.gates import WAIVABLE

GEOGRAPHIES: Final = ("americas", "emea", "apac")
_STACK: Final = re.compile(rf"({'|'.join(GEOGRAPHIES)})-(test|production)")
_MOST: Final = 100
_EPILOG: Final = """\
exit status:
  0  done, or nothing to do
  1  blocked: what is missing is said, and nothing was changed
  2  the arguments are wrong
  3  a stack file, pulumi's outputs or git could not be read

docs/deploying.md has the whole story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    geography: str
    weight: int
    outputs: Path | None
    rehearsal: Path | None
    tests: Path
    load: Path
    verify_command: str
    image_source: str
    longest: timedelta
    waivers: dict[str, str]
    dry_run: bool
    as_json: bool

    @property
    def test(self) -> str:
        return f"{self.geography}-test"

    @property
    def target(self) -> str:
        return f"{self.geography}-production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One of `weight`, `finish` and `roll_back`."""

    stack: str
    weight: int | None
    finish: bool
    roll_back: bool
    outputs: Path | None
    dry_run: bool
    as_json: bool


def promotion(arguments: list[str] | None = None) -> Promotion:
    """Raises: SystemExit: 2, after saying what is wrong; 0 after --help."""
    parser = _parser("promote_release.py", "Carry the image a test stamp runs to production.")
    parser.add_argument("geography", choices=GEOGRAPHIES)
    parser.add_argument("--to", default="production", choices=["production"])
    parser.add_argument("--weight", type=_percent, default=0, metavar="PERCENT", help="default 0")
    parser.add_argument(
        "--image-source",
        default="",
        metavar="REGISTRY/REPOSITORY",
        help="where CI pushed the image; a stamp's own registry exports nothing",
    )
    _add_gates(parser)
    _add_common(parser)
    given = parser.parse_args(arguments)
    return Promotion(
        geography=given.geography,
        weight=given.weight,
        outputs=given.outputs,
        rehearsal=given.rehearsal,
        tests=given.tests,
        load=given.load,
        verify_command=given.verify_command,
        image_source=given.image_source.rstrip("/"),
        longest=timedelta(hours=given.max_age_hours),
        waivers=_waivers(parser, given),
        dry_run=given.dry_run,
        as_json=given.json,
    )


def shift(arguments: list[str] | None = None) -> Shift:
    """Raises: SystemExit: 2, after saying what is wrong; 0 after --help."""
    parser = _parser("shift_traffic.py", "Give a stamp's newest revision more or less traffic.")
    parser.add_argument("stack", type=_stack, help="e.g. emea-production")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--weight", type=_percent, metavar="PERCENT", help="for the candidate")
    what.add_argument("--finish", action="store_true", help="the candidate becomes the stable one")
    what.add_argument(
        "--rollback",
        action="store_true",
        help="all traffic back to the stable one; after --finish to the one that was stable before",
    )
    _add_common(parser)
    given = parser.parse_args(arguments)
    return Shift(
        stack=given.stack,
        weight=given.weight,
        finish=given.finish,
        roll_back=given.rollback,
        outputs=given.outputs,
        dry_run=given.dry_run,
        as_json=given.json,
    )


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outputs", type=Path, metavar="FILE", help="of `pulumi stack output --json`, else asked"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the diff, change nothing")
    parser.add_argument("--json", action="store_true", help="the result as one JSON document")


def _add_gates(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("gates")
    group.add_argument(
        "--rehearsal", type=Path, metavar="FILE", help="artefacts/rehearsal/<stack>.json"
    )
    group.add_argument(
        "--tests",
        type=Path,
        default=Path("artefacts/tests/junit.xml"),
        metavar="FILE",
        help="JUnit XML, or JSON with passed, finished_at, commit",
    )
    group.add_argument(
        "--load", type=Path, default=Path("artefacts/load/verdict.json"), metavar="FILE"
    )
    group.add_argument(
        "--verify-command",
        default="",
        metavar="COMMAND",
        help="checks the signature of {image}, e.g. 'cosign verify --key k.pub {image}'",
    )
    group.add_argument("--max-age-hours", type=_hours, default=72.0, metavar="HOURS")
    group.add_argument(
        "--waive", action="append", default=[], choices=WAIVABLE, help="do without; recorded"
    )
    group.add_argument(
        "--because", action="append", default=[], metavar="WORDS", help="one for each --waive"
    )


def _waivers(parser: argparse.ArgumentParser, given: argparse.Namespace) -> dict[str, str]:
    reasons = [reason.strip() for reason in given.because]
    if len(reasons) != len(given.waive) or not all(reasons):
        parser.error("each --waive goes with one --because that says why")
    if len(set(given.waive)) != len(given.waive):
        parser.error("a gate is waived once")
    return dict(zip(given.waive, reasons, strict=True))


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise argparse.ArgumentTypeError("a whole number from 0 to 100")
    return int(text)


def _hours(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("more than 0 hours")
    return value


def _stack(text: str) -> str:
    if not _STACK.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text} is none of <{'|'.join(GEOGRAPHIES)}>-<test|production>"
        )
    return text
