"""A rehearsal that could not fail would prove nothing: what is broken by hand is named, step and resource.

Each break is an edit of a copy of the repository's infrastructure, as somebody might make it.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rehearsal.workspace import REPOSITORY, find_cli

pytestmark = pytest.mark.pulumi
COPIED = ("infra", "Pulumi.yaml", ".venv")


@dataclass(frozen=True)
class Break:
    """`now` instead of `was` in `file`, and what the rehearsal must say of it."""

    file: str
    was: str
    now: str
    step: str
    names: tuple[str, ...]


BREAKS = {
    "a stack file's region": Break(
        "infra/stacks/Pulumi.emea-test.yaml",
        "location: swedencentral",
        "location: eastus2",
        "stack file",
        ("location eastus2 lies in geography 'americas', but this stack is for 'emea'",),
    ),
    "a component's password": Break(
        "infra/ehr_infra/components/database.py",
        'password_auth="Disabled"',
        'password_auth="Enabled"',
        "preview of the foundation",
        ("R08", "dbforpostgresql:Server server"),
    ),
    "a rule": Break(
        "infra/ehr_infra/rules/oversight.py",
        '*("owner", "costCentre", "managedBy", "stack"),',
        '*("owner", "costCentre", "managedBy", "stack", "auditor"),',
        "preview of the foundation",
        ("R15 ", "tags lack auditor"),
    ),
    "the order of subnets": Break(
        "infra/ehr_infra/components/network.py",
        "opts=self.site.fixed(self, depends_on=[after]),",
        "opts=self.site.fixed(self),",
        "up: foundation",
        ("AnotherOperationInProgress", "snet-"),
    ),
    "what the simulated ARM answers": Break(
        "infra/rehearsal/arm/answers.py",
        '"name": lambda subject: subject.name,',
        '"name": lambda subject: f"{subject.name}-other",',
        "up: foundation",
        ("ResourceGroupNotFound", "rg-ehr-emea-test-other"),
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source = REPOSITORY / name
        if name == ".venv":
            (tmp_path / name).symlink_to(source)
        elif source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("what", BREAKS)
def test_the_rehearsal_names_the_step_and_the_resource_of(what: str, copy: Path) -> None:
    seeded = BREAKS[what]
    file = copy / seeded.file
    text = file.read_text()
    assert seeded.was in text
    file.write_text(text.replace(seeded.was, seeded.now))
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal", "--alone", "--stack", "emea-test"],
        cwd=copy,
        env={
            **os.environ,
            "PYTHONPATH": str(copy / "infra"),
            "PATH": f"{find_cli().parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    last = json.loads((copy / "artefacts/rehearsal/emea-test.json").read_text())["steps"][-1]
    assert (last["step"], last["passed"]) == (seeded.step, False)
    missing = [name for name in seeded.names if name not in last["seen"]]
    assert missing == [], last["seen"]
