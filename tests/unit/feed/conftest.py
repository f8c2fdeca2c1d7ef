from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builders.store import seed_visits, sqlite_store
from tests.builders.web import SilentTelemetry
from tests.unit.feed.stage import HookedStore

from connector.adapters.feed import stream as stream_module
from connector.adapters.feed.stream import EventStream


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(stream_module, "PAUSE_SECONDS", 0.01)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HookedStore]:
    """Two visits, nothing happened yet."""
    store = sqlite_store(tmp_path)
    seed_visits(store, 2)
    yield HookedStore(store)
    store.close()


@pytest.fixture
def telemetry() -> SilentTelemetry:
    return SilentTelemetry()


@pytest.fixture
def stream(store: HookedStore, telemetry: SilentTelemetry) -> EventStream:
    return EventStream(store, telemetry)
