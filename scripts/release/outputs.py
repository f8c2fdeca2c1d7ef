"""What a stack really runs, from its outputs: never from what its file wishes."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.release.outcomes import Blocked, Unreadable
from scripts.release.stack_file import DIGEST, REVISION

_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Running:
    """`revision` is the suffix of the newest revision; `registry` is the stamp's own."""

    stack: str
    digest: str
    revision: str
    registry: str


def ask(root: Path, stack: str, file: Path | None) -> Running:
    """From `file` (what `pulumi stack output --json` wrote), else from pulumi.

    Raises:
        Unreadable: pulumi or the file gave no outputs.
        Blocked: the stack runs no image yet.
    """
    text = _from_file(file) if file else _from_pulumi(root, stack)
    try:
        outputs = json.loads(text)
    except ValueError as err:
        raise Unreadable(f"the outputs of {stack} are no JSON: {err}") from err
    if not isinstance(outputs, dict):
        raise Unreadable(f"the outputs of {stack} are no JSON object")
    return _running(stack, outputs)


def _running(stack: str, outputs: Mapping[str, Any]) -> Running:
    digest, revision = outputs.get("imageDigest"), str(outputs.get("latestRevision", ""))
    if not digest:
        raise Blocked(f"{stack} runs no image: only its foundation was made")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise Unreadable(f"imageDigest of {stack}'s outputs is no digest sha256:<64 hex>")
    suffix = revision.rpartition("--")[2]  # Azure's name of it is <app>--<suffix>
    if not REVISION.fullmatch(suffix):
        raise Unreadable(f"latestRevision of {stack}'s outputs is no revision")
    return Running(stack, digest, suffix, str(outputs.get("registryServer", "")))


def _from_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise Unreadable(f"{file} cannot be read: {err}") from err


def _from_pulumi(root: Path, stack: str) -> str:
    argv = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            argv, cwd=root, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except FileNotFoundError as err:
        raise Unreadable("pulumi is not installed; or give its outputs with --outputs") from err
    except subprocess.TimeoutExpired as err:
        raise Unreadable(f"pulumi did not tell {stack}'s outputs in {_SECONDS} s") from err
    if done.returncode:
        said = done.stderr.strip() or f"status {done.returncode}"
        raise Unreadable(f"pulumi did not tell {stack}'s outputs: {said}")
    return done.stdout
