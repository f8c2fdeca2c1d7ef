#!/usr/bin/env python3
"""`make errors`: E1 to E14 produced in the sandbox, each with what the person sees and the page that explains it.

    scripts/errors.py            all fourteen
    scripts/errors.py E4 E11     these
    scripts/errors.py --list     their names, without starting anything

Exit status: 0 every one showed what it must, 1 one did not, 2 wrong usage.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import bs4
import requests

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.error_scenarios.catalogue import SCENARIOS, Scenario, chosen
from scripts.error_scenarios.shown import Shown
from scripts.error_scenarios.stage import Stage
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.processes import PartFailed
from scripts.story.narrator import Narrator, PromiseBroken, promise
from scripts.story.person import PageUnexpected


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    tell = Narrator()
    if asked.list:
        for scenario in SCENARIOS:
            tell.console.print(f"{scenario.number:4} {scenario.report}")
        return 0
    try:
        scenarios = chosen(asked.numbers)
    except KeyError as unknown:
        tell.console.print(f"There is no scenario {unknown}; --list names them.")
        return 2
    return _run(tell, scenarios)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Produce the errors E1 to E14 in the sandbox and show the pages that explain them."
    )
    parser.add_argument("numbers", nargs="*", metavar="E1", help="all of them when none is named")
    parser.add_argument("--list", action="store_true", help="name them and start nothing")
    return parser


def _run(tell: Narrator, scenarios: Sequence[Scenario]) -> int:
    directory = Path(tempfile.mkdtemp(prefix="errors-"))
    try:
        with Sandbox(directory) as sandbox:
            stage = Stage(sandbox)
            failed = sum(not _played(tell, stage, scenario) for scenario in scenarios)
    except PartFailed as err:
        tell.console.print(f"[red]{err}[/red]", soft_wrap=True)
        failed = len(scenarios)
    if failed:
        tell.console.print(f"logs and database are kept in {directory}")
    else:
        shutil.rmtree(directory)
    many = "scenario" if len(scenarios) == 1 else "scenarios"
    tell.console.print(f"{len(scenarios)} {many}, {failed} failed")
    return 1 if failed else 0


def _played(tell: Narrator, stage: Stage, scenario: Scenario) -> bool:
    try:
        with tell.step(f"{scenario.number} {scenario.report}") as notes:
            seen = scenario.play(stage, notes)
            for shown in seen:
                notes.extend(_told(shown))
                missing = shown.incomplete()
                promise(not missing, f"“{shown.title}” lacks {', '.join(missing)}")
            titles = tuple(shown.title for shown in seen)
            promise(titles == scenario.titles, f"the pages are called {scenario.titles}")
            notes.extend(_explained(stage, scenario, seen))
    except (PageUnexpected, PromiseBroken, requests.RequestException) as err:
        tell.console.print(f"      [red]{type(err).__name__}: {err}[/red]", soft_wrap=True)
        return False
    return True


def _told(shown: Shown) -> list[str]:
    return [
        f"title     {shown.title}",
        f"cause     {shown.cause}",
        f"remedy    {shown.remedy}",
        f"reference {shown.reference}",
    ]


def _explained(stage: Stage, scenario: Scenario, seen: Sequence[Shown]) -> list[str]:
    """The scenario's own runbook page, and every section that the pages led to.

    Raises:
        PromiseBroken: the connector does not serve one of them, or it has no such section.
    """
    own = f"{stage.connector}/help/errors#{scenario.anchor}"
    linked = {page for shown in seen for page in shown.help_pages}
    for address in sorted({own, *linked}):
        _require_served(stage, address)
    return [f"runbook   {address}" for address in [own, *sorted(linked - {own})]]


def _require_served(stage: Stage, address: str) -> None:
    """Raises: PromiseBroken: another status than 200, or no element with the anchor's id."""
    url, _, anchor = address.partition("#")
    with stage.sandbox.session() as session:
        answer = session.get(url, timeout=10)
    promise(answer.ok, f"{url} answers {answer.status_code}")
    section = bs4.BeautifulSoup(answer.text, "html.parser").find(id=anchor)
    promise(section is not None, f"{url} has a section {anchor}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
