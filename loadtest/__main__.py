"""`python -m loadtest`: one run, from an empty machine (or a stamp) to a verdict."""

import signal
import sys
from collections.abc import Sequence

from rich.console import Console
from scripts.sandbox_parts.ports import PortRefused
from scripts.sandbox_parts.processes import PartFailed
from scripts.story.narrator import PromiseBroken
from scripts.story.person import PageUnexpected

from loadtest.prepared.launch_file import LaunchesRefused
from loadtest.scenario import ScenarioRefused
from loadtest.stage.arguments import ArgumentsRefused, parse
from loadtest.stage.generator import GeneratorFailed
from loadtest.stage.ground import GroundRefused
from loadtest.stage.runner import run

NO_VERDICT = 4  # the verdict's own are 0 to 3: loadtest.verdict.judge
INTERRUPTED = 128 + signal.SIGINT
_REFUSALS = (ArgumentsRefused, ScenarioRefused, LaunchesRefused, GroundRefused, PortRefused)
_FAILURES = (PartFailed, GeneratorFailed, PageUnexpected, PromiseBroken)


def main(argv: Sequence[str]) -> int:
    """The verdict's exit status; a run that came to none is not passed either."""
    console = Console(stderr=False)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    try:
        return run(parse(list(argv)), console)
    except KeyboardInterrupt:
        console.print("\nStopped: everything that was started has ended.")
        return INTERRUPTED
    except (*_REFUSALS, *_FAILURES) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return NO_VERDICT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
