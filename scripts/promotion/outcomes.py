"""How a run of the command ends: the exit codes, and the errors that lead to them."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """What a pipeline decides by."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    STALE = 3
    STILL_WAITING = 4
    UNREACHABLE = 5


class Failed(Exception):
    """The run ends here; `detail` goes into the JSON result."""

    exit = Exit.REFUSED

    def __init__(self, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.detail = dict(detail or {})


class RefusedByConnector(Failed):
    """The connector answered with a problem document (RFC 9457)."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        said = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
        super().__init__(": ".join(said) or "The connector refused.", {"problem": dict(problem)})
        self.reason = str(problem.get("reason", ""))

    @property
    def facts(self) -> Mapping[str, str]:
        return self.detail["problem"].get("facts") or {}


class PlanIsStale(Failed):
    exit = Exit.STALE


class UsageWrong(Failed):
    exit = Exit.USAGE


class ApproverTakesLonger(Failed):
    exit = Exit.STILL_WAITING


class OutsideUnreachable(Failed):
    """The connector or Entra could not be reached, or answered with a failure of its own."""

    exit = Exit.UNREACHABLE
