"""The tests that take `lair` run twice: on a directory and on a Key Vault, where keys lie alike."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.builders.key_places import DirectoryLair, KeyLair, VaultLair
from tests.fakes.key_vault import KeyVaultDouble, key_vault
from tests.fakes.managed_identity import identity_double
from tests.fakes.system import FixedClock
from tests.fakes.wire import authority, ca_file

from connector.adapters.vault.directory import Directory
from connector.adapters.vault.files import FileKeys
from connector.adapters.vault.generation import ASSERTION, make_keys

__all__ = ["authority", "ca_file", "identity_double", "key_vault"]

MADE_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once for all tests; nobody may change it."""
    directory = tmp_path_factory.mktemp("vault") / "keys"
    make_keys(Directory(directory), MADE_AT)
    return directory


@pytest.fixture(scope="session")
def made(keys_directory: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(keys_directory.iterdir())}


@pytest.fixture(scope="session")
def keys(keys_directory: Path) -> FileKeys:
    return FileKeys(keys_directory, FixedClock(MADE_AT))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MADE_AT)


@pytest.fixture
def vault_lair(key_vault: KeyVaultDouble, ca_file: str, clock: FixedClock) -> Iterator[VaultLair]:
    """Empty but for the two signing keys."""
    lair = VaultLair(key_vault, ca_file, clock)
    yield lair
    lair.close()


@pytest.fixture
def filled_vault(vault_lair: VaultLair, made: Mapping[str, bytes]) -> VaultLair:
    for name, content in made.items():
        if not name.startswith(ASSERTION):
            vault_lair.put(name, content)
    return vault_lair


@pytest.fixture(params=["directory", "key vault"])
def lair(
    request: pytest.FixtureRequest, tmp_path: Path, made: Mapping[str, bytes], clock: FixedClock
) -> KeyLair:
    """A filled place that a test may change."""
    if request.param == "key vault":
        filled: VaultLair = request.getfixturevalue("filled_vault")
        return filled
    directory = DirectoryLair(tmp_path / "keys", clock)
    for name, content in made.items():
        directory.put(name, content)
    return directory
