"""Errors a fake raises on demand, before its effect or after it (the answer is lost)."""

from collections import defaultdict

from connector.ports.errors import OutsideError


class Faults:
    """`fail("report", TryLater("timeout"), times=3)`; `times=None` until `clear`."""

    def __init__(self) -> None:
        self._before: dict[str, list[OutsideError]] = defaultdict(list)
        self._after: dict[str, list[OutsideError]] = defaultdict(list)
        self._always: dict[str, OutsideError] = {}

    def fail(
        self, method: str, error: OutsideError, *, times: int | None = 1, after: bool = False
    ) -> None:
        if times is None:
            self._always[method] = error
        else:
            (self._after if after else self._before)[method] += [error] * times

    def clear(self) -> None:
        for planned in (self._before, self._after, self._always):
            planned.clear()

    def before(self, method: str) -> None:
        if method in self._always:
            raise self._always[method]
        if self._before[method]:
            raise self._before[method].pop(0)

    def after(self, method: str) -> None:
        if self._after[method]:
            raise self._after[method].pop(0)
