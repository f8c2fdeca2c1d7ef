"""The command line of `python -m loadtest`."""

import argparse
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from requests.utils import DEFAULT_CA_BUNDLE_PATH

DEFAULT_FOLDER: Final = Path("artefacts/load")
_EPILOG: Final = """\
Without --target a sandbox is started for the run and forgotten afterwards. With it, the run stands on a stamp:
  a hosted sandbox (docs/hosted-sandbox.md):   --target --feed --ehr --mychart --microsoft
  the customer's own test EHR:                 --target --launches, a CSV with columns persona,url,visit

exit status: the verdict's; 2 when the run could not begin, 130 after Ctrl-C"""


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
    """A stamp; addresses without a slash at the end. `ehr` is the root of the EHR environment `environment`."""

    connector: str
    feed: str = ""
    ehr: str = ""
    mychart: str = ""
    microsoft: str = ""
    environment: str = "test"
    launches: Path | None = None
    ca_file: Path = Path(DEFAULT_CA_BUNDLE_PATH)

    def __post_init__(self) -> None:
        """Raises: ArgumentsRefused: neither simulators nor launches, or both."""
        simulators = [self.feed, self.ehr, self.mychart, self.microsoft]
        if self.launches and any(simulators):
            raise ArgumentsRefused("--launches is for a stamp without simulators")
        if not self.launches and not all(simulators):
            raise ArgumentsRefused(
                "--target needs --feed, --ehr, --mychart and --microsoft of its hosted sandbox, "
                "or --launches with launch URLs of the customer's EHR"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    scenario: str
    seed: int
    processes: int
    fault: Fault | None
    remote: Remote | None
    folder: Path

    @property
    def environment(self) -> str:
        """Of the EHR."""
        return self.remote.environment if self.remote else "test"


def parse(argv: list[str]) -> Arguments:
    """Exits with status 2 when argparse refuses; raises ArgumentsRefused for what does not go together."""
    given = _parser().parse_args(argv)
    return Arguments(
        scenario=given.scenario,
        seed=given.seed,
        processes=given.processes,
        fault=Fault(given.fault) if given.fault else None,
        remote=_remote(given) if given.target else None,
        folder=given.folder,
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
    for name in ("feed", "ehr", "mychart", "microsoft"):
        stamp.add_argument(f"--{name}", type=_address, help=f"address of the {name}")
    stamp.add_argument("--environment", choices=["test", "production"], default="test")
    stamp.add_argument("--launches", type=Path, help="CSV of prepared launch URLs")
    stamp.add_argument("--ca-file", type=Path, help="authorities to trust; the system's by default")
    return parser


def _remote(given: argparse.Namespace) -> Remote:
    names = ("feed", "ehr", "mychart", "microsoft", "environment", "launches", "ca_file")
    chosen = {name: getattr(given, name) for name in names}
    return Remote(connector=given.target, **{k: v for k, v in chosen.items() if v})


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _address(text: str) -> str:
    if not text.startswith("https://"):
        raise argparse.ArgumentTypeError("must begin with https://")
    return text.rstrip("/")
