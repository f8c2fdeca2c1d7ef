"""From evidence to one word: passed, failed, void, or passed with something unchecked."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from loadtest.verdict.baseline import Comparison
from loadtest.verdict.evidence import Evidence
from loadtest.verdict.indicators import Missing, Seen, Sight, see
from loadtest.verdict.slo import Indicator, Promises, Slo
from loadtest.verdict.truth import Truth, check
from loadtest.verdict.validity import Void, reasons_against

# A duplicate is one however busy the generator was: these break a run that is void otherwise.
_TRUTH: Final = frozenset({Indicator.LOST, Indicator.DUPLICATE})


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    VOID = "void"
    UNCHECKED = "passed, not everything checked"


class Exit(IntEnum):
    PASSED = 0
    FAILED = 1
    VOID = 2
    UNCHECKED = 3
    USAGE = 64


class Standing(StrEnum):
    KEPT = "kept"
    BROKEN = "broken"
    TOO_FEW = "too few to say"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One SLO, and what was seen of it."""

    slo: Slo
    seen: Seen

    @property
    def standing(self) -> Standing:
        if self.seen.missing is not None or self.seen.value is None:
            return Standing(self.seen.missing or Missing.NOT_ASKED)
        return Standing.KEPT if self.slo.is_kept_by(self.seen.value) else Standing.BROKEN


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """`evidence` is None when its files were broken; then `voids` says how."""

    run_name: str
    evidence: Evidence | None
    truth: Truth | None
    promises: Promises | None
    findings: tuple[Finding, ...]
    voids: tuple[Void, ...]
    comparison: Comparison | None = None

    def standing(self, standing: Standing) -> list[Finding]:
        return [one for one in self.findings if one.standing is standing]

    @property
    def slower_than_baseline(self) -> str:
        """Why the baseline fails this run; empty when it does not."""
        gate = self.comparison.gate if self.comparison else None
        if self.comparison is None or gate is None:
            return ""
        limit = self.comparison.tolerance.gate_ratio
        if gate.worse <= limit:
            return ""
        return f"{gate.label}: {gate.now:.1f}, {gate.ratio:.2f} times the baseline's; at most {limit:g} times"

    @property
    def harmed(self) -> bool:
        return any(one.slo.indicator in _TRUTH for one in self.standing(Standing.BROKEN))

    @property
    def verdict(self) -> Verdict:
        if self.harmed:
            return Verdict.FAILED
        if self.voids:
            return Verdict.VOID
        if self.standing(Standing.BROKEN) or self.slower_than_baseline:
            return Verdict.FAILED
        return Verdict.UNCHECKED if self.standing(Standing.NOT_CHECKED) else Verdict.PASSED

    @property
    def passed(self) -> bool:
        """For a gate: passed whole, or with what this scenario or target may leave unchecked."""
        allowed = self.promises is not None and self.promises.may_be_unchecked
        return self.verdict is Verdict.PASSED or (self.verdict is Verdict.UNCHECKED and allowed)

    @property
    def exit(self) -> Exit:
        return Exit.PASSED if self.passed else Exit[self.verdict.name]


def judge_evidence(
    evidence: Evidence, promises: Promises, run_name: str, comparison: Comparison | None
) -> Judgement:
    truth = check(evidence.deeds, evidence.everybody, evidence.ledger) if evidence.ledger else None
    sight = Sight(evidence, truth)
    findings = tuple(Finding(slo, see(slo.indicator, sight)) for slo in promises.slos)
    return Judgement(
        run_name=run_name,
        evidence=evidence,
        truth=truth,
        promises=promises,
        findings=findings,
        voids=(*reasons_against(evidence, promises.validity), *_unsupported(findings)),
        comparison=comparison,
    )


def broken_files(run_name: str, reason: str) -> Judgement:
    void = Void(f"The run's files cannot be judged: {reason}.", "Run it again and let it end.")
    return Judgement(
        run_name=run_name, evidence=None, truth=None, promises=None, findings=(), voids=(void,)
    )


def _unsupported(findings: tuple[Finding, ...]) -> Iterator[Void]:
    for one in findings:
        if one.standing is Standing.TOO_FEW and not one.slo.may_be_few:
            words = f"{one.slo.name} cannot be said of {one.seen.count} observations."
            yield Void(words, "Measure longer, or let more people come.")
