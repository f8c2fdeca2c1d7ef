"""The parts there are, and rounds in which they take turns with the hello page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from loadtest.bench.parts import feed, outbox, pages
from loadtest.bench.parts.figures import Beside
from loadtest.bench.parts.prepared import VIEWERS
from loadtest.bench.parts.sides import Side
from loadtest.bench.wrk import Measured, NotMeasured, Wrk


@dataclass(frozen=True, slots=True)
class Part:
    """`unit` is what the CPU is told of; `group` names several parts at once."""

    name: str
    group: str
    unit: str
    measure: Callable[[Side, Wrk], Measured]


PARTS: Final = (
    Part("launch", "launch", "first half of a launch", pages.launch),
    Part("callback", "callback", "second half of a launch", pages.callback),
    Part("webhook", "webhook", "notification stored", pages.webhook),
    Part("outbox", "outbox", "report delivered", outbox.outbox),
    Part("feed-one", "feed", f"event to one of {VIEWERS} at one visit", feed.one_visit),
    Part("feed-many", "feed", f"event to one of {VIEWERS} at as many", feed.many_visits),
    Part("overview", "portal", "page of ten organizations", pages.portal(lambda _: "/")),
    Part(
        "records",
        "portal",
        "page of an environment's records",
        pages.portal(lambda environment_id: f"/configurations/{environment_id}"),
    ),
    Part("audit", "portal", "page of fifty lines", pages.portal(lambda _: "/audit")),
)


def parts_named(name: str) -> tuple[Part, ...]:
    """One part or those of a group; all for an empty name.

    Raises:
        NotMeasured: there is none of this name.
    """
    found = tuple(one for one in PARTS if name in ("", one.name, one.group))
    if not found:
        known = dict.fromkeys(word for one in PARTS for word in (one.group, one.name))
        raise NotMeasured(f"there is no part “{name}”: there are {', '.join(known)}")
    return found


@dataclass(frozen=True, slots=True)
class Course:
    """What a run goes through; `hello` measures the yardstick."""

    parts: Sequence[Part]
    sides: Sequence[Side]
    hello: Callable[[], Measured]
    wrk: Wrk

    def warm_up(self) -> None:
        """Every process has answered everything once before anything counts."""
        self.hello()
        for part in self.parts:
            for side in self.sides:
                _measured(part, side, self.wrk)

    def round(self, number: int) -> Iterator[tuple[Part, Beside]]:
        """Each part between two measurements of the hello page; the sides begin in turns."""
        hello = self.hello()
        for part in self.parts:
            in_turn = self.sides if number % 2 == 0 else self.sides[::-1]
            measured: Mapping[str, Measured] = {
                side.name: _measured(part, side, self.wrk) for side in in_turn
            }
            before, hello = hello, self.hello()
            yield part, Beside(measured, before, hello)


def _measured(part: Part, side: Side, wrk: Wrk) -> Measured:
    try:
        return part.measure(side, wrk)
    except NotMeasured as err:
        raise NotMeasured(f"{part.name}, {side.name}: {err}") from err
