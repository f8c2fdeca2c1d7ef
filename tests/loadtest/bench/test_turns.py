"""Parts take turns with the hello page and sides with each other; a failure says whose it was."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from loadtest.bench.parts.pages import csn_of
from loadtest.bench.parts.sides import Side
from loadtest.bench.parts.turns import PARTS, Course, Part, parts_named
from loadtest.bench.wrk import Measured, NotMeasured, Wrk


def side(name: str) -> Side:
    return cast(Side, SimpleNamespace(name=name))


class Diary:
    """Of who was measured when; a hello page's CPU is the number of its turn."""

    def __init__(self) -> None:
        self.turns: list[str] = []

    def hello(self) -> Measured:
        self.turns.append("hello")
        return Measured(1, float(self.turns.count("hello")), 1.0, 1.0)

    def part(self, name: str) -> Part:
        def measure(of: Side, _wrk: Wrk) -> Measured:
            self.turns.append(f"{name} {of.name}")
            return Measured(1, 1.0)

        return Part(name, name, "turn", measure)

    def course(self, *names: str) -> Course:
        sides = [side("now"), side("before")]
        return Course([self.part(name) for name in names], sides, self.hello, any_wrk())


def any_wrk() -> Wrk:
    return Wrk(Path("nowhere"), 1, 1)


def test_every_part_lies_between_two_hello_pages_and_shares_them_with_its_neighbours() -> None:
    diary = Diary()
    a, b = (beside for _, beside in diary.course("a", "b").round(0))
    turns = ["hello", "a now", "a before", "hello", "b now", "b before", "hello"]
    assert diary.turns == turns
    assert (a.hello_before.cpu_ms, a.hello_after.cpu_ms) == (1.0, 2.0)
    assert (b.hello_before.cpu_ms, b.hello_after.cpu_ms) == (2.0, 3.0)


def test_who_is_first_changes_from_round_to_round() -> None:
    diary = Diary()
    course = diary.course("a")
    for number in (0, 1):
        list(course.round(number))
    assert [one for one in diary.turns if one != "hello"] == [
        "a now",
        "a before",
        "a before",
        "a now",
    ]


def test_what_could_not_be_measured_is_named_with_its_side() -> None:
    def refused(_side: Side, _wrk: Wrk) -> Measured:
        raise NotMeasured("7 of 9 answers were not the right one")

    course = Course(
        [Part("audit", "portal", "page", refused)], [side("before")], Diary().hello, any_wrk()
    )
    with pytest.raises(NotMeasured, match="audit, before: 7 of 9"):
        list(course.round(0))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", [one.name for one in PARTS]),
        ("outbox", ["outbox"]),
        ("feed", ["feed-one", "feed-many"]),
        ("audit", ["audit"]),
    ],
)
def test_a_part_or_a_group_is_chosen_by_name(name: str, found: list[str]) -> None:
    assert [one.name for one in parts_named(name)] == found


@pytest.mark.parametrize("name", ["lunch", "Launch", "feed-", " "])
def test_an_unknown_part_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(NotMeasured, match=r"there is no part .*launch.*portal.*audit"):
        parts_named(name)


def test_every_visit_is_launched_twice_and_never_twice_at_once() -> None:
    csns = [csn_of(number) for number in range(2000)]
    seen: dict[int, list[int]] = {}
    for number, csn in enumerate(csns):
        seen.setdefault(csn, []).append(number)
    settled: list[Any] = [at for csn, at in seen.items() if csn_of(0) < csn < csn_of(1800)]
    assert {len(at) for at in settled} == {2}
    assert min(second - first for first, second in settled) > 64
