"""`report.html`: one page that needs nothing else, for a phone as for a desk, in light and dark, without a script."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flask import Flask, render_template

from loadtest.records import Outcome, Persona
from loadtest.report import document, plots, words
from loadtest.verdict.cpu import ms_per_launch, of_connector, use_by_part
from loadtest.verdict.evidence import LAUNCHERS, Evidence, kind_of
from loadtest.verdict.judgement import Judgement, Verdict
from loadtest.verdict.percentiles import METHOD, Distribution, Percentile
from loadtest.verdict.series import events_of, steps, surge_of, visits_planned
from loadtest.verdict.truth import Harm
from loadtest.verdict.whereabouts import Share, where_time_went

_MOST_EXAMPLES: Final = 20
_MOST_LOST: Final = 12
_TONES: Final[Mapping[Verdict, str]] = {
    Verdict.PASSED: "good",
    Verdict.FAILED: "bad",
    Verdict.VOID: "unsure",
    Verdict.UNCHECKED: "unsure",
}


def write(file: Path, judgement: Judgement) -> None:
    file.write_text(html(judgement), encoding="utf-8")


def html(judgement: Judgement) -> str:
    renderer = Flask("loadtest.report", static_folder=None)
    renderer.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    renderer.jinja_env.filters |= {"rounded": words.rounded, "number": words.number}
    with renderer.app_context():
        return render_template("report.html", **_view(judgement))


def _view(judgement: Judgement) -> dict[str, Any]:
    evidence = judgement.evidence
    said = {
        "judgement": judgement,
        "headline": words.headline(judgement),
        "tone": _TONES[judgement.verdict],
        "sentences": words.sentences(judgement),
        "seen": words.seen,
        "limit": words.limit,
        "truth": judgement.truth,
        "truth_words": words.truth(judgement.truth),
        "discrepancies": judgement.truth.discrepancies[:_MOST_LOST] if judgement.truth else (),
        "harms": tuple(Harm),
        "percentiles": tuple(Percentile),
        "percentile": words.percentile,
        "method": METHOD,
        "comparison": judgement.comparison,
        "plots": plots.of(judgement),
        "evidence": evidence,
    }
    return said | (_of(evidence) if evidence else {})


def _of(evidence: Evidence) -> dict[str, Any]:
    run, window = evidence.run, evidence.window_seconds
    use = use_by_part(evidence)
    per_part = ms_per_launch(use, len(evidence.launched))
    begin, end = run.measured_from_seconds, run.measured_to_seconds
    return {
        "run": run,
        "finished_at": document.finished_at(run),
        "repeat": words.how_to_repeat(run),
        "asked_rate": len(evidence.launches) / window,
        "launched_rate": len(evidence.launched) / window,
        "visits_planned": visits_planned(run, begin, end),
        "visits_came": sum(one.persona is Persona.PROVIDER for one in evidence.arrivals),
        "refused": evidence.requests.shed,
        "dropped": sum(one.outcome is Outcome.DROPPED for one in evidence.arrivals),
        "launches": evidence.launch_ms(*LAUNCHERS),
        "by_persona": {one.value: evidence.launch_ms(one) for one in LAUNCHERS},
        "own": evidence.own_ms(),
        "shares": _bar(where_time_went(evidence)),
        "steps": steps(evidence),
        "requests": sorted(evidence.requests.figures.items()),
        "distribution": Distribution.of,
        "outcomes": Outcome,
        "errors": evidence.requests.errors.most_common(_MOST_EXAMPLES),
        "failures": _failures(evidence),
        "lateness": evidence.lateness_ms(),
        "use": use,
        "per_part": per_part,
        "connector_cpu": of_connector(per_part),
        "events": list(enumerate(events_of(run), 1)),
        "surge": surge_of(run),
    }


def _bar(shares: list[Share]) -> list[tuple[Share, float]]:
    """Each with its percent of the whole."""
    whole = sum(one.mean_ms for one in shares)
    return [(one, 100 * one.mean_ms / whole if whole else 0.0) for one in shares]


def _failures(evidence: Evidence) -> list[tuple[tuple[str, str], int]]:
    """People who did not get what they came for, by why."""
    kinds = Counter(
        (one.persona.value, kind_of(one.error))
        for one in evidence.arrivals
        if one.outcome in (Outcome.FAILED, Outcome.SHED)
    )
    return kinds.most_common(_MOST_EXAMPLES)
