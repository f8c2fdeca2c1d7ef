"""An interpreter folder whose ``python`` and ``connector`` are stand-ins, and one authority for all tests."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from scripts.sandbox import Sandbox
from scripts.sandbox_parts.certificates import ensure_certificates


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    ensure_certificates(folder)
    return folder


@pytest.fixture(scope="session")
def stand_in_interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``python``; ``connector`` lies beside it."""
    folder = tmp_path_factory.mktemp("bin")
    source = Path(__file__).with_name("stand_in.py").read_text(encoding="utf-8")
    for name in ("python", "connector"):
        script = folder / name
        script.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
        script.chmod(0o755)
    return folder / "python"


@pytest.fixture
def make_sandbox(
    stand_in_interpreter: Path,
    authority: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Sandbox]:
    """A sandbox of stand-ins; keywords are faults by part, a space in a part's name as ``_``."""
    monkeypatch.setattr(sys, "executable", str(stand_in_interpreter))

    def make(**faults: str) -> Sandbox:
        monkeypatch.setenv("STAND_IN_FAULTS", json.dumps(faults))
        return Sandbox(tmp_path / "state", certificates=authority)

    return make


@pytest.fixture
def is_alive() -> Callable[[psutil.Process], bool]:
    """Whether a process still does something: a zombie does not."""

    def alive(process: psutil.Process) -> bool:
        try:
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    return alive


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds, ten seconds at most."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            time.sleep(0.02)

    return wait
