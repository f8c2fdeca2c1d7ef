"""What a judged run leaves for people and gates: `verdict.json`, `summary.csv`, `report.html`, ten lines on the terminal."""

from pathlib import Path

from loadtest.report import document, page, summary, terminal
from loadtest.verdict.judgement import Judgement


def write(folder: Path, judgement: Judgement) -> None:
    """The verdict first: a gate must find it even when a plot cannot be drawn."""
    document.write(folder / "verdict.json", judgement)
    summary.write(folder / "summary.csv", judgement)
    page.write(folder / "report.html", judgement)
    terminal.tell(folder, judgement)
