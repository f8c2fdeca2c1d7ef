"""The generations of one kind of key, seen while the process runs, wherever they lie.

A rotation adds a generation; every process looks again every so often, so that it is published and
accepted everywhere long before its time to be used comes. What was read is never read again:
parsing a PEM key costs about 42 ms, and a vault counts its readers.
"""

import contextlib
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from connector.adapters.vault.generation import active_from_name, number_of
from connector.ports.errors import OutsideError
from connector.ports.key_places import KeyPlace
from connector.ports.system import Clock

# Assertions live five minutes, and EHRs keep a key set for hours: a former key stays published.
OVERLAP = timedelta(hours=24)
_RING_LASTS = timedelta(seconds=1)

K = TypeVar("K")
K_co = TypeVar("K_co", covariant=True)
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


class Shelf(Protocol[K_co]):
    """What one kind of key looks like where it lies."""

    @property
    def look_again(self) -> timedelta: ...

    def items(self) -> Sequence[tuple[int, Hashable]]:
        """(generation, item) in order, from one look; an item that changes is another item.

        Raises:
            FileNotFoundError: there is none; OSError or OutsideError: the place is away.
        """
        ...

    def key(self, item: Hashable) -> K_co:
        """Read it.

        Raises:
            ValueError: it is not the key its name says.
        """
        ...

    def active_from(self, number: int) -> datetime | None:
        """As of the last `items`."""
        ...


class NamedShelf(Generic[K]):
    """Keys by name in a `KeyPlace`.

    Args:
        pattern: which names are these keys, one or more for each generation.
        read: makes a key of a name.
    """

    def __init__(
        self, place: KeyPlace, kind: str, pattern: str, read: Callable[[KeyPlace, str], K]
    ) -> None:
        self._place = place
        self._kind = kind
        self._pattern = pattern
        self._read = read
        self._names: frozenset[str] = frozenset()
        self._announced: dict[str, datetime] = {}

    @property
    def look_again(self) -> timedelta:
        return self._place.look_again

    def items(self) -> Sequence[tuple[int, Hashable]]:
        self._names = frozenset(self._place.names())
        found = [(number_of(n), n) for n in self._names if fnmatchcase(n, self._pattern)]
        if not found:
            raise FileNotFoundError(f"no {self._kind} key in {self._place}")
        return sorted(found)

    def key(self, item: Hashable) -> K:
        return self._read(self._place, str(item))

    def active_from(self, number: int) -> datetime | None:
        name = active_from_name(self._kind, number)
        if name not in self._names:
            return None
        if name not in self._announced:
            text = self._place.read(name).decode()
            self._announced[name] = datetime.fromisoformat(text).astimezone(UTC)
        return self._announced[name]


class KeyFolder(Generic[K]):
    """Looks at its shelf when it is made, and again while it is asked.

    Raises:
        FileNotFoundError: there is no key; ValueError: one is not what its name says;
        OSError or OutsideError: the place is away.
    """

    def __init__(self, shelf: Shelf[K], clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Hashable, K] = {}
        self._order: Sequence[tuple[int, Hashable]] = ()
        self._generations: Sequence[Generation[K]] = ()
        self._looked_at = clock.now()
        self._look()
        first: Ring[K] = Ring.at(self._generations, self._looked_at)
        self._ring: tuple[datetime, object, Ring[K]] = (self._looked_at, self._generations, first)

    def ring(self) -> Ring[K]:
        """One thread looks, the others go on with what is known, unless that is too old for it."""
        now = self._clock.now()
        if self._is_due(now, looks=1) and self._lock.acquire(blocking=self._is_due(now, looks=2)):
            try:
                if self._is_due(now, looks=1):
                    self._look_again(now)
            finally:
                self._lock.release()
        return self._ring_of(now)

    def _ring_of(self, now: datetime) -> Ring[K]:
        """Worked out anew once in a while: every seal asks, and what is in use changes at whole hours."""
        generations = self._generations
        at, of_generations, ring = self._ring
        if of_generations is not generations or not at <= now < at + _RING_LASTS:
            ring = Ring.at(generations, now)
            self._ring = (now, generations, ring)
        return ring

    def _is_due(self, now: datetime, *, looks: int) -> bool:
        return abs(now - self._looked_at) >= looks * self._shelf.look_again

    def _look_again(self, now: datetime) -> None:
        """A generation that is half written, or a place that is away, leaves what is known in use.

        The next look finds it whole.
        """
        try:
            with contextlib.suppress(OSError, ValueError, OutsideError):
                self._look()
        finally:
            self._looked_at = now

    def _look(self) -> None:
        order = self._shelf.items()
        if order != self._order:
            known = {
                i: self._known[i] if i in self._known else self._shelf.key(i) for _, i in order
            }
            groups = groupby(order, key=lambda each: each[0])
            self._generations = [
                Generation(n, self._shelf.active_from(n), tuple(known[item] for _, item in group))
                for n, group in groups
            ]
            self._known, self._order = known, order


class Live(Generic[K, T]):
    """What `make` makes of a folder's ring, made anew when the ring has changed."""

    def __init__(self, folder: KeyFolder[K], make: Callable[[Ring[K]], T]) -> None:
        self._folder = folder
        self._make = make
        ring = folder.ring()
        self._made = (ring, make(ring))

    def __call__(self) -> T:
        ring = self._folder.ring()
        of_ring, made = self._made
        if ring is not of_ring:
            if ring.contents != of_ring.contents:
                made = self._make(ring)
            self._made = (ring, made)
        return made
