"""The generations of one kind of key in the keys directory, seen while the process runs.

A rotation adds files (`generation`); every process looks at the directory again every few seconds,
so a new generation is published and accepted everywhere long before its time to be used comes.
Parsing a PEM key costs about 42 ms, so a file is parsed once.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Generic, TypeVar

from connector.adapters.vault.generation import active_from_file, number_of
from connector.ports.system import Clock

LOOK_AGAIN = timedelta(seconds=5)
# Assertions live five minutes, and EHRs keep a key set for hours: a former key stays published.
OVERLAP = timedelta(hours=24)

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Generation(Generic[K]):
    """`active_from` None: in use since it was made, whenever that was."""

    number: int
    active_from: datetime | None
    keys: tuple[K, ...]


@dataclass(frozen=True, slots=True)
class Ring(Generic[K]):
    """All generations, oldest first, and what each is for at one moment."""

    generations: tuple[Generation[K], ...]
    in_use: Generation[K]
    published: tuple[Generation[K], ...]

    @classmethod
    def at(cls, generations: Sequence[Generation[K]], now: datetime) -> "Ring[K]":
        """The newest whose time has come is in use; what it replaced is published for `OVERLAP`."""
        begun = [g for g in generations if g.active_from is None or g.active_from <= now]
        settled = [g.number for g in begun if g.active_from and g.active_from + OVERLAP <= now]
        oldest = max(settled, default=0)
        return cls(
            generations=tuple(generations),
            in_use=begun[-1] if begun else generations[0],
            published=tuple(g for g in generations if g.number >= oldest),
        )

    @property
    def contents(self) -> tuple[int, tuple[tuple[int, int], ...], tuple[int, ...]]:
        """What tells two rings apart: a generation may be looked at before all its keys are there."""
        every = tuple((g.number, len(g.keys)) for g in self.generations)
        return self.in_use.number, every, tuple(g.number for g in self.published)


class KeyFolder(Generic[K]):
    """Args:
        pattern: which files hold these keys, one or more for each generation.
        read: makes a key of a file.

    Raises:
        FileNotFoundError: there is none;
        ValueError: a file does not hold the key its name says.
    """

    def __init__(
        self, directory: Path, kind: str, pattern: str, read: Callable[[Path], K], clock: Clock
    ) -> None:
        self._directory = directory
        self._kind = kind
        self._pattern = pattern
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Path, K] = {}
        self._generations: Sequence[Generation[K]] = ()
        self._looked_at = clock.now()
        self._look()

    def ring(self) -> Ring[K]:
        now = self._clock.now()
        if abs(now - self._looked_at) >= LOOK_AGAIN and self._lock.acquire(blocking=False):
            try:
                self._looked_at = now
                # A generation that is half written, or a directory that is away for a moment,
                # leaves what is known in use; the next look finds it whole.
                with contextlib.suppress(OSError, ValueError):
                    self._look()
            finally:
                self._lock.release()
        return Ring.at(self._generations, now)

    def _look(self) -> None:
        paths = sorted(
            self._directory.glob(self._pattern), key=lambda p: (number_of(p.name), p.name)
        )
        if not paths:
            raise FileNotFoundError(f"no {self._kind} key in {self._directory}")
        if paths != list(self._known):
            self._known = {path: self._known.get(path) or self._read(path) for path in paths}
            groups = groupby(self._known.items(), key=lambda item: number_of(item[0].name))
            self._generations = [self._generation(n, [key for _, key in g]) for n, g in groups]

    def _generation(self, number: int, keys: Sequence[K]) -> Generation[K]:
        announced = active_from_file(self._directory, self._kind, number)
        if not announced.exists():
            return Generation(number, None, tuple(keys))
        active_from = datetime.fromisoformat(announced.read_text())
        return Generation(number, active_from.astimezone(UTC), tuple(keys))


class Live(Generic[K, T]):
    """What `make` makes of a folder's ring, made anew when the ring has changed."""

    def __init__(self, folder: KeyFolder[K], make: Callable[[Ring[K]], T]) -> None:
        self._folder = folder
        self._make = make
        ring = folder.ring()
        self._made = (ring.contents, make(ring))

    def __call__(self) -> T:
        ring = self._folder.ring()
        contents, made = self._made
        if ring.contents != contents:
            made = self._make(ring)
            self._made = (ring.contents, made)
        return made
