import pytest
from tests.infra.rehearsal.azure import Stamp


@pytest.fixture
def stamp() -> Stamp:
    return Stamp()
