"""The same words on the page, on the terminal and in `verdict.json`."""

import shlex
from math import isinf
from typing import Final

from loadtest.records import Run
from loadtest.verdict.evidence import faults_of
from loadtest.verdict.indicators import Seen
from loadtest.verdict.judgement import Finding, Judgement, Standing, Verdict
from loadtest.verdict.percentiles import Distribution, Percentile
from loadtest.verdict.slo import Indicator, Slo
from loadtest.verdict.truth import Harm, Truth

NONE: Final = "–"
_WHOLE_SHARE: Final = 100
_DECIMALS: Final = ((100, 0), (10, 1))
_TRUTH: Final = (Indicator.LOST, Indicator.DUPLICATE)


def headline(judgement: Judgement) -> str:
    if judgement.verdict is not Verdict.UNCHECKED:
        return judgement.verdict.upper()
    unchecked = {one.slo.indicator for one in judgement.standing(Standing.NOT_CHECKED)}
    what = "TRUTH NOT CHECKED" if unchecked & {*_TRUTH} else "NOT EVERYTHING CHECKED"
    return f"PASSED, {what}"


def sentences(judgement: Judgement) -> list[str]:
    """Why the headline says so; the first is the most important."""
    voids = [f"{one.reason} {one.remedy}" for one in judgement.voids]
    if judgement.verdict is Verdict.VOID:
        return [*ran_out(judgement), *voids]
    said = [broken(one) for one in judgement.standing(Standing.BROKEN)]
    if judgement.slower_than_baseline:
        said.append(f"slower than the baseline: {judgement.slower_than_baseline}")
    if judgement.verdict is Verdict.FAILED:
        void = (f"And the other figures say nothing: {one}" for one in voids)
        return [*said, *void, *ran_out(judgement)]
    kept = len(judgement.standing(Standing.KEPT))
    said.append(f"All {kept} promises that could be checked were kept.")
    few = [one.slo.name for one in judgement.standing(Standing.TOO_FEW)]
    if few:
        said.append(f"Too few to say: {', '.join(few)}.")
    unchecked = [one.slo.name for one in judgement.standing(Standing.NOT_CHECKED)]
    if unchecked:
        said.append(f"Nobody could be asked about: {', '.join(unchecked)}.")
    return [*said, *ran_out(judgement)]


def ran_out(judgement: Judgement) -> list[str]:
    """Whose file of prepared launches was shorter than the scenario; nothing where it sufficed or a void says it."""
    given = judgement.evidence.run.prepared if judgement.evidence else None
    words = given.words.capitalize() if given else ""
    if not words or any(one.reason.startswith(words) for one in judgement.voids):
        return []
    return [f"{words}; what came until then is all there is."]


def broken(finding: Finding) -> str:
    return f"{finding.slo.name} broke: {seen(finding)}, promised {limit(finding.slo)}"


def limit(slo: Slo) -> str:
    if slo.at_most == 0:
        return "none"
    return f"{slo.sign} {number(slo.limit)} {slo.unit}"


def seen(finding: Finding) -> str:
    if finding.seen.missing is not None or finding.seen.value is None:
        return finding.standing.value
    return (
        "never" if isinf(finding.seen.value) else f"{number(finding.seen.value)} {finding.slo.unit}"
    )


def of_count(seen_: Seen) -> str:
    return f"{seen_.count:,}"


def number(value: float | None) -> str:
    """For limits and what is held against them: a share of 99.949 % never reads as the 99.95 % it is not."""
    if value is None:
        return NONE
    if isinf(value):
        return "never"
    if value == int(value) or abs(value) > _WHOLE_SHARE:
        return f"{value:,.0f}"
    return f"{value:.3f}".rstrip("0").rstrip(".")


def rounded(value: float | None) -> str:
    """For tables of measured times and rates: three digits."""
    if value is None:
        return NONE
    decimals = next((places for least, places in _DECIMALS if abs(value) >= least), 2)
    return f"{value:,.{decimals}f}"


def percentile(times: Distribution, which: Percentile) -> str:
    return rounded(times.at(which))


def truth(found: Truth | None) -> str:
    if found is None:
        return "not checked"
    lost, twice = found.count(Harm.LOST), found.count(Harm.DUPLICATE)
    return f"{lost} lost, {twice} duplicate"


def how_to_repeat(run: Run) -> str:
    options = [f"--fault {shlex.quote(one)}" for one in faults_of(run)]
    if run.target.startswith("http"):
        others = "--launches …" if run.prepared else "…"
        options.append(f"--target {shlex.quote(run.target)} {others}")
    words = f"python -m loadtest --scenario {shlex.quote(run.scenario)} --seed {run.seed}"
    return " ".join([words, *options])
