"""The guard that fails a test whose output names a synthetic person really does fail it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.builders.canaries import CANARIES
from tests.conftest import leaks_in

ROOT = Path(__file__).parents[2]
LEAKS = {
    "print": "print('{canary}')",
    "stderr": "import sys; print('{canary}', file=sys.stderr)",
    "log": "import logging; logging.getLogger('connector').warning('%s arrived', '{canary}')",
    "subprocess": "import subprocess; subprocess.run(['echo', '{canary}'], check=True)",
}


def run_test(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Runs one test with `body` under our conftest, in a process of its own."""
    module = folder / "test_inner.py"
    module.write_text(f"def test_inner():\n    {body}\n", encoding="utf-8")
    pytest_options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "/dev/null", "-q"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *pytest_options, str(module)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_test_that_names_nobody_passes(tmp_path: Path) -> None:
    assert run_test(tmp_path, "print('role=patient count=1')").returncode == 0


def test_a_test_that_leaks_in_any_way_fails(tmp_path: Path) -> None:
    body = "; ".join(LEAKS.values()).format(canary=CANARIES[0])

    result = run_test(tmp_path, body)

    assert result.returncode == 1
    assert "a canary reached the output: call stdout, call stderr, call log" in result.stdout


@pytest.mark.parametrize("canary", CANARIES)
def test_every_canary_is_found_inside_other_words(canary: str) -> None:
    sections = [("setup", "log", "nothing"), ("call", "stdout", f"name={canary};")]

    assert leaks_in(sections) == ["call stdout"]


def test_a_leak_is_reported_without_the_canary() -> None:
    assert CANARIES[0] not in str(leaks_in([("call", "log", CANARIES[0])]))
