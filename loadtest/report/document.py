"""`verdict.json`: `passed`, `finished_at` and `commit` for `scripts/promote_release.py`, everything else for whoever compares."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import isinf
from pathlib import Path
from typing import Any, Final

from loadtest.records import Run
from loadtest.report import words
from loadtest.verdict.baseline import Comparison
from loadtest.verdict.cpu import ms_per_launch, use_by_part
from loadtest.verdict.evidence import LAUNCHERS, Evidence, faults_of
from loadtest.verdict.judgement import Finding, Judgement
from loadtest.verdict.percentiles import METHOD, Distribution, Percentile
from loadtest.verdict.series import visits_planned
from loadtest.verdict.truth import Harm, Truth
from loadtest.verdict.whereabouts import where_time_went

_MOST_EXAMPLES: Final = 50


def write(file: Path, judgement: Judgement) -> None:
    text = json.dumps(of(judgement), indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def of(judgement: Judgement) -> dict[str, Any]:
    """A run whose files are broken has no time at which it finished: null, which no gate takes for one.

    A run with `--fault` tests the judge: whatever its exit status, `passed` is false for every gate.
    """
    evidence = judgement.evidence
    sabotaged = evidence is not None and bool(faults_of(evidence.run))
    said = {
        "passed": judgement.passed and not sabotaged,
        "verdict": judgement.verdict.value,
        "exit": int(judgement.exit),
        "run": judgement.run_name,
        "finished_at": finished_at(evidence.run) if evidence else None,
        "commit": evidence.run.commit if evidence else "",
        "because": words.sentences(judgement),
        "voids": [asdict(one) for one in judgement.voids],
        "slos": [_finding(one) for one in judgement.findings],
        "waived": dict(judgement.promises.waived) if judgement.promises else {},
        "truth": _truth(judgement.truth),
        "baseline": _comparison(judgement.comparison),
    }
    return said | (_measured(evidence) if evidence else {})


def finished_at(run: Run) -> str:
    began = datetime.fromisoformat(run.started_at).astimezone(UTC)
    return (began + timedelta(seconds=run.ended_seconds)).isoformat(timespec="seconds")


def _measured(evidence: Evidence) -> dict[str, Any]:
    run, window = evidence.run, evidence.window_seconds
    use = use_by_part(evidence)
    begin, end = run.measured_from_seconds, run.measured_to_seconds
    return {
        "scenario": asdict(run),
        "launches": {
            "asked": len(evidence.launches),
            "launched": len(evidence.launched),
            "asked_per_second": round(len(evidence.launches) / window, 3),
            "launched_per_second": round(len(evidence.launched) / window, 3),
            "visits_planned": round(visits_planned(run, begin, end), 1),
        },
        "percentile_method": METHOD,
        "launch_ms": {who.value: _times(evidence.launch_ms(who)) for who in LAUNCHERS},
        "own_ms": _times(evidence.own_ms()),
        "where_time_went_ms": {one.key: round(one.mean_ms, 2) for one in where_time_went(evidence)},
        "cpu_ms_per_launch": {
            part: round(ms, 2) for part, ms in ms_per_launch(use, len(evidence.launched)).items()
        },
        "errors": [
            {"persona": who, "error": kind, "times": times}
            for (who, kind), times in evidence.requests.errors.most_common(_MOST_EXAMPLES)
        ],
        "generators": [asdict(one) for one in evidence.generators],
    }


def _times(times: Distribution) -> dict[str, float | int | None]:
    """A percentile the sample does not have is null."""
    measured = {one.words: times.at(one) for one in Percentile}
    return {"count": times.count, **measured, "slowest": times.slowest}


def _finding(finding: Finding) -> dict[str, Any]:
    value = finding.seen.value
    return {
        "name": finding.slo.name,
        "indicator": finding.slo.indicator.value,
        "sign": finding.slo.sign,
        "limit": finding.slo.limit,
        "unit": finding.slo.unit,
        "seen": None if value is None or isinf(value) else round(value, 4),
        "of": finding.seen.count,
        "standing": finding.standing.value,
        "why": finding.slo.why,
    }


def _truth(truth: Truth | None) -> dict[str, Any]:
    if truth is None:
        return {"checked": False}
    counted = {harm.value: truth.count(harm) for harm in Harm}
    found = asdict(truth)
    found["discrepancies"] = found["discrepancies"][:_MOST_EXAMPLES]
    return {"checked": True, **counted, **found}


def _comparison(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "run": comparison.baseline.run,
        "machine": comparison.baseline.machine,
        "same_machine": comparison.same_machine,
        "ratios": {one.name: round(one.ratio, 3) for one in comparison.ratios},
        "warnings": comparison.warnings,
    }
