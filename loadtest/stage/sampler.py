"""Each second, of every part: the CPU its processes used and the memory they hold, and what the outbox owes."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

from loadtest.records import Gauge, RowWriter
from loadtest.stage.outbox import OutboxReading

EVERY_SECONDS: Final = 1.0
# Finding the children reads every process of the machine; workers are born seldom.
FAMILY_EVERY: Final = 5
UNKNOWN: Final = -1.0

Pids = Callable[[], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Use:
    """`cpu_seconds` since the processes began, of children that ended too."""

    cpu_seconds: float
    resident_bytes: float


@dataclass(slots=True)
class Family:
    """A process with its descendants."""

    leader: psutil.Process
    members: list[psutil.Process] = field(default_factory=list)

    def look_again(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.members = [self.leader, *self.leader.children(recursive=True)]

    def use(self) -> Use:
        """A parent inherits the CPU seconds of a child it has waited for, so the sum never falls."""
        cpu = memory = 0.0
        for one in self.members:
            with suppress(psutil.NoSuchProcess), one.oneshot():
                times = one.cpu_times()
                cpu += times.user + times.system + times.children_user + times.children_system
                memory += one.memory_info().rss
        return Use(cpu, memory)


@dataclass(slots=True)
class Families:
    """The parts of a system by name; one that was started again gets a new family and keeps its CPU seconds."""

    pids: Pids
    _families: dict[str, Family] = field(default_factory=dict)
    _before: dict[str, float] = field(default_factory=dict)
    _last: dict[str, Use] = field(default_factory=dict)
    _looks: int = 0

    def use(self) -> dict[str, Use]:
        """Cumulative by part; what cannot be looked at is left out."""
        self._find(look_again=self._looks % FAMILY_EVERY == 0)
        self._looks += 1
        for part, family in self._families.items():
            measured = family.use()
            total = self._before.get(part, 0.0) + measured.cpu_seconds
            lowest = self._last[part].cpu_seconds if part in self._last else 0.0
            self._last[part] = Use(max(total, lowest), measured.resident_bytes)
        return dict(self._last)

    def _find(self, *, look_again: bool) -> None:
        for part, pid in self.pids().items():
            known = self._families.get(part)
            if known is None or known.leader.pid != pid:
                with suppress(psutil.NoSuchProcess):
                    self._adopt(part, pid)
            elif look_again:
                known.look_again()

    def _adopt(self, part: str, pid: int) -> None:
        family = Family(psutil.Process(pid))
        family.look_again()
        self._families[part] = family
        self._before[part] = self._last[part].cpu_seconds if part in self._last else 0.0


class Sampler(threading.Thread):
    """Writes a `Gauge` for each part and second until `stop`.

    Args:
        rows: written to from this thread only; closed at the end.
        elapsed: seconds of the run, negative before its start.
    """

    def __init__(
        self,
        families: Families,
        outbox: Callable[[], OutboxReading],
        rows: RowWriter,
        elapsed: Callable[[], float],
    ) -> None:
        super().__init__(name="sampler", daemon=True)
        self._families = families
        self._outbox = outbox
        self._rows = rows
        self._elapsed = elapsed
        self._ended = threading.Event()
        self._previous: dict[str, Use] = {}

    def run(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self.sample()
            due += EVERY_SECONDS
        self._rows.close()

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def sample(self) -> None:
        used, owed = self._families.use(), self._outbox()
        at = self._elapsed()
        for gauge in gauges(at, used, self._previous, owed):
            self._rows.write(gauge)
        self._previous = used


def gauges(
    at_seconds: float, used: Mapping[str, Use], before: Mapping[str, Use], owed: OutboxReading
) -> list[Gauge]:
    """A row for each part, `web` always among them; no CPU seconds are known of a part seen first."""
    rows = []
    for part in dict.fromkeys((*used, "web")):
        use, earlier = used.get(part), before.get(part)
        since = use.cpu_seconds - earlier.cpu_seconds if use and earlier else UNKNOWN
        rows.append(
            Gauge(
                at_seconds=round(at_seconds, 3),
                part=part,
                cpu_seconds=round(since, 3),
                resident_bytes=use.resident_bytes if use else UNKNOWN,
                outbox_pending=owed.pending if part == "web" else UNKNOWN,
                outbox_oldest_seconds=owed.oldest_seconds if part == "web" else UNKNOWN,
            )
        )
    return rows
