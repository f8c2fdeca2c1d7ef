"""All child processes of one sandbox: started side by side, awaited, restarted once, ended together."""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests
from scripts.sandbox_parts.processes import (
    ChildDied,
    ChildProcess,
    NotReady,
    ProcessMemory,
    ProcessPlan,
    Readiness,
)

READY_WITHIN_SECONDS: Final = 60.0
STOP_WITHIN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
PROBE_TIMEOUT_SECONDS: Final = 2.0
HTTP_OK: Final = 200
_HELD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Children by name. Not thread-safe: one thread starts, watches and stops."""

    def __init__(self, log_file: Callable[[str], Path], ca_file: Path | None) -> None:
        self._log_file = log_file
        self._children: dict[str, ChildProcess] = {}
        self._restarted: set[str] = set()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca_file) if ca_file else True

    def start(self, plan: ProcessPlan) -> ChildProcess:
        """Start without waiting; an earlier run of the same name must have ended."""
        with _signals_held():
            child = ChildProcess(plan, self._log_file(plan.name))
            self._children[plan.name] = child
        return child

    def child(self, name: str) -> ChildProcess:
        """Raises KeyError naming the parts there are."""
        if name not in self._children:
            raise KeyError(f"no part is called {name}: there are {', '.join(self._children)}")
        return self._children[name]

    def wait_until_ready(
        self, names: Iterable[str] | None = None, timeout_seconds: float = READY_WITHIN_SECONDS
    ) -> None:
        """Poll every part (or those named) until all are ready.

        Raises:
            ChildDied: one ended meanwhile.
            NotReady: one did not become ready in time.
        """
        waiting = [self.child(name) for name in names or self._children]
        deadline = time.monotonic() + timeout_seconds
        while waiting:
            _raise_for_dead(waiting)
            waiting = [child for child in waiting if not self._is_ready(child.plan.readiness)]
            if waiting and time.monotonic() > deadline:
                raise NotReady(waiting[0], timeout_seconds)
            time.sleep(POLL_SECONDS if waiting else 0)

    def restart(self, name: str) -> ChildProcess:
        """End it if it runs, start the same plan again, wait until it is ready."""
        old = self.child(name)
        old.terminate()
        old.finish(STOP_WITHIN_SECONDS)
        child = self.start(old.plan)
        self.wait_until_ready([name])
        return child

    def revive(self, report: Callable[[ChildDied], None]) -> None:
        """Report every part that died and restart it, once in the life of the sandbox.

        Raises:
            ChildDied: it had been restarted before.
        """
        for child in [one for one in self._children.values() if not one.is_running]:
            death = ChildDied(child)
            if child.name in self._restarted:
                raise death
            self._restarted.add(child.name)
            report(death)
            self.restart(child.name)

    def stop(self) -> None:
        """SIGTERM to all at once, SIGKILL after ten seconds to whoever is left."""
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for child in self._children.values():
            child.finish(deadline - time.monotonic())
        self._session.close()

    def memory(self) -> list[ProcessMemory]:
        return [one for child in self._children.values() for one in child.memory()]

    def _is_ready(self, readiness: Readiness) -> bool:
        try:
            answer = self._session.get(readiness.url, timeout=PROBE_TIMEOUT_SECONDS)
        except requests.RequestException:
            return False
        matches = re.search(readiness.pattern, answer.text) is not None
        return answer.status_code == HTTP_OK and matches


@contextmanager
def _signals_held() -> Iterator[None]:
    """Ctrl-C waits until a child that was just born is noted: nobody else would end it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    handlers = {
        name: signal.signal(name, lambda number, _frame: caught.append(number)) for name in _HELD
    }
    try:
        yield
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
        for number in caught:
            signal.raise_signal(number)


def _raise_for_dead(children: Iterable[ChildProcess]) -> None:
    for child in children:
        if not child.is_running:
            raise ChildDied(child)
