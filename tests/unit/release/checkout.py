"""A small repository with the stack files of emea, the gates' files, and what the test stamp runs."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OLD, NEW = ("sha256:" + letter * 64 for letter in "ab")
TEST = f"""\
config:
  # Why this region: capacity.
  teams-ehr-connector:location: swedencentral
  teams-ehr-connector:imageDigest: {NEW}  # what testers see
"""
PRODUCTION = f"""\
config:
  pulumi:disable-default-providers:
    - azure-native
  # Why this region: capacity.
  teams-ehr-connector:location: swedencentral
  teams-ehr-connector:alertEmails:
    - oncall@example.org   # two spaces, kept
  # Written by scripts/promote_release.py.
  teams-ehr-connector:imageDigest: {OLD}  # promoted
  teams-ehr-connector:stableRevision: r000aaaa
  teams-ehr-connector:candidateWeight: 0

  teams-ehr-connector:minReplicas: 3
"""
JUNIT = """<testsuites><testsuite name="pytest" errors="{errors}" failures="{failures}" skipped="{skipped}"
 tests="{tests}" timestamp="{timestamp}"></testsuite></testsuites>"""


def moment(**ago: float) -> str:
    now = datetime.fromtimestamp(time.time(), UTC)
    return (now - timedelta(**ago)).isoformat()


@dataclass
class Checkout:
    root: Path
    outputs: dict[str, Any] = field(
        default_factory=lambda: {
            "imageDigest": NEW,
            "latestRevision": "r111bbbb",
            "registryServer": "cremeatest.azurecr.io",
        }
    )

    @classmethod
    def made(cls, root: Path) -> "Checkout":
        made = cls(root)
        made.write("infra/stacks/Pulumi.emea-test.yaml", TEST)
        made.write("infra/stacks/Pulumi.emea-production.yaml", PRODUCTION)
        made.write(".gitignore", "artefacts/\n")
        made.git("init", "--quiet")
        made.commit()
        made.rehearsal()
        made.junit()
        made.load()
        return made

    @property
    def production(self) -> Path:
        return self.root / "infra/stacks/Pulumi.emea-production.yaml"

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def edit(self, stack: str, old: str, new: str) -> None:
        file = f"infra/stacks/Pulumi.{stack}.yaml"
        self.write(file, (self.root / file).read_text().replace(old, new))
        self.commit()

    def rehearsal(self, **changed: Any) -> None:
        found = {"stack": "emea-production", "passed": True, "finished_at": moment(hours=1)}
        found |= {"commit": self.head} | changed
        self.write("artefacts/rehearsal/emea-production.json", json.dumps(found))

    def load(self, **changed: Any) -> None:
        found = {"passed": True, "finished_at": moment(hours=2)} | changed
        self.write("artefacts/load/verdict.json", json.dumps(found))

    def junit(self, **changed: Any) -> None:
        found = {
            "errors": 0,
            "failures": 0,
            "skipped": 2,
            "tests": 40,
            "timestamp": moment(hours=3),
        }
        self.write("artefacts/tests/junit.xml", JUNIT.format(**found | changed))

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        argv = ["git", *who, *arguments]
        return subprocess.run(
            argv, cwd=self.root, check=True, capture_output=True, text=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "test", "--allow-empty")

    def arguments(self, *more: str) -> list[str]:
        self.write("artefacts/outputs.json", json.dumps(self.outputs))
        return ["--outputs", str(self.root / "artefacts/outputs.json"), *more]

    def promote(self, *more: str) -> list[str]:
        """Arguments of a promotion whose signature is accepted."""
        return ["emea", *self.arguments("--verify-command", "test {digest} = " + NEW, *more)]
