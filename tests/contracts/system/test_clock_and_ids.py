"""The small ones: clock and ids."""

from datetime import UTC

import pytest
from tests.fakes.system import FixedClock, SequentialIds

from connector.adapters.system.clock import SystemClock
from connector.adapters.system.ids import RandomIds
from connector.ports.system import Clock, Ids


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock()])
def test_a_clock_is_aware_utc_and_never_runs_back(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


@pytest.mark.parametrize("ids", [RandomIds(), SequentialIds()])
def test_ids_are_distinct_and_url_safe(ids: Ids) -> None:
    identifiers = [ids.identifier() for _ in range(1000)]
    secrets = [ids.secret() for _ in range(1000)]
    assert len({*identifiers, *secrets}) == 2000
    assert {len(each) for each in identifiers} == {22}
    assert {len(each) for each in secrets} == {43}
    assert all(each.replace("-", "").replace("_", "").isalnum() for each in identifiers + secrets)
    assert all(0 <= ids.jitter() < 1 for _ in range(1000))
