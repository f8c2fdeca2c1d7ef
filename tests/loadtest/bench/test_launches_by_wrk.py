"""What wrk says is read exactly, or not at all."""

import pytest
from loadtest.bench.launches import launched_as

SAID = """Running 5s test @ http://127.0.0.1:40000
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    61.20ms   66.10ms 250.00ms   60.00%
    Req/Sec   260.00     30.00   320.00     70.00%
  Latency Distribution
     50%   33.02ms
     75%  110.00ms
     90%  160.00ms
     99%    1.20s
  1000 requests in 5.01s, 2.00MB read
Requests/sec:    199.60
Transfer/sec:    408.00KB
upstream_ms 60000.0
"""


def test_two_requests_are_one_launch_and_everything_is_said_of_launches() -> None:
    launched = launched_as(SAID, 5, web_seconds=4.0, generator_seconds=0.25)
    assert (launched.count, launched.per_second) == (500, 100)
    assert (launched.cpu_ms, launched.generator_ms, launched.upstream_ms) == (8.0, 0.5, 120.0)
    assert (launched.p50_ms, launched.p99_ms) == (33.02, 1200.0)
    assert launched.refused == 0


def test_a_refusal_is_counted() -> None:
    launched = launched_as(f"{SAID}  Non-2xx or 3xx responses: 7\n", 5, 1.0, 0.1)
    assert launched.refused == 7


@pytest.mark.parametrize("gone", ["1000 requests in 5.01s", "upstream_ms 60000.0"])
def test_words_that_are_missing_are_an_error(gone: str) -> None:
    with pytest.raises(ValueError, match="did not say what was expected"):
        launched_as(SAID.replace(gone, ""), 5, 1.0, 0.1)


def test_nothing_is_said_of_launches_nobody_made() -> None:
    with pytest.raises(ValueError, match="nobody launched"):
        launched_as(SAID.replace("1000 requests", "0 requests"), 5, 1.0, 0.1)
