"""From a run's folder to a verdict: an exit status, `verdict.json`, `summary.csv`, `report.html`, ten lines."""

from loadtest.verdict.judging import judge, keep_baseline

__all__ = ["judge", "keep_baseline"]
