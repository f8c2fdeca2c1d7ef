"""Launches by wrk: how many, and what each cost the connector's web processes."""

import os
import re
import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from loadtest.bench.stand import Recorded, Web
from loadtest.bench.wrk import latencies_ms

SCRIPT = Path(__file__).with_name("launch.lua")
_REQUESTS = re.compile(r"(\d+) requests in")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_UPSTREAM = re.compile(r"^upstream_ms ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Launched:
    """`cpu_ms` of web for one launch, that is two requests; latencies are of single requests.

    `generator_ms` of wrk's CPU and `upstream_ms` of waiting for EHR and Microsoft, for one launch too.
    """

    count: float
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    refused: int
    generator_ms: float
    upstream_ms: float


class Launches:
    """Numbers every visit once over all rounds of a stand.

    Patients launch the visits that providers launched last; when they have all been, those of nobody yet.
    """

    def __init__(self, recorded: Recorded, first_csn: int = 700_000_000) -> None:
        self._recorded = recorded
        self._next_csn = first_csn
        self._next_of_patients = first_csn

    def drive(self, web: Web, seconds: int, connections: int, kind: str = "provider") -> Launched:
        """`kind` is "provider", or "patient" where a patient's launch was recorded too."""
        used, generator = web.cpu_seconds(), _children_seconds()
        said = self._wrk(web, seconds, connections, kind)
        used, generator = web.cpu_seconds() - used, _children_seconds() - generator
        launched = launched_as(said, seconds, used, generator)
        if kind == "patient":
            self._next_of_patients += int(launched.count / 2)
        else:
            self._next_of_patients = self._next_csn
            self._next_csn += int(launched.count) + 1000
        return launched

    def _wrk(self, web: Web, seconds: int, connections: int, kind: str) -> str:
        environment = {
            **os.environ,
            "FIRST_CSN": str(self._next_of_patients if kind == "patient" else self._next_csn),
            "FHIR_BASE": quote(self._recorded.fhir_base, safe=""),
            "ISS": quote(self._recorded.iss, safe=""),
            "KIND": kind,
        }
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(SCRIPT),
        ]
        done = subprocess.run(
            [*command, web.address], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout


def launched_as(said: str, seconds: int, web_seconds: float, generator_seconds: float) -> Launched:
    """What wrk said of so many seconds, in which web and wrk used so much CPU.

    Raises:
        ValueError: it did not say what was expected, or nobody launched.
    """
    launches = int(_found(_REQUESTS, said)) / 2
    if not launches:
        raise ValueError("nobody launched")
    refused = _REFUSED.search(said)
    percentiles = latencies_ms(said)
    return Launched(
        count=launches,
        per_second=launches / seconds,
        cpu_ms=web_seconds / launches * 1000,
        p50_ms=percentiles["50"],
        p99_ms=percentiles["99"],
        refused=int(refused.group(1)) if refused else 0,
        generator_ms=generator_seconds / launches * 1000,
        upstream_ms=float(_found(_UPSTREAM, said)) / launches,
    )


def _children_seconds() -> float:
    """CPU of programs this process ran and has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise ValueError(f"wrk did not say what was expected: {text}")
    return match.group(1)
