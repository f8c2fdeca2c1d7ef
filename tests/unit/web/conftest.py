import pytest
from tests.unit.web.pages_world import PagesWorld, make_world


@pytest.fixture
def world() -> PagesWorld:
    return make_world()
