#!/usr/bin/env python3
"""Do without Docker what the Dockerfile's build stages do, and look at what comes out: `make image-check`.

The RUN lines are the Dockerfile's own, in a temporary folder. What is not shown: the base image, its user, the
read-only root. A stage's name as argument checks that one only.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.image.contents import ContentsWrong, examine, require_files
from scripts.image.dockerfile import Stage, read_stages
from scripts.image.stand_in import StageFailed, StandIn

ROOT: Final = Path(__file__).resolve().parents[1]
SIMULATORS: Final = ("mock_fhir", "mock_mychart", "mock_microsoft", "simkit")
# Stage, its lock, the packages whose modules must all import.
CHECKED: Final = {
    "build": ("requirements.image.lock", ("connector",)),
    "build-simulators": ("requirements.simulators.lock", ("connector", *SIMULATORS)),
}

# What the job of a stamp runs, after what anybody would try first.
MIGRATION_JOB: Final = (("--help",), ("keys", "init"), ("db", "upgrade"))


def main(arguments: list[str]) -> int:
    stages = {stage.name: stage for stage in read_stages(ROOT / "Dockerfile")}
    unknown = [name for name in arguments if name not in CHECKED]
    if unknown:
        print(f"no such build stage: {', '.join(unknown)}; there are {', '.join(CHECKED)}")
        return 2
    try:
        for name in arguments or CHECKED:
            _check(stages[name])
    except (StageFailed, ContentsWrong) as error:
        print(error)
        return 1
    return 0


def _check(stage: Stage) -> None:
    began = time.monotonic()
    lock, packages = CHECKED[stage.name]
    with tempfile.TemporaryDirectory(prefix="image-check-") as folder:
        environment = StandIn(ROOT, Path(folder), _tell).build(stage)
        found = examine(environment, ROOT / lock, packages)
        require_files(environment, ROOT / "services", packages)
        for command in MIGRATION_JOB:
            _run(environment, Path(folder), command)
    print(f"{stage.name}: {found}, migration job done ({time.monotonic() - began:.0f} s)")


def _run(environment: Path, folder: Path, command: tuple[str, ...]) -> None:
    """With nothing else in its environment than an image and a platform would put there."""
    settings = {
        "CONNECTOR_PUBLIC_URL": "https://visits.example.org",
        "CONNECTOR_DATABASE_URL": f"sqlite:///{folder}/connector.db",
        "CONNECTOR_DATA_GEOGRAPHY": "emea",
        "CONNECTOR_KEYS_DIRECTORY": f"{folder}/keys",
        "CONNECTOR_MICROSOFT_CLIENT_ID": "aaaaaaaa-0000-4000-8000-000000000001",
    }
    argv = [str(environment / "bin/connector"), *command]
    done = subprocess.run(argv, cwd=folder, env=settings, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise ContentsWrong(f"connector {' '.join(command)} ended with {done.returncode}: {said}")


def _tell(text: str) -> None:
    print(f"  RUN {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
