"""Failures a test asks for, by method and path."""

import threading
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Self

from rehearsal.arm.errors import ArmError


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure.

    Attributes:
        method: `PUT`, `GET`, `DELETE` or `*`.
        path: glob over the path, case folded; `*` matches `/` too.
        error: what is answered; None when the request is only delayed.
        accepted: the request is accepted, and the operation it starts fails later, leaving a failed resource behind.
        times: how many requests it still meets.
        delay_seconds: waits first, in the test's own seconds.
    """

    method: str
    path: str
    error: ArmError | None = None
    accepted: bool = False
    times: int = 1
    delay_seconds: float = 0.0

    @classmethod
    def throttled(
        cls, method: str, path: str, *, times: int = 1, retry_after_seconds: int = 5
    ) -> Self:
        error = ArmError(
            429,
            "TooManyRequests",
            "The request is being throttled.",
            retry_after=retry_after_seconds,
        )
        return cls(method=method, path=path, error=error, times=times)

    @classmethod
    def conflict(cls, method: str, path: str, *, times: int = 1) -> Self:
        error = ArmError(409, "Conflict", "The resource is being changed by someone else.")
        return cls(method=method, path=path, error=error, times=times)

    @classmethod
    def internal_error(cls, method: str, path: str, *, times: int = 1) -> Self:
        error = ArmError(500, "InternalServerError", "Encountered internal server error.")
        return cls(method=method, path=path, error=error, times=times)

    @classmethod
    def fails_after_accepted(cls, path: str, *, times: int = 1) -> Self:
        error = ArmError(
            200, "ProvisioningFailed", "The resource was accepted, but could not be provisioned."
        )
        return cls(method="PUT", path=path, error=error, accepted=True, times=times)

    @classmethod
    def delayed(cls, method: str, path: str, *, seconds: float, times: int = 1) -> Self:
        return cls(method=method, path=path, delay_seconds=seconds, times=times)

    def meets(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path.lower(), self.path.lower())


class Faults:
    """Faults in force, oldest first. Safe under threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, if any; one of its `times` is used up."""
        with self._lock:
            found = next((one for one in self._faults if one.meets(method, path)), None)
            if found:
                place = self._faults.index(found)
                self._faults[place : place + 1] = (
                    [replace(found, times=found.times - 1)] if found.times > 1 else []
                )
            return found
