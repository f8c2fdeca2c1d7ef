"""A run of wrk is a figure only when every answer was the right one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from loadtest.bench.wrk import Errand, Measured, NotMeasured, Request, Wrk, understood
from loadtest.stage.sampler import Family
from tests.loadtest.bench.small_server import Said, answering

SAID = """\
Running 1s test @ http://127.0.0.1:1
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     6.87ms    3.50ms  33.01ms   75.60%
  Latency Distribution
     50%    850.00us
     75%    2.00ms
     90%    3.00ms
     99%    1.20s
  2400 requests in 1.00s, 300.00KB read
Requests/sec:   2400.00
Transfer/sec:    300.00KB
asked 2410 refused 0 first 0
"""
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


def test_what_was_sent_counts_and_latencies_are_milliseconds() -> None:
    assert understood(SAID) == (2410, 0.85, 1200.0)


@pytest.mark.parametrize(
    ("was", "instead", "why"),
    [
        ("refused 0 first 0", "refused 3 first 503", "3 of 2410 .* the first was 503"),
        ("asked 2410", "asked 0", "nothing was asked"),
        ("asked 2410 refused 0 first 0", "", "did not say"),
        ("     50%    850.00us\n", "", "did not say"),
        (
            "Requests/sec",
            "  Socket errors: connect 0, read 4, write 0, timeout 0\nRequests/sec",
            "connections broke: connect 0, read 4",
        ),
    ],
)
def test_anything_but_right_answers_is_no_figure(was: str, instead: str, why: str) -> None:
    with pytest.raises(NotMeasured, match=why):
        understood(SAID.replace(was, instead))


def test_silence_is_no_figure() -> None:
    with pytest.raises(NotMeasured, match="nothing"):
        understood("")


def drive(folder: Path, errand: Errand, answer: Callable[[str], Said]) -> Measured:
    with answering(answer) as address:
        return Wrk(folder, 1, 2)(errand, address, Family(psutil.Process()))


@needs_wrk
def test_each_request_is_sent_once_when_it_may_be_used_once(tmp_path: Path) -> None:
    asked: list[str] = []
    errand = Errand(requests=[Request(f"/{number}") for number in range(20)], once=True)
    measured = drive(tmp_path, errand, lambda path: asked.append(path) or Said())
    assert measured.count == 20
    assert {f"/{number}" for number in range(19)} <= {*asked}


@needs_wrk
def test_another_status_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="the first was 302"):
        drive(tmp_path, Errand(requests=[Request("/")] * 9, once=True), lambda _: Said(302))


@needs_wrk
def test_a_redirect_to_elsewhere_is_a_refusal(tmp_path: Path) -> None:
    to_sign_in = Said(302, {"Location": "/signin/microsoft"})
    errand = Errand(requests=[Request("/")] * 9, status=302, place="/l/meetup-join/", once=True)
    with pytest.raises(NotMeasured, match="not the right one"):
        drive(tmp_path, errand, lambda _: to_sign_in)


@needs_wrk
def test_nobody_there_is_no_figure(tmp_path: Path) -> None:
    with answering(lambda _: Said()) as address:
        pass
    with pytest.raises(NotMeasured):
        Wrk(tmp_path, 1, 1)(Errand(requests=[Request("/")]), address, Family(psutil.Process()))
