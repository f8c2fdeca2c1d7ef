"""Carry out a build stage in a temporary folder: its COPY by copying, its RUN in a shell, its absolute paths moved below."""

import os
import re
import shutil
import subprocess
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scripts.image.dockerfile import Instruction, Stage

_MOVED: Final = re.compile(r"(?<![\w.:/])/(opt|src|wheels)(?=[/\s]|$)")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


class StageFailed(Exception):
    """A RUN ended with another status than 0; what it wrote is on the terminal."""


class StandIn:
    """`root` stands for the image's root, `context` is the build context; the base's Python is a fresh one of ours."""

    def __init__(self, context: Path, root: Path, tell: Callable[[str], None]) -> None:
        self._context = context
        self._root = root
        self._tell = tell
        self._folder = root
        self._environment = {**_plain_environment(), "HOME": str(root), "PIP_QUIET": "1"}

    def build(self, stage: Stage) -> Path:
        """The stage's /opt/connector, as a folder here.

        Raises:
            StageFailed: a RUN failed.
        """
        base = self._root / "base"
        venv.create(base, with_pip=True)
        self._environment["PATH"] = f"{base / 'bin'}:/usr/bin:/bin"
        steps = {
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "RUN": self._run,
        }
        for instruction in stage.instructions:
            steps[instruction.word](instruction)
        return self._root / "opt/connector"

    def _env(self, instruction: Instruction) -> None:
        self._environment |= dict(pair.split("=", 1) for pair in instruction.words)

    def _workdir(self, instruction: Instruction) -> None:
        self._folder = self._root / instruction.value.lstrip("/")
        self._folder.mkdir(parents=True, exist_ok=True)

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.words
        for source in (self._context / name for name in sources):
            to = self._folder / target
            if source.is_dir():
                # A link is copied as a link, as Docker does: what it leads to must be copied too.
                shutil.copytree(source, to, symlinks=True, ignore=_LEFT_OUT, dirs_exist_ok=True)
            else:
                shutil.copy2(source, to)

    def _run(self, instruction: Instruction) -> None:
        self._tell(instruction.value)
        command = _MOVED.sub(lambda found: f"{self._root}/{found[1]}", instruction.value)
        done = subprocess.run(
            ["/bin/sh", "-ec", command], cwd=self._folder, env=self._environment, check=False
        )
        if done.returncode != os.EX_OK:
            raise StageFailed(f"status {done.returncode} of: {instruction.value}")


def _plain_environment() -> Mapping[str, str]:
    """What names the package index stays; what names another Python goes."""
    kept = ("PIP_", "SSL_", "REQUESTS_", "HTTP", "http", "LANG", "TMPDIR")
    return {name: value for name, value in os.environ.items() if name.startswith(kept)}
