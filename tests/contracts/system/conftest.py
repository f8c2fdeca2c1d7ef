from collections.abc import Iterator

import pytest
from tests.builders.http import guarded_http
from tests.fakes.system import FixedClock
from tests.fakes.wire import authority, ca_file, wire

from connector.adapters.system.http import GuardedHttp

__all__ = ["authority", "ca_file", "wire"]


@pytest.fixture
def http(ca_file: str) -> Iterator[GuardedHttp]:
    guarded = guarded_http(ca_file)
    yield guarded
    guarded.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()
