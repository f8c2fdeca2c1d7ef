"""wrk with a list of requests: what it sent, what each cost the processes that answered, how long answers took."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

from loadtest.stage.sampler import Family

SCRIPT: Final = Path(__file__).with_name("ask.lua")
MS: Final = 1000.0
_ASKED: Final = re.compile(r"^asked (\d+) refused (\d+) first (\d+)$", re.MULTILINE)
_SOCKET_ERRORS: Final = re.compile(r"^\s*Socket errors: (.+)$", re.MULTILINE)
_PERCENTILE: Final = re.compile(r"(50|99)%\s+([\d.]+)(us|ms|s)\b")
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": MS}
_LOOK_SECONDS: Final = 0.1
_MOST_LOOKS: Final = 20


class NotMeasured(Exception):
    """Something was refused, lost or not there; the sentence says what. There is no figure then."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one unit of a part cost (a request, a message, an event), in one turn.

    Latencies are None where nobody waits for a single one.
    """

    count: int
    cpu_ms: float
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    cookie: str = ""
    method: str = "GET"

    @property
    def line(self) -> str:
        return f"{self.method}\t{self.path}\t{self.cookie}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is asked, and which answer is the right one.

    Attributes:
        requests: in turn, for ever or `once`.
        status: any other is a refusal.
        place: what the address of a redirect holds.
        body: JSON sent with each request.
    """

    requests: Sequence[Request]
    status: int = 200
    place: str = ""
    body: bytes = b""
    once: bool = False


@dataclass(frozen=True, slots=True)
class Wrk:
    """`folder` is for its files; wrk knows whole seconds only."""

    folder: Path
    seconds: int
    connections: int

    def __call__(self, errand: Errand, address: str, answering: Family) -> Measured:
        """Drive once.

        The CPU is that of everything sent, answers that came too late for wrk included.

        Raises:
            NotMeasured: an answer was not the right one, a connection broke, nothing was sent.
        """
        used = cpu_seconds(answering)
        said = self._run(errand, address)
        asked, p50, p99 = understood(said)
        used = cpu_seconds_at_rest(answering) - used
        return Measured(asked, used / asked * MS, p50, p99)

    def _run(self, errand: Errand, address: str) -> str:
        requests, body = self.folder / "requests.txt", self.folder / "body.json"
        requests.write_text("".join(one.line for one in errand.requests), encoding="ascii")
        body.write_bytes(errand.body)
        environment = {
            **os.environ,
            "REQUESTS": str(requests),
            "STATUS": str(errand.status),
            "PLACE": errand.place,
            "BODY": str(body) if errand.body else "",
            "ONCE": "1" if errand.once else "",
        }
        asked = ["-t1", f"-c{self.connections}", f"-d{self.seconds}s", "--latency"]
        done = subprocess.run(
            ["wrk", *asked, "-s", str(SCRIPT), address],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotMeasured(f"wrk ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout


def understood(said: str) -> tuple[int, float, float]:
    """How many requests were sent, and the milliseconds of p50 and p99. Raises: NotMeasured."""
    counted = _ASKED.search(said)
    latencies = latencies_ms(said)
    if counted is None or latencies.keys() != {"50", "99"}:
        raise NotMeasured(f"wrk did not say what was expected: {said.strip() or 'nothing'}")
    asked, refused = int(counted[1]), int(counted[2])
    if refused:
        raise NotMeasured(
            f"{refused} of {asked} answers were not the right one, the first was {counted[3]}"
        )
    if broken := _SOCKET_ERRORS.search(said):
        raise NotMeasured(f"connections broke: {broken[1]}")
    if not asked:
        raise NotMeasured("nothing was asked")
    return asked, latencies["50"], latencies["99"]


def latencies_ms(said: str) -> dict[str, float]:
    """By "50" and "99"; what wrk does not say is left out."""
    found = _PERCENTILE.findall(said)
    return {which: float(value) * _MILLISECONDS[unit] for which, value, unit in found}


def family_of(pid: int) -> Family:
    return Family(psutil.Process(pid))


def cpu_seconds(family: Family) -> float:
    """Of the process and its children, since they began."""
    family.look_again()
    return family.use().cpu_seconds


def cpu_seconds_at_rest(family: Family) -> float:
    """The same once nothing is computed any more, or after two seconds."""
    used = cpu_seconds(family)
    for _ in range(_MOST_LOOKS):
        time.sleep(_LOOK_SECONDS)
        before, used = used, cpu_seconds(family)
        if used == before:
            break
    return used
