from pathlib import Path

import pytest
from tests.loadtest.verdict.run_builder import RunBuilder


@pytest.fixture
def good(tmp_path: Path) -> RunBuilder:
    """A run in which every promise was kept, not yet written."""
    return RunBuilder(tmp_path / "run-1")
