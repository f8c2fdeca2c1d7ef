"""Blue and green: how much of a stamp's traffic its newest revision takes."""

from pathlib import Path
from typing import Any, Final

from scripts.release import outputs
from scripts.release.arguments import Shift
from scripts.release.history import History
from scripts.release.next_steps import after_return, after_shift
from scripts.release.outcomes import Blocked
from scripts.release.stack_file import REVISION, StackFile, Value

_ALL: Final = 100


def shift(asked: Shift, root: Path) -> dict[str, Any]:
    """The result as a document. Raises Failed: nothing was changed."""
    file = StackFile.read(root, asked.stack)
    if not file.image_digest:
        raise Blocked(f"{asked.stack} has no imageDigest: there is nothing to shift")
    values = _values(file, asked, root)
    text = file.with_values(values) if values else file.text
    if text == file.text:
        return {"result": "unchanged", "stack": asked.stack, "diff": "", "next": []}
    if not asked.dry_run:
        file.write(text)
    result = "would_change" if asked.dry_run else "changed"
    diff = file.diff(text)
    is_return = asked.roll_back and "stableRevision" in values
    steps = after_return(asked.stack) if is_return else after_shift(asked.stack)
    return {"result": result, "stack": asked.stack, "diff": diff, "next": steps}


def _values(file: StackFile, asked: Shift, root: Path) -> dict[str, Value]:
    """What the stack file shall say; empty: it does."""
    if asked.finish:
        return _finished(file, asked, root)
    if asked.roll_back and not file.candidate_weight:
        return _returned(file, asked, root)
    return _weighed(file, asked.weight or 0)


def _weighed(file: StackFile, weight: int) -> dict[str, Value]:
    if weight and not file.stable_revision:
        raise Blocked(
            "candidateWeight needs a stableRevision, which takes the rest: --finish first"
        )
    return {} if weight == file.candidate_weight else {"candidateWeight": weight}


def _finished(file: StackFile, asked: Shift, root: Path) -> dict[str, Value]:
    """The newest revision takes all already; from now on it is what a rollback goes back to."""
    running = outputs.ask(root, asked.stack, asked.outputs)
    if running.digest != file.image_digest:
        raise Blocked(f"{asked.stack} does not run its file's imageDigest yet: `pulumi up` first")
    if file.stable_revision == running.revision:
        return _weighed(file, 0)
    if file.stable_revision and file.candidate_weight != _ALL:
        raise Blocked(
            f"the candidate takes {file.candidate_weight} percent: --weight 100, `pulumi up`, look, then --finish"
        )
    reset = {"candidateWeight": 0} if "candidateWeight" in file.config else {}
    return {"stableRevision": running.revision, **reset}


def _returned(file: StackFile, asked: Shift, root: Path) -> dict[str, Value]:
    """After --finish there is no candidate: the revision that was stable before takes all again."""
    if not file.stable_revision:
        raise Blocked(f"{asked.stack} has no stableRevision, so there is none to go back to")
    if outputs.ask(root, asked.stack, asked.outputs).revision != file.stable_revision:
        return {}  # the candidate takes nothing already
    for before in History(root).versions(file):
        former = before.stable_revision or ""
        if REVISION.fullmatch(former) and former != file.stable_revision:
            return {"stableRevision": former}
    raise Blocked(
        f"git knows no revision that was stable before {file.stable_revision}: put the former imageDigest "
        f"back, set release to {file.release + 1}, and release it"
    )
