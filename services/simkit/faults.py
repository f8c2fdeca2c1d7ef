"""Failures a tester asks for, by route: status, delay, dropped connection, lost answer."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

DELAY_LIMIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure.

    Attributes:
        route: glob over the path; `*` also matches `/`.
        method: HTTP method or `*`.
        times: how many requests it still meets; None until cleared.
        status: answers instead of the handler; None lets the handler answer.
        body: JSON document or text of that answer.
        delay_seconds: waits first; alone it only delays.
        drop: closes the connection without an answer.
        after: the handler runs first (its effect happens), then its answer is dropped or replaced.
    """

    route: str
    method: str = "*"
    times: int | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay_seconds: float = 0.0
    drop: bool = False
    after: bool = False
    fault_id: str = ""

    def meets(self, path: str, method: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.route)

    @property
    def answers(self) -> bool:
        """Whether the real answer is replaced or lost."""
        return self.drop or self.status is not None


class Faults:
    """Faults in force, in the order they were set; the first that meets a request is used. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0
        self._lock = threading.Lock()

    def list(self, scope: str = "") -> list[Fault]:
        with self._lock:
            return [fault for fault in self._faults if fault.route.startswith(scope)]

    def set(self, fault: Fault) -> Fault:
        """Put it in force; the answer carries its `fault_id`."""
        with self._lock:
            self._count += 1
            named = replace(fault, fault_id=f"fault-{self._count}")
            self._faults.append(named)
            return named

    def clear(self, fault_id: str | None = None, scope: str = "") -> None:
        with self._lock:
            self._faults = [
                fault
                for fault in self._faults
                if not fault.route.startswith(scope) or fault_id not in (None, fault.fault_id)
            ]

    def take(self, path: str, method: str) -> Fault | None:
        """The fault this request meets, if any; one of its `times` is used up."""
        with self._lock:
            fault = next((one for one in self._faults if one.meets(path, method)), None)
            if fault and fault.times is not None:
                left = replace(fault, times=fault.times - 1)
                place = self._faults.index(fault)
                self._faults[place : place + 1] = [left] if left.times else []
            return fault


def fault_from(document: object, scope: str = "") -> Fault:
    """Parse one fault as posted to `/sim/faults`; `scope` is put before its route. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("a fault is a JSON object with at least a route")  # noqa: TRY004 - one error type for the caller
    known = {
        "route",
        "method",
        "times",
        "status",
        "headers",
        "body",
        "delay_seconds",
        "drop",
        "after",
    }
    unknown = sorted(set(document) - known)
    if unknown:
        raise ValueError(
            f"unknown keys of a fault: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    if not isinstance(document.get("route"), str) or not document["route"]:
        raise ValueError("a fault needs a route, a glob over the path such as */oauth2/token")
    fault = Fault(**{**document, "route": _scoped(document["route"], scope)})
    _check(fault)
    return replace(fault, method=fault.method.upper())


def to_json(fault: Fault) -> dict[str, Any]:
    return {
        "id": fault.fault_id,
        "route": fault.route,
        "method": fault.method,
        "times": fault.times,
        "status": fault.status,
        "headers": dict(fault.headers),
        "body": fault.body,
        "delay_seconds": fault.delay_seconds,
        "drop": fault.drop,
        "after": fault.after,
    }


def _scoped(route: str, scope: str) -> str:
    return route if route.startswith(scope) else scope + "/" + route.lstrip("/")


def _check(fault: Fault) -> None:
    """The values a fault may have; ValueError names the first wrong one."""
    rules = {
        "method is a text": isinstance(fault.method, str),
        "times is a whole number from 1, or null": fault.times is None
        or (_is_number(fault.times, whole=True) and fault.times >= 1),
        "status is 200 to 599, or null": fault.status is None
        or (_is_number(fault.status, whole=True) and fault.status in range(200, 600)),
        "headers is an object": isinstance(fault.headers, dict),
        f"delay_seconds is 0 to {DELAY_LIMIT_SECONDS:.0f}": _is_number(fault.delay_seconds)
        and 0 <= fault.delay_seconds <= DELAY_LIMIT_SECONDS,
        "drop and after are true or false": isinstance(fault.drop, bool)
        and isinstance(fault.after, bool),
        "a fault needs a status, a delay_seconds or drop": fault.answers or fault.delay_seconds,
        "after needs a status or drop": not fault.after or fault.answers,
    }
    broken = next((rule for rule, kept in rules.items() if not kept), None)
    if broken:
        raise ValueError(broken)


def _is_number(value: object, *, whole: bool = False) -> bool:
    kinds = (int,) if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)
