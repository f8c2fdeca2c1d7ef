"""What must have been shown before an image goes to production; each gate is one file or one command."""

import json
import shlex
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from scripts.release.history import History

WAIVABLE: Final = ("rehearsal", "tests", "load", "signature")
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_VERIFY_SECONDS: Final = 300


class State(StrEnum):
    PASSED = "passed"
    MISSING = "missing"
    FAILED = "failed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Gate:
    """`words` say what was found; `because` why nobody waited for it."""

    name: str
    state: State
    words: str
    because: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in (State.PASSED, State.WAIVED)

    def waived(self, because: str) -> "Gate":
        """Only what is missing can be waived: a failure is a finding."""
        if self.state is not State.MISSING or not because:
            return self
        return Gate(self.name, State.WAIVED, self.words, because)

    def as_document(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value}


class _Shut(Exception):
    """A gate's file says no, or not what it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """Where each gate's result lies. `image` is what the signature is of."""

    target: str
    image: str
    rehearsal: Path
    tests: Path
    load: Path
    verify_command: str
    history: History
    now: datetime
    longest: timedelta
    waivers: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> list[Gate]:
        """All of them, so that one run tells everything that is missing."""
        files: dict[str, tuple[Path, Callable[[Path], str]]] = {
            "rehearsal": (self.rehearsal, self._rehearsal),
            "tests": (self.tests, self._tests),
            "load": (self.load, self._load),
        }
        found = [self._of_file(name, *how) for name, how in files.items()]
        found += [self._signature(), self._commit()]
        return [gate.waived(self.waivers.get(gate.name, "")) for gate in found]

    def _of_file(self, name: str, file: Path, read: Callable[[Path], str]) -> Gate:
        if not file.exists():
            return Gate(name, State.MISSING, f"there is no {file}")
        try:
            return Gate(name, State.PASSED, read(file))
        except _Shut as err:
            return Gate(name, State.FAILED, f"{file}: {err}")
        except (OSError, ValueError, ET.ParseError) as err:
            return Gate(name, State.FAILED, f"{file} cannot be read: {err}")

    def _rehearsal(self, file: Path) -> str:
        found = _document(file)
        if found.get("stack") != self.target:
            raise _Shut(f"is of stack {found.get('stack')}, not {self.target}")
        self._of_our_code(found)
        return self._passed(found)

    def _tests(self, file: Path) -> str:
        if file.suffix == ".xml":
            return self._junit(file)
        found = _document(file)
        self._of_our_code(found)
        return self._passed(found)

    def _load(self, file: Path) -> str:
        return self._passed(_document(file))

    def _passed(self, found: Mapping[str, Any]) -> str:
        if found.get("passed") is not True:
            raise _Shut("did not pass")
        return f"passed {self._fresh(found.get('finished_at'))}"

    def _fresh(self, said: Any) -> str:
        """Raises _Shut: no time with a zone, in the future, or too long ago."""
        moment = datetime.fromisoformat(str(said))
        if moment.tzinfo is None:
            raise _Shut(f"{said} has no time zone")
        if moment > self.now + _CLOCKS_DIFFER:
            raise _Shut(f"{said} lies in the future")
        if moment < self.now - self.longest:
            raise _Shut(f"{said} is older than {self.longest.total_seconds() / 3600:g} hours")
        return moment.astimezone(UTC).isoformat(timespec="seconds")

    def _of_our_code(self, found: Mapping[str, Any]) -> None:
        commit = str(found.get("commit", ""))
        if not self.history.has_same_code(commit):
            raise _Shut(f"is of commit {commit or '(none)'}, whose code is not HEAD's")

    def _junit(self, file: Path) -> str:
        """The suites' own counts; pytest and others write no commit, so CI must not carry an old file over."""
        text = file.read_text(encoding="utf-8")
        if "<!DOCTYPE" in text:
            raise _Shut("has a DTD, as no test runner writes")
        suites = [each for each in ET.fromstring(text).iter("testsuite") if each.get("tests")]  # noqa: S314 - no DTD, our own CI's
        counts = {
            name: sum(int(suite.get(name, "0")) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        }
        if counts["failures"] or counts["errors"]:
            raise _Shut(f"{counts['failures']} failures, {counts['errors']} errors")
        if counts["tests"] <= counts["skipped"]:
            raise _Shut("no test ran")
        when = [self._fresh(suite.get("timestamp")) for suite in suites]
        return f"{counts['tests'] - counts['skipped']} tests passed {min(when)}"

    def _signature(self) -> Gate:
        """`{image}` and `{digest}` are put into the command's words; no shell reads it."""
        if not self.verify_command:
            return Gate("signature", State.MISSING, "no --verify-command was given")
        values = {"{image}": self.image, "{digest}": self.image.rpartition("@")[2]}
        argv = shlex.split(self.verify_command)
        for name, value in values.items():
            argv = [word.replace(name, value) for word in argv]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, check=False, timeout=_VERIFY_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            return Gate("signature", State.FAILED, f"{argv[0]} could not be run: {err}")
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            return Gate("signature", State.FAILED, f"{argv[0]} refused {self.image}: {last}")
        return Gate("signature", State.PASSED, f"{argv[0]} accepts {self.image}")

    def _commit(self) -> Gate:
        left = self.history.uncommitted()
        if left:
            return Gate("commit", State.FAILED, f"not committed: {', '.join(left[:5])}")
        return Gate("commit", State.PASSED, self.history.head)


def _document(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise _Shut("is no JSON object")
    return found
