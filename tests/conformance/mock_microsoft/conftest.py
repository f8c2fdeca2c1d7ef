from collections.abc import Iterator

import pytest

from tests.conformance.mock_microsoft.microsoft_desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.world.deliveries.stop()
