"""The promotion itself: look, check every gate, edit, record."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scripts.release import outputs
from scripts.release.arguments import Promotion
from scripts.release.gates import Gate, Gates, State
from scripts.release.history import History
from scripts.release.next_steps import REPOSITORY, after_promotion
from scripts.release.outcomes import Blocked
from scripts.release.outputs import Running
from scripts.release.stack_file import StackFile, Value

RECORDS: Final = Path("artefacts/release")
_ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Result:
    """`page` is for people, `document` for pipelines."""

    page: str
    document: dict[str, Any]


class GatesShut(Blocked):
    def __init__(self, gates: list[Gate]) -> None:
        shut = [gate for gate in gates if not gate.is_open]
        super().__init__(*(f"{gate.name}: {gate.words}" for gate in shut))
        self.gates = gates


def promote(asked: Promotion, root: Path) -> Result:
    """Raises Failed: nothing was changed."""
    target, test = StackFile.read(root, asked.target), StackFile.read(root, asked.test)
    running = outputs.ask(root, asked.test, asked.outputs)
    if target.image_digest == running.digest:
        return _unchanged(asked, running)
    _require_settled_test(test, running)
    _require_ready_target(target, asked)
    gates = _checked(asked, root, running)
    text = target.with_values(_values(target, asked, running, History(root)))
    if not asked.dry_run:
        target.write(text)
        _record(root, asked, running, gates)
    steps = after_promotion(
        asked.target, running.digest, asked.image_source, beside=bool(target.stable_revision)
    )
    return _promoted(asked, running, target.diff(text), gates, steps)


def _require_settled_test(test: StackFile, running: Running) -> None:
    if test.image_digest != running.digest:
        raise Blocked(
            f"{running.stack} runs {running.digest}, its file says {test.image_digest}: "
            "`pulumi up` there first, and test what it then runs"
        )
    behind = test.stable_revision not in (None, running.revision)
    if behind and test.candidate_weight != _ALL:
        raise Blocked(
            f"{running.stack} gives revision {running.revision} {test.candidate_weight} percent of its "
            f"traffic: scripts/shift_traffic.py {running.stack} --weight 100, and test that"
        )


def _require_ready_target(target: StackFile, asked: Promotion) -> None:
    """Without a stable revision the new image would take everything at the next `pulumi up`."""
    if target.candidate_weight:
        raise Blocked(
            f"{asked.target} is between two images: its candidate takes {target.candidate_weight} percent. "
            f"scripts/shift_traffic.py {asked.target} --finish or --rollback first"
        )
    if target.image_digest and not target.stable_revision:
        raise Blocked(
            f"{asked.target} has no stableRevision, so the new image would take all traffic at once: "
            f"scripts/shift_traffic.py {asked.target} --finish first"
        )
    if asked.weight and not target.stable_revision:
        raise Blocked(
            f"--weight needs a stableRevision in {asked.target}: its first image takes all"
        )


def _checked(asked: Promotion, root: Path, running: Running) -> list[Gate]:
    source = asked.image_source or f"{running.registry}/{REPOSITORY}"
    rehearsal = asked.rehearsal or Path(f"artefacts/rehearsal/{asked.target}.json")
    gates = Gates(
        target=asked.target,
        image=f"{source}@{running.digest}",
        rehearsal=root / rehearsal,
        tests=root / asked.tests,
        load=root / asked.load,
        verify_command=asked.verify_command,
        history=History(root),
        now=_now(),
        longest=asked.longest,
        waivers=asked.waivers,
    ).check()
    if not all(gate.is_open for gate in gates):
        raise GatesShut(gates)
    return gates


def _values(
    target: StackFile, asked: Promotion, running: Running, history: History
) -> dict[str, Value]:
    """The weight's line is touched only if it is there or must be: 0 is the default.

    `release` is raised for a digest that production had before: Container Apps takes no template twice
    under one revision, and the same digest may well make the same template.
    """
    weighed = asked.weight or "candidateWeight" in target.config
    again = history.may_have_had(target, running.digest)
    return {
        "imageDigest": running.digest,
        **({"candidateWeight": asked.weight} if weighed else {}),
        **({"release": target.release + 1} if again else {}),
    }


def _record(root: Path, asked: Promotion, running: Running, gates: list[Gate]) -> None:
    file = root / RECORDS / f"{asked.target}-{running.digest.removeprefix('sha256:')[:12]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    document = _document(asked, running, gates) | {"at": _now().isoformat(timespec="seconds")}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _document(asked: Promotion, running: Running, gates: list[Gate]) -> dict[str, Any]:
    return {
        "stack": asked.target,
        "from": asked.test,
        "digest": running.digest,
        "revision": running.revision,
        "gates": [gate.as_document() for gate in gates],
    }


def _unchanged(asked: Promotion, running: Running) -> Result:
    page = f"{asked.target} has {running.digest} already: nothing was changed."
    return Result(page, {"result": "unchanged", **_document(asked, running, [])})


def _promoted(
    asked: Promotion, running: Running, diff: str, gates: list[Gate], steps: list[str]
) -> Result:
    message = _commit_message(asked, running, gates)
    verb = "would be" if asked.dry_run else "is"
    said = [f"  {gate.name:<10} {gate.state:<8} {gate.because or gate.words}" for gate in gates]
    page = "\n".join(
        [
            f"{asked.target} {verb} promoted to what {asked.test} runs (revision {running.revision}).",
            *said,
            "",
            diff,
            "",
            "Commit it with:",
            *(f"  {line}" if line else "" for line in message.splitlines()),
            "",
            "Then:",
            *(f"  {number}. {step}" for number, step in enumerate(steps, 1)),
        ]
    )
    result = "would_promote" if asked.dry_run else "promoted"
    document = {"result": result, **_document(asked, running, gates)}
    return Result(page, document | {"diff": diff, "commit_message": message, "next": steps})


def _commit_message(asked: Promotion, running: Running, gates: list[Gate]) -> str:
    """The commit is the record people read: it says what was waived and why."""
    waived = [
        f"Waived: {gate.name}: {gate.because}" for gate in gates if gate.state is State.WAIVED
    ]
    head = f"Promote {running.digest.removeprefix('sha256:')[:12]} to {asked.target}"
    lines = [head, "", f"Image: {running.digest}", f"Ran-as: {asked.test} {running.revision}"]
    return "\n".join([*lines, *waived])


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)
