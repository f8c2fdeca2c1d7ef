"""`make errors` on real processes: every one of E1 to E14 is produced, shown and explained."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300


def test_fourteen_scenarios_show_their_own_text_reference_and_runbook_page() -> None:
    played = subprocess.run(
        [sys.executable, "scripts/errors.py"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert played.stdout.splitlines()[-1] == "14 scenarios, 0 failed", played.stdout
    assert played.returncode == 0
    assert [f"#e{number}" for number in range(1, 15) if f"#e{number}\n" not in played.stdout] == []
