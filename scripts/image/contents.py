"""What an image's environment holds: its distributions, its modules, and whether each of them starts."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Runs in the environment that is examined, with nothing else on its path.
_PROBE: Final = """
import importlib, importlib.metadata, json, pkgutil, re, sys
found = {"distributions": {}, "modules": [], "failed": {}}
for each in importlib.metadata.distributions():
    found["distributions"][re.sub("[-_.]+", "-", each.name).lower()] = each.version
for package in sys.argv[1:]:
    path = importlib.import_module(package).__path__
    for module in [package, *(m.name for m in pkgutil.walk_packages(path, package + "."))]:
        if ".migrations.versions" in module or module.endswith((".__main__", ".migrations.env")):
            continue
        try:
            importlib.import_module(module)
            found["modules"].append(module)
        except Exception as error:
            found["failed"][module] = repr(error)
print(json.dumps(found))
"""
OURS: Final = "teams-ehr-connector-kit"


class ContentsWrong(Exception):
    """The environment is not what the image promises; one line for each thing."""


def examine(environment: Path, lock: Path, packages: tuple[str, ...]) -> str:
    """One line on what was found.

    Raises:
        ContentsWrong: a distribution more or less than the lock, a module that does not import.
    """
    argv = [str(environment / "bin/python"), "-I", "-W", "error", "-c", _PROBE, *packages]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ContentsWrong(done.stderr)
    found = json.loads(done.stdout)
    wrong = [
        *_differences(found["distributions"], pins(lock)),
        *(f"{name} does not import: {why}" for name, why in found["failed"].items()),
    ]
    if wrong:
        raise ContentsWrong("\n".join(wrong))
    return f"{len(found['distributions'])} distributions, {len(found['modules'])} modules import"


def pins(lock: Path) -> dict[str, str]:
    """Name to version; markers and hashes left out."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    pinned = [line.split()[0] for line in lines if "==" in line and line[0].isalnum()]
    return dict(pin.rstrip(";").split("==", 1) for pin in pinned)


def _differences(found: dict[str, str], locked: dict[str, str]) -> list[str]:
    installed = {name: version for name, version in found.items() if name != OURS}
    return [
        *([] if OURS in found else [f"{OURS} is not installed"]),
        *(f"{name} {installed[name]} is not in the lock" for name in installed.keys() - locked),
        *(f"{name} is locked and missing" for name in locked.keys() - installed),
        *(
            f"{name} is {installed[name]}, locked {locked[name]}"
            for name in installed.keys() & locked
            if installed[name] != locked[name]
        ),
    ]


def require_files(environment: Path, services: Path, packages: tuple[str, ...]) -> None:
    """Templates, migrations, data: whatever lies beside the modules must have been packaged.

    Raises:
        ContentsWrong: naming what is missing.
    """
    (site,) = environment.glob("lib/python3*/site-packages")
    missing = [
        str(file.relative_to(services))
        for package in packages
        for file in _files(services / package)
        if file.suffix != ".pyc" and not (site / file.relative_to(services)).exists()
    ]
    if missing:
        raise ContentsWrong(f"not packaged: {', '.join(sorted(missing))}")


def _files(folder: Path) -> Iterator[Path]:
    """Those behind a linked folder too: the runbooks are one."""
    for here, _, names in os.walk(folder, followlinks=True):
        yield from (Path(here) / name for name in names)
