"""Provider launches by wrk: how many, and what each cost the connector's web processes."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from loadtest.bench.stand import Recorded, Web
from loadtest.bench.wrk import latencies_ms

SCRIPT = Path(__file__).with_name("launch.lua")
_REQUESTS = re.compile(r"(\d+) requests in")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")


@dataclass(frozen=True, slots=True)
class Launched:
    """`cpu_ms` of web for one launch, that is two requests; latencies are of single requests."""

    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    refused: int


class Launches:
    """Numbers every visit once over all rounds of a stand."""

    def __init__(self, recorded: Recorded, first_csn: int = 700_000_000) -> None:
        self._recorded = recorded
        self._next_csn = first_csn

    def drive(self, web: Web, seconds: int, connections: int) -> Launched:
        used = web.cpu_seconds()
        said = self._wrk(web, seconds, connections)
        used = web.cpu_seconds() - used
        launches = int(_found(_REQUESTS, said)) / 2
        self._next_csn += int(launches) + 1000
        refused = _REFUSED.search(said)
        percentiles = latencies_ms(said)
        return Launched(
            per_second=launches / seconds,
            cpu_ms=used / launches * 1000,
            p50_ms=percentiles["50"],
            p99_ms=percentiles["99"],
            refused=int(refused.group(1)) if refused else 0,
        )

    def _wrk(self, web: Web, seconds: int, connections: int) -> str:
        environment = {
            **os.environ,
            "FIRST_CSN": str(self._next_csn),
            "FHIR_BASE": quote(self._recorded.fhir_base, safe=""),
            "ISS": quote(self._recorded.iss, safe=""),
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


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    if match is None:
        raise ValueError(f"wrk did not say what was expected: {text}")
    return match.group(1)
