"""One stack's rehearsal, step by step, told as it goes and written down."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ehr_infra.config import ConfigurationInvalid
from ehr_infra.program import deploy
from rehearsal.arm.simulated import SimulatedArm
from rehearsal.life_cycle.stage import Broken, Expected, Stage
from rehearsal.life_cycle.steps import STEPS, Step
from rehearsal.recording import stack_values
from rehearsal.workspace import REPOSITORY, rehearsal_stack, standing_plugin


@dataclass(frozen=True, slots=True)
class Played:
    """A row of the table."""

    step: str
    expected: str
    seen: str
    passed: bool
    seconds: float


def rehearse(name: str, artefacts: Path, steps: Sequence[Step] = STEPS) -> bool:
    """Play every step until one breaks; the result is also left as `<artefacts>/<stack>.json`."""
    played: list[Played] = []
    try:
        _live(Expected.of(name), name, steps, played)
    except ConfigurationInvalid as err:
        played.append(Played("stack file", "every value is usable", str(err), False, 0.0))
        _tell(name, f" 0/{len(steps)}", played[-1])
    passed = len(played) == len(steps) and all(each.passed for each in played)
    _write(artefacts / f"{name}.json", name, played, passed=passed)
    return passed


def _live(expected: Expected, name: str, steps: Sequence[Step], played: list[Played]) -> None:
    first, *others = enumerate(steps, start=1)
    with (
        SimulatedArm(stack_values(name)["subscriptionId"]) as arm,
        rehearsal_stack(
            arm,
            project_file=REPOSITORY / "Pulumi.yaml",
            stack_files=REPOSITORY / "infra" / "stacks",
            stack_name=name,
            program=deploy,
        ) as stack,
    ):
        stage = Stage(name, stack, arm, expected)
        _advance(first, stage, len(steps), played)
        with standing_plugin(stack):
            for each in others:
                _advance(each, stage, len(steps), played)


def _advance(numbered: tuple[int, Step], stage: Stage, of: int, played: list[Played]) -> None:
    """Play it unless an earlier one broke."""
    number, step = numbered
    if all(each.passed for each in played):
        played.append(_play(step, stage))
        _tell(stage.name, f"{number:>2}/{of}", played[-1])


def _play(step: Step, stage: Stage) -> Played:
    begun = time.monotonic()
    try:
        seen, passed = step.play(stage), True
    except Broken as err:
        seen, passed = str(err), False
    return Played(step.name, step.expected, seen, passed, round(time.monotonic() - begun, 1))


def _tell(name: str, number: str, played: Played) -> None:
    verdict = "ok" if played.passed else "BROKEN"
    sys.stdout.write(
        f"{name:<19} {number} {played.step:<33} {verdict:<6} {played.seconds:>5.1f} s  {played.seen}\n"
    )
    sys.stdout.flush()


def _write(path: Path, name: str, played: list[Played], *, passed: bool) -> None:
    result = {
        "stack": name,
        "passed": passed,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a stamp on a report
        "commit": _commit(),
        "steps": [asdict(each) for each in played],
    }
    path.write_text(json.dumps(result, indent=1) + "\n")


def _commit() -> str:
    """What was rehearsed; empty outside a git checkout."""
    command = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
