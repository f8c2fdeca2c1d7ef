"""Who is connected to which visit: what apps wrote back, newest last."""

import itertools
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Party(StrEnum):
    PROVIDER = "provider"
    PATIENT = "patient"


class ConnectionStatus(IntEnum):
    """1 is documented by Epic; the others are this simulator's (`spec/ehr.md` 4.4)."""

    CONNECTED = 1
    DISCONNECTED = 2
    IN_LOBBY = 3
    DEVICE_TEST_PASSED = 4
    DEVICE_TEST_FAILED = 5

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionEvent:
    """One accepted write-back. `who` is a relative FHIR reference."""

    csn: str
    party: Party
    who: str
    status: ConnectionStatus
    recorded: datetime
    vendor: str
    vendor_context: str
    client_id: str


Report = tuple[str, Party, ConnectionStatus]


class Connections:
    """Accepted write-backs of one environment. Thread-safe."""

    def __init__(self) -> None:
        self._accepted: dict[Report, int] = {}
        self._accepted_total = 0
        self._events: dict[str, list[ConnectionEvent]] = {}
        self._lock_failures: dict[str, int] = {}
        self._lock = threading.Lock()

    def record(self, event: ConnectionEvent) -> bool:
        """False, and nothing recorded, when it repeats a vendor context or the person's current state."""
        report = (event.csn, event.party, event.status)
        with self._lock:
            self._accepted[report] = self._accepted.get(report, 0) + 1
            self._accepted_total += 1
            events = self._events.setdefault(event.csn, [])
            repeated = event.vendor_context and any(
                event.vendor_context == one.vendor_context for one in events
            )
            current = next((one for one in reversed(events) if one.who == event.who), None)
            if repeated or (current is not None and current.status == event.status):
                return False
            events.append(event)
            return True

    def accepted(self, offset: int, limit: int) -> list[tuple[Report, int]]:
        """How often each report was taken, repeats that changed nothing included; in order of the first."""
        with self._lock:
            return list(itertools.islice(self._accepted.items(), offset, offset + limit))

    @property
    def accepted_total(self) -> int:
        return self._accepted_total

    def history(self, csn: str) -> list[ConnectionEvent]:
        return list(self._events.get(csn, []))

    def badges(self, csn: str) -> list[ConnectionEvent]:
        """The latest event of each party, provider first."""
        latest = {event.party: event for event in self.history(csn)}
        return [latest[party] for party in Party if party in latest]

    def fail_locks(self, csn: str, times: int) -> None:
        """The next `times` write-backs of the visit (`*`: of any) find it locked."""
        with self._lock:
            self._lock_failures[csn] = times

    def is_locked(self, csn: str) -> bool:
        """Whether this write-back finds the visit locked; one failure is used up."""
        with self._lock:
            for key in (csn, "*"):
                if self._lock_failures.get(key, 0) > 0:
                    self._lock_failures[key] -= 1
                    return True
            return False

    def all(self) -> list[ConnectionEvent]:
        return [event for events in self._events.values() for event in events]
