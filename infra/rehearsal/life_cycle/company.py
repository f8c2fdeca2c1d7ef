"""All stacks, a few at once, each in a process of its own; at the end one table."""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from rehearsal.life_cycle.steps import STEPS


def rehearse_all(stacks: Sequence[str], at_once: int, artefacts: Path) -> bool:
    """True if every step of every stack went as it must."""
    for stack in stacks:
        (artefacts / f"{stack}.json").unlink(missing_ok=True)
    with ThreadPoolExecutor(at_once) as side_by_side:
        codes = list(side_by_side.map(partial(_alone, artefacts=artefacts), stacks))
    results = [_result(artefacts, stack) for stack in stacks]
    lines = table(results)
    sys.stdout.write("\n" + "\n".join(lines) + "\n\n")
    failed = sum(code != 0 for code in codes)
    sys.stdout.write(f"{len(stacks) - failed} passed, {failed} failed\n")
    return failed == 0


def _alone(stack: str, artefacts: Path) -> int:
    """Its lines are ours: progress as it goes."""
    command = [sys.executable, "-m", "rehearsal", "--alone", "--stack", stack]
    return subprocess.run(  # noqa: S603
        [*command, "--artefacts", str(artefacts)], check=False
    ).returncode


def _result(artefacts: Path, stack: str) -> dict[str, Any]:
    """What it wrote; a process that died wrote nothing."""
    path = artefacts / f"{stack}.json"
    if not path.exists():
        return {"stack": stack, "passed": False, "steps": []}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def table(results: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown: operation × stack, expected and seconds; what broke is said below."""
    lines = [
        f"| operation | expected | {' | '.join(r['stack'] for r in results)} |",
        f"|---|---|{'---|' * len(results)}",
    ]
    for number, step in enumerate(STEPS):
        cells = " | ".join(_cell(r["steps"], number) for r in results)
        lines.append(f"| {step.name} | {step.expected} | {cells} |")
    lines += [
        f"\n{r['stack']} broke at «{s['step']}»: {s['seen']}"
        for r in results
        for s in r["steps"]
        if not s["passed"]
    ]
    return lines


def _cell(steps: Sequence[dict[str, Any]], number: int) -> str:
    if number >= len(steps):
        return "not reached"
    step = steps[number]
    return f"{step['seconds']} s" if step["passed"] else "BROKEN"
