"""The generating processes: Locust without its web page, told what to drive by two files in the environment."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types
from scripts.postgres_test_server import free_port
from scripts.sandbox_parts.ports import LOOPBACK

from loadtest.stage.progress import PREFIX
from loadtest.target import SCENARIO_VARIABLE, STAGE_VARIABLE

LOCUSTFILE: Final = Path(__file__).resolve().parents[1] / "locustfile.py"
STOP_WITHIN_SECONDS: Final = 20.0
SHOWN_LINES: Final = 20
STOPPED_SECONDS, GOING_SECONDS = 0.35, 0.05


class GeneratorFailed(Exception):
    """Ended before its time, or not after it; carries the end of its log."""


@dataclass(slots=True)
class Generator:
    """Locust in a session of its own, so that Ctrl-C reaches only us and we end it in order."""

    process: "subprocess.Popen[bytes]"
    log_file: Path

    @classmethod
    def start(cls, stage: Path, scenario: Path, processes: int) -> "Generator":
        """`stage` is the stage's file, in the folder of the run; `scenario` the scenario's own."""
        log_file = stage.with_name("generator.log")
        environment = {**os.environ, STAGE_VARIABLE: str(stage), SCENARIO_VARIABLE: str(scenario)}
        with log_file.open("wb") as log:
            return cls(
                subprocess.Popen(
                    locust_command(processes, stage.with_name(PREFIX)),
                    env=environment,
                    cwd=LOCUSTFILE.parents[1],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                ),
                log_file,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def pids(self) -> Mapping[str, int]:
        return {"generator": self.pid}

    def finish(self, timeout_seconds: float) -> None:
        """Wait for its end.

        Raises:
            GeneratorFailed: it went on for longer.
        """
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as err:
            raise GeneratorFailed(
                f"the generator did not end. The end of its log:\n{self.last_lines()}"
            ) from err

    def stop(self) -> None:
        """SIGTERM, then SIGKILL, to it and to the processes it forked."""
        if not self.is_running:
            return
        with suppress(psutil.NoSuchProcess):
            family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            _gone, left = psutil.wait_procs(family, STOP_WITHIN_SECONDS)
            for one in left:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        self.process.wait()

    def last_lines(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-SHOWN_LINES:])


def locust_command(processes: int, history: Path) -> list[str]:
    """One process is enough below a thousand launches a second (spec/performance.md 3d)."""
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless"]
    command += ["--only-summary", "--csv", str(history), "--csv-full-history"]
    if processes == 1:
        return command
    # On Locust's own port the workers of another run on this machine would join this one.
    port = str(free_port())
    return [
        *(*command, "--processes", str(processes)),
        *("--master-bind-host", LOOPBACK, "--master-bind-port", port),
        *("--master-host", LOOPBACK, "--master-port", port),
    ]


class Starver(threading.Thread):
    """Stops the generating processes for most of the time, as a machine that is too small would."""

    def __init__(self, generator: Generator) -> None:
        super().__init__(name="starver", daemon=True)
        self._generator = generator
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set() and self._generator.is_running:
            self._signal(signal.SIGSTOP)
            self._ended.wait(STOPPED_SECONDS)
            self._signal(signal.SIGCONT)
            self._ended.wait(GOING_SECONDS)

    def stop(self) -> None:
        self._ended.set()
        self.join()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            leader = psutil.Process(self._generator.pid)
            for one in [leader, *leader.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(number)
