"""Own time is what is left when every wait for the outside is taken off, whoever made the call."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock

from connector.adapters.system.lent_tokens import HeldTokens
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.adapters.telemetry import upstream
from connector.ports.errors import TryLater
from connector.ports.http import Answer
from connector.ports.tokens import LentToken

CALL_SECONDS = 0.3


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


class Outside:
    """Implements `ports.http.Http`; `called` is set while a call is under way."""

    def __init__(self) -> None:
        self.called = threading.Event()

    def send(self, method: str, url: str, **options: Any) -> Answer:
        self.called.set()
        time.sleep(CALL_SECONDS)  # a call takes time: that is what is measured
        raise TryLater("timeout")


def _measured(work: Callable[[], object]) -> float:
    """Seconds a request waited that does nothing but `work`."""
    upstream.start()
    with contextlib.suppress(TryLater):
        work()
    return upstream.waited_seconds()


def test_a_call_counts_also_when_it_fails() -> None:
    http = upstream.TimedHttp(Outside())
    assert _measured(lambda: http.send("GET", "https://ehr.example/")) >= CALL_SECONDS


def test_calls_add_up_and_every_request_begins_at_nought() -> None:
    http = upstream.TimedHttp(Outside())

    def twice() -> None:
        for _ in range(2):
            with pytest.raises(TryLater):
                http.send("GET", "https://ehr.example/")

    assert _measured(twice) >= 2 * CALL_SECONDS
    assert _measured(lambda: None) == 0.0


def test_own_work_does_not_count() -> None:
    assert _measured(lambda: time.sleep(0.05)) == 0.0


def test_waiting_for_the_token_another_thread_fetches_counts(threads: ThreadPoolExecutor) -> None:
    held, fetching = HeldTokens(FixedClock(), upstream.waiting), threading.Event()

    def fetch() -> LentToken:
        fetching.set()
        time.sleep(CALL_SECONDS)
        return LentToken("token", 3600)

    first = threads.submit(_measured, lambda: held.get("tenant", fetch))
    assert fetching.wait(5)
    second = threads.submit(_measured, lambda: held.get("tenant", fetch))
    assert second.result(5) > CALL_SECONDS / 2
    # The fetch itself is counted where it calls out, not a second time around it.
    assert first.result(5) < CALL_SECONDS / 2


def test_waiting_for_the_keys_another_thread_reads_counts(threads: ThreadPoolExecutor) -> None:
    outside, token = Outside(), Issuer().sign({})
    keys = PublishedKeys(upstream.TimedHttp(outside), FixedClock(), upstream.waiting)
    first = threads.submit(_measured, lambda: keys.claims("https://ehr.example/keys", token))
    assert outside.called.wait(5)
    second = threads.submit(_measured, lambda: keys.claims("https://ehr.example/keys", token))
    assert second.result(5) > CALL_SECONDS / 2
    assert CALL_SECONDS <= first.result(5) < 2 * CALL_SECONDS
