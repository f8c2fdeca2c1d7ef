"""The verdict in ten lines, for who started the run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from loadtest.records import Persona
from loadtest.report import words
from loadtest.verdict.cpu import ms_per_launch, of_connector, use_by_part
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.judgement import Judgement, Standing, Verdict
from loadtest.verdict.percentiles import Percentile
from loadtest.verdict.whereabouts import where_time_went

_COLOURS: Final = {
    Verdict.PASSED: "bold green",
    Verdict.FAILED: "bold red",
    Verdict.VOID: "bold yellow",
    Verdict.UNCHECKED: "bold yellow",
}
_MOST_SENTENCES: Final = 6


def tell(folder: Path, judgement: Judgement, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    console.print(f"\n{words.headline(judgement)}", style=_COLOURS[judgement.verdict], markup=False)
    for line in lines(folder, judgement):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def lines(folder: Path, judgement: Judgement) -> Iterator[str]:
    said = words.sentences(judgement)
    yield from said[:_MOST_SENTENCES]
    if len(said) > _MOST_SENTENCES:
        yield f"… and {len(said) - _MOST_SENTENCES} more, see the report"
    if judgement.evidence:
        yield from _figures(judgement, judgement.evidence)
    yield f"report    {folder / 'report.html'}"


def _figures(judgement: Judgement, evidence: Evidence) -> Iterator[str]:
    window = evidence.window_seconds
    asked, launched = len(evidence.launches) / window, len(evidence.launched) / window
    yield f"launches  {launched:.2f} a second of {asked:.2f} asked, {len(evidence.launched):,} in {window:g} s"
    for persona in (Persona.PROVIDER, Persona.PATIENT):
        times = evidence.launch_ms(persona)
        each = (f"{one.words} {words.percentile(times, one)}" for one in Percentile)
        yield f"{persona.value:<9} {'  '.join(each)} ms, of {times.count:,}"
    went = (f"{one.label} {words.rounded(one.mean_ms)} ms" for one in where_time_went(evidence))
    yield f"time went {' · '.join(went)}"
    yield f"truth     {words.truth(judgement.truth)}"
    kept = len(judgement.standing(Standing.KEPT))
    yield f"promises  {kept} of {len(judgement.findings)} kept"
    cpu = of_connector(ms_per_launch(use_by_part(evidence), len(evidence.launched)))
    busiest = max((one.cpu_share for one in evidence.generators), default=None)
    share = f"{busiest:.0%} of a core" if busiest is not None else "unknown"
    yield f"cpu       connector {words.rounded(cpu)} ms a launch, generator {share}"
