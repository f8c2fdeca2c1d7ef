"""A copy of the stack files, and the certificate that the migration job would make."""

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.hosted_sandbox import main
from scripts.release.stack_file import StackFile

from connector.adapters.vault.directory import Directory
from connector.adapters.vault.generation import make_secrets

STACK = "emea-test"


def keys(folder: Path) -> Path:
    """What `connector keys init` puts into a vault, `entra-certificate.pem` among it."""
    make_secrets(Directory(folder), datetime.fromtimestamp(time.time(), UTC))
    return folder


@dataclass
class Stacks:
    root: Path
    keys: Path

    @classmethod
    def copied(cls, root: Path, keys: Path) -> "Stacks":
        shutil.copytree("infra/stacks", root / "infra/stacks")
        return cls(root, keys)

    @property
    def certificate(self) -> str:
        return str(self.keys / "entra-certificate.pem")

    @property
    def path(self) -> Path:
        return self.root / f"infra/stacks/Pulumi.{STACK}.yaml"

    @property
    def text(self) -> str:
        return self.path.read_bytes().decode()

    @property
    def file(self) -> StackFile:
        return StackFile.read(self.root, STACK)

    @property
    def sandbox(self) -> dict[str, Any]:
        found = self.file.config["simulatorsConfig"]
        assert isinstance(found, dict)
        return found

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.path.write_bytes(self.text.replace(old, new).encode())

    def add(self, text: str) -> None:
        self.path.write_bytes((self.text + text).encode())

    def run(self, *more: str) -> int:
        return main(["emea", "--certificate", self.certificate, *more], self.root)


def written(root: Path) -> dict[str, Any]:
    """The values the command writes into emea's test stack, as Pulumi would read them."""
    stacks = Stacks.copied(root / "checkout", keys(root / "keys"))
    before = stacks.file.config
    assert stacks.run() == 0
    return {k: v for k, v in stacks.file.config.items() if before.get(k) != v}
