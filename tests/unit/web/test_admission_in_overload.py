"""Two minutes at three times capacity in front of the real admission, by a clock that jumps: threads, people, nothing else.

`make load SCENARIO=overload-3x` asks the same of the whole connector.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest

from connector.web.admission import Admission, Kind, retry_after_seconds

FROM, TO, END = 30.0, 150.0, 240.0
CALLBACK_SECONDS, JOIN_SECONDS, PAGE_SECONDS, REFUSAL_SECONDS = 0.9, 0.33, 0.005, 0.001
AT_THE_EHR_SECONDS = 0.3
MOST_TRIES = 4

Then = Callable[[], None]


@dataclass
class Town:
    """What happens when; people are drawn from the seed."""

    seed: int
    now: float = 0.0
    _due: list[tuple[float, int, Then]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - people, not secrets

    def after(self, seconds: float, then: Then) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), then))

    def run(self) -> None:
        while self._due:
            self.now, _, then = heapq.heappop(self._due)
            then()


@dataclass
class Asked:
    at: float
    kind: Kind
    seconds: float
    done: Then
    refused: Callable[[int], None]
    ends_launch: bool


class Process:
    """A queue before some threads; first come, first served."""

    def __init__(self, town: Town, threads: int) -> None:
        self.town, self.free = town, threads
        self.waiting: deque[Asked] = deque()
        self.admission = Admission(clock=lambda: town.now, draw=town.dice.random)
        self.waited: list[tuple[float, Kind, float]] = []

    def ask(self, asked: Asked) -> None:
        self.waiting.append(asked)
        self.serve()

    def serve(self) -> None:
        while self.free and self.waiting:
            asked = self.waiting.popleft()
            self.free -= 1
            waited = self.town.now - asked.at
            self.waited.append((self.town.now, asked.kind, waited))
            let_in = self.admission.lets_in(asked.kind, waited)
            seconds = asked.seconds if let_in else REFUSAL_SECONDS
            self.town.after(seconds, lambda a=asked, i=let_in: self.answer(a, let_in=i))  # type: ignore[misc]

    def answer(self, asked: Asked, *, let_in: bool) -> None:
        self.free += 1
        if not let_in:
            draw = self.town.dice.random()
            asked.refused(retry_after_seconds(self.admission.pressure, draw))
        else:
            if asked.ends_launch:
                self.admission.launch_finished()
            asked.done()
        self.serve()


@dataclass
class Overload:
    """Who launches by chance, `per_second` of them and `factor` times as many between FROM and TO."""

    town: Town
    processes: list[Process]
    launched: list[tuple[float, float]] = field(
        default_factory=list
    )  # (when they clicked, seconds)
    halfway: int = 0

    def people(self, per_second: float, factor: float) -> None:
        at = 0.0
        while at < END:
            at += self.town.dice.expovariate(per_second * (factor if FROM <= at < TO else 1))
            self.town.after(at, lambda due=at: self.click(due, 1))  # type: ignore[misc]

    def ask(
        self,
        kind: Kind,
        seconds: float,
        done: Then,
        refused: Callable[[int], None],
        *,
        ends_launch: bool = False,
    ) -> None:
        process = self.town.dice.choice(self.processes)
        process.ask(Asked(self.town.now, kind, seconds, done, refused, ends_launch))

    def click(self, due: float, tries: int) -> None:
        def again(seconds: int) -> None:
            if tries < MOST_TRIES:
                self.town.after(seconds, lambda: self.click(due, tries + 1))

        def away() -> None:
            self.town.after(AT_THE_EHR_SECONDS, lambda: self.come_back(due))

        self.ask(Kind.LAUNCH, PAGE_SECONDS, away, again)

    def come_back(self, due: float) -> None:
        def there() -> None:
            self.launched.append((due, self.town.now - due))
            self.town.after(4.0, self.join)

        self.ask(Kind.GOING_ON, self.takes(CALLBACK_SECONDS), there, self.lose, ends_launch=True)

    def join(self) -> None:
        self.ask(Kind.GOING_ON, self.takes(JOIN_SECONDS), lambda: None, self.lose)

    def lose(self, _seconds: int) -> None:
        self.halfway += 1

    def takes(self, seconds: float) -> float:
        return seconds * self.town.dice.uniform(0.5, 1.5)

    def p95_between(self, begin: float, end: float) -> float:
        took = sorted(seconds for due, seconds in self.launched if begin <= due < end)
        return took[int(len(took) * 0.95)]


def overload(threads: int, seed: int, *, normal: float = 0.5, peak: float = 3.0) -> Overload:
    """`normal` and `peak` in shares of what two processes of so many threads can serve."""
    town = Town(seed)
    capacity = 2 * threads / (CALLBACK_SECONDS + JOIN_SECONDS + PAGE_SECONDS)
    played = Overload(town, [Process(town, threads) for _ in range(2)])
    played.people(capacity * normal, peak / normal)
    town.run()
    return played


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("threads", [8, 16])
def test_at_three_times_capacity_what_has_begun_is_finished_and_all_is_well_a_minute_later(
    threads: int, seed: int
) -> None:
    played = overload(threads, seed)
    assert played.halfway == 0
    calm = played.p95_between(0, FROM)
    assert played.p95_between(TO + 60, END) < 1.5 * calm


def test_while_it_lasts_the_threads_are_busy_with_launches() -> None:
    """Refusing must not starve what it protects."""
    played = overload(16, 1)
    finished = sum(FROM < due + took < TO for due, took in played.launched) / (TO - FROM)
    assert finished > 0.75 * 2 * 16 / (CALLBACK_SECONDS + JOIN_SECONDS + PAGE_SECONDS)


def test_at_ten_times_capacity_what_has_begun_is_finished() -> None:
    assert overload(16, 1, peak=10).halfway == 0


def test_at_seventy_percent_hardly_anybody_is_refused() -> None:
    played = overload(16, 1, normal=0.7, peak=0.7)
    waits = [kind for process in played.processes for _, kind, _ in process.waited]
    asked = sum(kind is Kind.LAUNCH for kind in waits)
    assert len(played.launched) > 3000
    assert asked - len(played.launched) < 0.01 * asked
