"""Read the folder, judge, write what people and gates read."""

from pathlib import Path

from loadtest import report
from loadtest.verdict import baseline
from loadtest.verdict.evidence import Evidence, EvidenceBroken, faults_of, read
from loadtest.verdict.judgement import Judgement, broken_files, judge_evidence
from loadtest.verdict.slo import FILE, Promises, SloFile


class BaselineRefused(Exception):
    """Only a run that passed is one to compare with."""


def judge(folder: Path, *, slos: Path = FILE, baselines: Path = baseline.FOLDER) -> int:
    """Write the verdict and the report into the folder, print the summary; the exit status.

    0 passed; 1 failed; 2 void, the run says nothing; 3 passed, but something was not checked that must be.

    Raises:
        SloFileRefused: `slo.toml` cannot be read.
    """
    judgement = judged(folder, slos=slos, baselines=baselines)
    report.write(folder, judgement)
    return judgement.exit


def judged(folder: Path, *, slos: Path = FILE, baselines: Path = baseline.FOLDER) -> Judgement:
    """Writes nothing. Raises: SloFileRefused."""
    file = SloFile.read(slos)
    name = folder.resolve().name
    try:
        evidence = read(folder)
        promises = file.for_run(evidence.run.scenario, evidence.run.target)
        comparison = _compared(evidence, promises, baselines)
    except (EvidenceBroken, baseline.BaselineBroken) as err:
        return broken_files(name, str(err))
    return judge_evidence(evidence, promises, name, comparison)


def keep_baseline(folder: Path, *, slos: Path = FILE, baselines: Path = baseline.FOLDER) -> Path:
    """From now on runs of this scenario are compared with this one.

    Raises:
        BaselineRefused: it did not pass, or something was broken on purpose.
        SloFileRefused: `slo.toml` cannot be read.
    """
    judgement = judged(folder, slos=slos, baselines=baselines)
    if judgement.evidence is None or judgement.voids or not judgement.passed:
        raise BaselineRefused(f"{folder} {judgement.verdict}: no run to compare others with")
    if faults_of(judgement.evidence.run):
        raise BaselineRefused(f"{folder}: something was broken on purpose")
    return baseline.Baseline.of(judgement.evidence, judgement.run_name).keep(baselines)


def _compared(
    evidence: Evidence, promises: Promises, baselines: Path
) -> baseline.Comparison | None:
    kept = baseline.Baseline.kept(evidence.run.scenario, baselines)
    return baseline.compare(evidence, kept, promises.baseline) if kept else None
