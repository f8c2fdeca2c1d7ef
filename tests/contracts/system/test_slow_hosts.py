"""Case 10: a host that hardly answers holds up half of a process's threads, and nobody else."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from tests.fakes.wire import Heard, Reply, WireServer

from connector.adapters.system import slow_hosts
from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.slow_hosts import LONG_SECONDS, SlowHosts
from connector.ports.errors import NotConnected, TryLater

EHR, OTHER = "ehr.example.org", "other.example.org"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(slow_hosts, "time", clock)
    return clock


def held(hosts: SlowHosts, calls: ExitStack, count: int) -> None:
    for _ in range(count):
        calls.enter_context(hosts.call(EHR))


def refused(hosts: SlowHosts, host: str = EHR) -> bool:
    try:
        with hosts.call(host):
            return False
    except TryLater as err:
        return (err.code, err.host, err.maybe_done) == ("slow_host", host, False)


def _time_out(hosts: SlowHosts, clock: Clock) -> None:
    with hosts.call(EHR):
        clock.now += LONG_SECONDS + 1
        raise TryLater("timeout", host=EHR)


@pytest.mark.parametrize(
    ("count", "seconds", "expected"),
    [
        (4, LONG_SECONDS + 0.1, True),
        (5, LONG_SECONDS + 0.1, True),
        (3, LONG_SECONDS + 0.1, False),
        (3, 1000, False),
        (4, LONG_SECONDS, False),
        (400, 0, False),
    ],
)
def test_only_many_calls_that_take_long_make_a_host_slow(
    clock: Clock, count: int, seconds: float, expected: object
) -> None:
    hosts = SlowHosts(4)
    with ExitStack() as calls:
        held(hosts, calls, count)
        clock.now += seconds
        assert refused(hosts) is expected


def test_a_rush_of_new_calls_does_not_make_the_few_that_hang_more(clock: Clock) -> None:
    hosts = SlowHosts(4)
    with ExitStack() as calls:
        held(hosts, calls, 3)
        clock.now += LONG_SECONDS + 1
        held(hosts, calls, 10)
        assert not refused(hosts)
        clock.now += LONG_SECONDS + 1
        assert refused(hosts)


def test_other_hosts_are_called_as_ever(clock: Clock) -> None:
    hosts = SlowHosts(4)
    with ExitStack() as calls:
        held(hosts, calls, 4)
        clock.now += LONG_SECONDS + 1
        assert refused(hosts)
        assert not refused(hosts, OTHER)


def test_one_call_that_ends_makes_room_for_one(clock: Clock) -> None:
    hosts = SlowHosts(4)
    with ExitStack() as calls:
        held(hosts, calls, 3)
        with hosts.call(EHR):
            clock.now += LONG_SECONDS + 1
            assert refused(hosts)
        assert not refused(hosts)


def test_a_call_that_fails_is_over(clock: Clock) -> None:
    hosts = SlowHosts(1)
    with pytest.raises(TryLater, match="timeout"):
        _time_out(hosts, clock)
    assert not refused(hosts)


def test_a_refused_call_leaves_nothing_behind(clock: Clock) -> None:
    hosts = SlowHosts(1)
    with hosts.call(EHR):
        clock.now += LONG_SECONDS + 1
        assert all(refused(hosts) for _ in range(5))
    assert not refused(hosts)
    assert hosts._begun == {}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_on_the_wire_the_third_caller_is_told_at_once_and_nothing_is_sent(
    wire: WireServer, gate: threading.Event, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_hosts, "LONG_SECONDS", 0.0)
    arrived = threading.Semaphore(0)

    def hang(_heard: Heard) -> Reply:
        arrived.release()
        gate.wait(20)
        return Reply(200, {})

    wire.answer("GET", "/", hang)
    http = GuardedHttp(ca_file, frozenset({"localhost"}), pool_size=4)
    with ThreadPoolExecutor(2) as pool:
        hanging: list[Future[object]] = [
            pool.submit(http.send, "GET", f"{wire.url}/") for _ in range(2)
        ]
        for _ in range(2):
            assert arrived.acquire(timeout=10)
        with pytest.raises(TryLater, match="slow_host") as told:
            http.send("GET", f"{wire.url}/")
        gate.set()
        for each in hanging:
            each.result(timeout=10)
    assert not isinstance(told.value, NotConnected), "the token endpoint would be asked again"
    assert len(wire.heard) == 2
    assert http.send("GET", f"{wire.url}/").status == 200
