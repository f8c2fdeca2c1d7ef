from pathlib import Path

import pytest
from tests.unit.release.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Everything shown: emea's test stamp runs a newer image than its production stamp, all gates are open."""
    return Checkout.made(tmp_path)
