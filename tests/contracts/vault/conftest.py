from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fakes.system import FixedClock

from connector.adapters.vault.files import FileKeys
from connector.adapters.vault.generation import make_keys

MADE_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once for all tests; nobody may change it."""
    directory = tmp_path_factory.mktemp("vault") / "keys"
    make_keys(directory, MADE_AT)
    return directory


@pytest.fixture(scope="session")
def keys(keys_directory: Path) -> FileKeys:
    return FileKeys(keys_directory, FixedClock(MADE_AT))
