"""`HeldTokens`: one fetch at a time, refreshed early, failures not queued up for."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes.system import FixedClock

from connector.adapters.system.lent_tokens import HeldTokens
from connector.ports.errors import Denied, OutsideError, TryLater
from connector.ports.tokens import LentToken


class Lender:
    """Lends numbered tokens; `fetches` counts."""

    def __init__(self, lifetime_seconds: float = 300.0) -> None:
        self.fetches = 0
        self.lifetime_seconds = lifetime_seconds
        self.failure: OutsideError | None = None

    def __call__(self) -> LentToken:
        self.fetches += 1
        if self.failure is not None:
            raise self.failure
        return LentToken(f"token-{self.fetches}", self.lifetime_seconds)


@pytest.fixture
def held(clock: FixedClock) -> HeldTokens:
    return HeldTokens(clock)


def test_a_token_is_held(held: HeldTokens) -> None:
    lender = Lender()
    assert [held.get("a", lender) for _ in range(3)] == ["token-1"] * 3


def test_keys_have_tokens_of_their_own(held: HeldTokens) -> None:
    lender = Lender()
    assert [held.get(key, lender) for key in ("a", "b", "a")] == ["token-1", "token-2", "token-1"]


@pytest.mark.parametrize(
    ("lifetime_seconds", "held_seconds"),
    [(300, 240), (3600, 3540), (60, 48), (1e12, 3540), (10, 8)],
)
def test_a_token_is_replaced_a_little_before_it_expires(
    held: HeldTokens, clock: FixedClock, lifetime_seconds: float, held_seconds: float
) -> None:
    lender = Lender(lifetime_seconds)
    held.get("a", lender)
    clock.advance(held_seconds - 1)
    assert held.get("a", lender) == "token-1"
    clock.advance(1)
    assert held.get("a", lender) == "token-2"


@pytest.mark.parametrize("lifetime_seconds", [0, -1, -1e300])
def test_a_token_without_life_is_used_once(held: HeldTokens, lifetime_seconds: float) -> None:
    lender = Lender(lifetime_seconds)
    assert [held.get("a", lender), held.get("a", lender)] == ["token-1", "token-2"]


def test_a_forgotten_token_is_fetched_anew(held: HeldTokens) -> None:
    lender = Lender()
    held.get("a", lender)
    held.forget("a")
    assert held.get("a", lender) == "token-2"


def test_forgetting_what_was_never_held_is_nothing(held: HeldTokens) -> None:
    held.forget("a")
    assert held.get("a", Lender()) == "token-1"


def test_many_threads_on_a_cold_cache_make_one_fetch(held: HeldTokens) -> None:
    lender, together = Lender(), threading.Barrier(16)

    def get(_: int) -> str:
        together.wait()
        return held.get("a", lender)

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(get, range(16))) == {"token-1"}
    assert lender.fetches == 1


def test_one_slow_tenant_does_not_hold_up_another(held: HeldTokens) -> None:
    waiting, release = threading.Event(), threading.Event()

    def slow() -> LentToken:
        waiting.set()
        release.wait(5)
        return LentToken("slow", 60)

    with ThreadPoolExecutor(1) as threads:
        pending = threads.submit(held.get, "slow", slow)
        waiting.wait(5)
        assert held.get("fast", Lender()) == "token-1"
        release.set()
        assert pending.result() == "slow"


@pytest.mark.parametrize("failure", [lambda: TryLater("timeout"), lambda: Denied("invalid_client")])
def test_a_failure_is_shared_for_two_seconds_and_then_tried_again(
    held: HeldTokens, clock: FixedClock, failure: Callable[[], OutsideError]
) -> None:
    lender = Lender()
    lender.failure = failure()
    for _ in range(5):
        with pytest.raises(OutsideError):
            held.get("a", lender)
    assert lender.fetches == 1
    lender.failure = None
    clock.advance(2)
    assert held.get("a", lender) == "token-2"
