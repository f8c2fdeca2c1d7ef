"""`scripts/promote.py` as a child process whose printed steps can be waited for."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

_SCRIPT: Final = Path(__file__).resolve().parents[1] / "promote.py"
_ENDS_WITHIN_SECONDS: Final = 60.0


class NeverSaid(Exception):
    """The command ended, or took too long, before it printed the step."""


class Command:
    """One run; `arguments` are those of promote.py."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.steps: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        # The sandbox is on this machine: a proxy of the environment is none of its business.
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self._popen = subprocess.Popen(
            [sys.executable, str(_SCRIPT), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._reading = threading.Thread(target=self._read, args=(self._popen.stderr,), daemon=True)
        self._reading.start()

    def wait_for(self, step: str) -> None:
        """Until a line with these words was printed.

        Raises:
            NeverSaid: it was not.
        """
        deadline = time.monotonic() + _ENDS_WITHIN_SECONDS
        while not any(step in said for said in self.steps):
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                line = None
            if line is None:
                raise NeverSaid(f"“{step}” was never printed, but: {self.steps}")
            self.steps.append(line)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone. Whether it had ended by itself makes no difference."""
        self._popen.kill()
        self._end()

    def finish(self) -> tuple[int, dict[str, Any]]:
        """(exit status, the JSON result), once it ends by itself."""
        written = self._end()
        return self._popen.returncode, dict(json.loads(written)) if written.strip() else {}

    def _end(self) -> str:
        """What it wrote to its standard output, once both streams are at their end."""
        with self._popen:
            written = self._popen.stdout.read() if self._popen.stdout else ""
            self._reading.join()
        return written

    def _read(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            self._lines.put(line.strip())
        self._lines.put(None)
