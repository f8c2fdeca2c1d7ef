from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.builders.world import World

from connector.domain.errors import Reason, Refused


@pytest.fixture
def empty_world(tmp_path: Path) -> Iterator[World]:
    """Nobody has configured anything."""
    world = World(tmp_path)
    yield world
    world.store.close()


@pytest.fixture
def world(empty_world: World) -> World:
    """Contoso's test environment is approved and one appointment is booked."""
    empty_world.add_environment()
    empty_world.approve()
    empty_world.book()
    return empty_world


@pytest.fixture
def refusal() -> Callable[..., Refused]:
    """Calls something that must refuse for a reason; returns the refusal."""

    def refused_for(reason: Reason, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Refused:
        with pytest.raises(Refused) as refused:
            call(*args, **kwargs)
        assert refused.value.reason is reason
        return refused.value

    return refused_for
