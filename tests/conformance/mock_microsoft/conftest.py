from collections.abc import Iterator

import pytest
from tests.conformance.mock_microsoft.microsoft_desk import Desk


@pytest.fixture(scope="session")
def one_desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.world.deliveries.stop()


@pytest.fixture
def desk(one_desk: Desk) -> Desk:
    """The simulator as after start, and a browser without cookies."""
    one_desk.sim("POST", "reset")
    one_desk.browser = one_desk.new_browser()
    return one_desk
