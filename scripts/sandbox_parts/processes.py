"""One child process: started in its own session, watched, measured, ended by its pid."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

SHOWN_LINES: Final = 20
KILLED_WITHIN_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ready when ``url`` answers 200 with a body in which ``pattern`` (a regular expression) is found."""

    url: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """How a part of the sandbox is started; ``environment`` is the whole of it."""

    name: str
    argv: tuple[str, ...]
    readiness: Readiness
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Resident bytes of one operating system process of a part."""

    name: str
    pid: int
    resident_bytes: int


class ChildProcess:
    """Runs a plan. A session of its own keeps the terminal's Ctrl-C away: the sandbox ends it in order."""

    def __init__(self, plan: ProcessPlan, log_file: Path) -> None:
        self.plan = plan
        self.log_file = log_file
        self._family: list[psutil.Process] = []
        with log_file.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                plan.argv,
                env=dict(plan.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.poll()

    @property
    def is_running(self) -> bool:
        return self.exit_code is None

    def terminate(self) -> None:
        """SIGTERM to the leader, which ends its own workers."""
        self._remember_family()
        if self.is_running:
            self._popen.send_signal(signal.SIGTERM)

    def kill9(self) -> None:
        """SIGKILL to it and to every descendant, as a power cut would; returns when they are gone."""
        self._remember_family()
        if self.is_running:
            self._popen.kill()
        self._popen.wait()
        self._end_family()

    def finish(self, timeout_seconds: float) -> None:
        """After ``terminate``: wait, then SIGKILL what is left."""
        try:
            self._popen.wait(max(timeout_seconds, 0))
        except subprocess.TimeoutExpired:
            self._remember_family()
            self._popen.kill()
            self._popen.wait()
        self._end_family()

    def last_lines(self) -> str:
        """The end of what this run logged."""
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-SHOWN_LINES:])

    def memory(self) -> list[ProcessMemory]:
        """The leader and its descendants; empty when it does not run."""
        self._remember_family()
        found = []
        for one in self._family:
            with suppress(psutil.NoSuchProcess):
                found.append(ProcessMemory(self.name, one.pid, one.memory_info().rss))
        return found

    def _remember_family(self) -> None:
        """A psutil process knows its start time too, so a reused pid is never signalled."""
        if self.is_running:
            with suppress(psutil.NoSuchProcess):
                leader = psutil.Process(self.pid)
                self._family = [leader, *leader.children(recursive=True)]

    def _end_family(self) -> None:
        left = [one for one in self._family if one.pid != self.pid and _is_alive(one)]
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        deadline = time.monotonic() + KILLED_WITHIN_SECONDS
        while any(_is_alive(one) for one in left) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _is_alive(process: psutil.Process) -> bool:
    """A zombie is not: in a container whose first process reaps nobody, orphans stay zombies for ever."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def run_to_end(name: str, argv: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
    """Run a set-up command.

    Raises:
        SetupFailed: it ended with another status than 0.
    """
    start = log.stat().st_size if log.exists() else 0
    with log.open("ab") as file:
        status = subprocess.run(
            argv,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            check=False,
        ).returncode
    if status != os.EX_OK:
        written = log.read_bytes()[start:].decode(errors="replace").splitlines()
        raise SetupFailed(name, status, "\n".join(written[-SHOWN_LINES:]))


class PartFailed(Exception):
    """A part of the sandbox is not there; carries the end of its log."""

    def __init__(self, name: str, what: str, last_lines: str) -> None:
        super().__init__(f"{name} {what}. The end of its log:\n{last_lines or '(nothing logged)'}")
        self.name = name
        self.last_lines = last_lines


class SetupFailed(PartFailed):
    def __init__(self, name: str, status: int, last_lines: str) -> None:
        super().__init__(name, f"failed with status {status}", last_lines)


class ChildDied(PartFailed):
    def __init__(self, child: ChildProcess) -> None:
        code = child.exit_code or 0
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        super().__init__(child.name, f"ended with {how}", child.last_lines())


class NotReady(PartFailed):
    def __init__(self, child: ChildProcess, waited_seconds: float) -> None:
        what = f"was not ready after {waited_seconds:.0f} s ({child.plan.readiness.url})"
        super().__init__(child.name, what, child.last_lines())
