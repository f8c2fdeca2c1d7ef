"""What git knows: the commit a release is made from, a gate's commit, and what a stack file said before."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.release.outcomes import Unreadable
from scripts.release.stack_file import STACKS, StackFile


@dataclass(frozen=True, slots=True)
class History:
    root: Path

    @property
    def head(self) -> str:
        """Raises Unreadable: no repository, or no commit yet."""
        return self._git("rev-parse", "--verify", "HEAD").strip()

    def uncommitted(self) -> list[str]:
        """Paths that differ from the commit or are not in it, ignored ones left out."""
        lines = self._git("status", "--porcelain", "--untracked-files=all").splitlines()
        return [line[3:] for line in lines]

    def has_same_code(self, commit: str) -> bool:
        """Whether nothing but stack files changed from then to HEAD: an earlier geography's promotion does."""
        if not commit.isalnum():
            return False
        try:
            changed = self._git("diff", "--name-only", commit, "HEAD", "--").splitlines()
        except Unreadable:  # a commit this clone does not know
            return False
        return all(path.startswith(f"{STACKS}/Pulumi.") for path in changed)

    def may_have_had(self, file: StackFile, word: str) -> bool:
        """Whether a commit of the file wrote or removed the word; True as well in a clone that has not all of them."""
        if self._git("rev-parse", "--is-shallow-repository").strip() == "true":
            return True
        return bool(self._git("log", "--format=%H", f"-S{word}", "--", self._name(file)))

    def versions(self, file: StackFile) -> Iterator[StackFile]:
        """The file as it was committed, newest first; what cannot be read is left out."""
        name = self._name(file)
        for commit in self._git("log", "--format=%H", "--", name).split():
            try:
                yield StackFile.of(file.path, self._git("show", f"{commit}:./{name}"))
            except Unreadable:
                continue

    def _name(self, file: StackFile) -> str:
        return str(file.path.relative_to(self.root))

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unreadable(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout
