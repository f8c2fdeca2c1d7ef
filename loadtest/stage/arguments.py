"""The command line of `python -m loadtest`."""

import argparse
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

SIMULATORS: Final = ("feed", "ehr", "mychart", "microsoft")
DEFAULT_FOLDER: Final = Path("artefacts/load")
_EPILOG: Final = """\
Without --target a sandbox is started for the run and forgotten afterwards. With it, the run stands on a stamp that
hosts one (docs/hosted-sandbox.md): --target --feed --ehr --mychart --microsoft, the simulators' root addresses;
or on one with an EHR of its own: --target --launches, a file of launches prepared there (docs/load-testing.md).

exit status: the verdict's, 0 passed, 1 failed, 2 void, 3 not everything was checked; 4 there is none; 130 after Ctrl-C"""


class Fault(StrEnum):
    """Broken on purpose, so that a verdict which says yes to everything is caught.

    `delay-300ms`: EHR and Graph answer 300 ms later; people wait too long. `drop-writeback`: the EHR says yes to
    some reports and records none. `starve-generator`: the generating processes are stopped most of the time.
    """

    DELAY_300MS = "delay-300ms"
    DROP_WRITEBACK = "drop-writeback"
    STARVE_GENERATOR = "starve-generator"


class ArgumentsRefused(Exception):
    """Options that do not go together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A stamp with a hosted sandbox; addresses without a slash at the end, `environment` is the EHR's."""

    connector: str
    feed: str
    ehr: str
    mychart: str
    microsoft: str
    environment: str
    ca_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A stamp with a customer's own EHR, and the file of launches prepared there."""

    connector: str
    launches: Path
    ca_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Neither `remote` nor `prepared`: a sandbox of our own."""

    scenario: str
    seed: int
    processes: int
    fault: Fault | None
    remote: Remote | None
    folder: Path
    prepared: Prepared | None = None

    @property
    def environment(self) -> str:
        """Of the EHR."""
        return self.remote.environment if self.remote else "test"

    @property
    def target(self) -> str:
        """The connector's address; empty for a sandbox of our own."""
        stamp = self.remote or self.prepared
        return stamp.connector if stamp else ""


def parse(argv: list[str]) -> Arguments:
    """Exits with status 2 when argparse refuses; raises ArgumentsRefused for what does not go together."""
    given = _parser().parse_args(argv)
    return Arguments(
        scenario=given.scenario,
        seed=given.seed,
        processes=given.processes,
        fault=Fault(given.fault) if given.fault else None,
        remote=_remote(given) if given.target and not given.launches else None,
        folder=given.folder,
        prepared=_prepared(given) if given.launches else None,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest",
        description="Answer one question about the connector under load, with a verdict.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scenario", default="smoke", help="one of loadtest/scenarios by name, or a .toml file"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="who comes when; the same seed, the same people"
    )
    parser.add_argument("--processes", type=_positive, default=1, help="generating processes")
    parser.add_argument("--fault", choices=list(Fault), help="break something on purpose")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where runs are kept")
    stamp = parser.add_argument_group("a stamp instead of a sandbox of our own")
    stamp.add_argument("--target", type=_address, help="the connector's address")
    for name in SIMULATORS:
        stamp.add_argument(f"--{name}", type=_address, help=f"address of the {name}")
    stamp.add_argument("--launches", type=Path, help="CSV of launches prepared in its EHR")
    stamp.add_argument("--environment", choices=["test", "production"], default="test")
    stamp.add_argument(
        "--ca-file",
        type=Path,
        default=Path(DEFAULT_CA_BUNDLE_PATH),
        help="authorities to trust; those of browsers by default",
    )
    return parser


def _remote(given: argparse.Namespace) -> Remote:
    """Raises: ArgumentsRefused: a simulator's address is missing."""
    if not all(getattr(given, name) for name in SIMULATORS):
        raise ArgumentsRefused(
            "--target needs --feed, --ehr, --mychart and --microsoft of its hosted sandbox, or --launches"
        )
    names = (*SIMULATORS, "environment", "ca_file")
    return Remote(connector=given.target, **{name: getattr(given, name) for name in names})


def _prepared(given: argparse.Namespace) -> Prepared:
    """Raises: ArgumentsRefused: no target, or a simulator that would not be asked."""
    if not given.target:
        raise ArgumentsRefused(
            "--launches needs --target: a sandbox of our own gives its own launches"
        )
    asked = [f"--{name}" for name in SIMULATORS if getattr(given, name)]
    if asked:
        raise ArgumentsRefused(f"--launches and {asked[0]} are two different stamps: give one")
    return Prepared(connector=given.target, launches=given.launches, ca_file=given.ca_file)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _address(text: str) -> str:
    if not text.startswith("https://"):
        raise argparse.ArgumentTypeError("must begin with https://")
    return text.rstrip("/")
