"""Prints each step with its time; the first broken promise ends the story with its name."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 15.0


class PromiseBroken(Exception):
    """What should hold does not."""


@dataclass(slots=True)
class Narrator:
    console: Console = field(default_factory=lambda: Console(highlight=False))
    told: int = 0

    def chapter(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/bold]")

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """One step; lines appended to the yielded list are printed under it."""
        notes: list[str] = []
        began, kept = time.perf_counter(), False
        self.told += 1
        try:
            yield notes
            kept = True
        finally:
            mark = "[green]✓[/green]" if kept else "[red]✗[/red]"
            seconds = time.perf_counter() - began
            line = f"{mark} {self.told:>2} {title} [dim]{seconds:.2f} s[/dim]"
            self.console.print(line, soft_wrap=True)
            for note in notes:
                self.console.print(f"      [dim]{note}[/dim]", soft_wrap=True)


def promise(held: bool, what: str) -> None:  # noqa: FBT001 - a condition is what it takes
    if not held:
        raise PromiseBroken(what)


def eventually(
    what: str, condition: Callable[[], bool], patience_seconds: float = _PATIENCE_SECONDS
) -> None:
    """Wait for a condition, at most `patience_seconds`.

    Raises:
        PromiseBroken: it did not come true.
    """
    deadline = time.monotonic() + patience_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise PromiseBroken(f"not within {patience_seconds:.0f} s: {what}")
        time.sleep(_POLL_SECONDS)
