"""Who gives way under load, decided from waits, kind and clock alone."""

from dataclasses import dataclass

import pytest
from tests.unit.web.pages_world import PagesWorld

from connector.web.admission import (
    INTERVAL_SECONDS,
    Admission,
    Kind,
    Pressure,
    gives_way,
    kind_of,
    retry_after_seconds,
)

CALM = Pressure()
QUEUE = Pressure(least_seconds=0.5)
NARROW = Pressure(narrow=True)
OPEN = Pressure(narrow=True, places=1.0)
LAUNCH, GOING_ON = Kind.LAUNCH, Kind.GOING_ON


@dataclass
class Watch:
    """A clock that goes only when told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def state(watch: Watch) -> Admission:
    return Admission(clock=watch)


def rounds(state: Admission, watch: Watch, *waits: float) -> Pressure:
    """A calm interval, then one request at the beginning of each, which waited so long."""
    for waited in (0.0, *waits):
        state.lets_in(GOING_ON, waited)
        watch.now += INTERVAL_SECONDS
    state.lets_in(GOING_ON, waits[-1])
    return state.pressure


def narrowed(state: Admission, watch: Watch) -> None:
    """A queue stood, and is gone."""
    assert rounds(state, watch, 0.9, 0.9).narrow
    rounds(state, watch, 0.0)


@pytest.mark.parametrize("kind", Kind)
def test_who_did_not_wait_is_let_in(kind: Kind) -> None:
    assert not gives_way(kind, 0.0, CALM)


@pytest.mark.parametrize("kind", Kind)
def test_one_long_wait_alone_refuses_nobody(kind: Kind) -> None:
    assert not gives_way(kind, 0.9, CALM)


@pytest.mark.parametrize("kind", Kind)
def test_in_a_standing_queue_who_did_not_wait_is_let_in(kind: Kind) -> None:
    assert not gives_way(kind, 0.01, QUEUE)


@pytest.mark.parametrize(
    ("kind", "refused"),
    [(Kind.PROBE, False), (GOING_ON, False), (LAUNCH, True), (Kind.DESK, True)],
)
def test_a_standing_queue_refuses_new_launches_and_the_portal_only(
    kind: Kind, *, refused: bool
) -> None:
    assert gives_way(kind, 0.4, QUEUE) is refused


def test_the_portal_gives_way_before_launches_do() -> None:
    growing = Pressure(least_seconds=0.2)
    assert gives_way(Kind.DESK, 0.2, growing)
    assert not gives_way(LAUNCH, 0.2, growing)


def test_while_it_is_narrow_the_portal_gives_way_however_many_places_there_are() -> None:
    assert gives_way(Kind.DESK, 0.0, OPEN)


def test_while_it_is_narrow_a_launch_needs_a_place() -> None:
    assert gives_way(LAUNCH, 0.0, NARROW)
    assert not gives_way(LAUNCH, 0.0, OPEN)


@pytest.mark.parametrize("kind", [Kind.PROBE, GOING_ON])
def test_what_has_begun_needs_no_place(kind: Kind) -> None:
    assert not gives_way(kind, 7.9, Pressure(least_seconds=7.0, narrow=True))


def test_a_launch_that_waited_for_a_second_is_proof_enough() -> None:
    assert gives_way(LAUNCH, 1.01, OPEN)


def test_what_has_begun_is_refused_when_its_browser_has_gone() -> None:
    assert gives_way(GOING_ON, 8.1, CALM)


def test_a_probe_is_answered_however_late() -> None:
    assert not gives_way(Kind.PROBE, 60.0, Pressure(50.0, narrow=True))


def test_one_interval_of_waiting_alone_makes_nothing_narrow(state: Admission, watch: Watch) -> None:
    assert rounds(state, watch, 0.9) == Pressure(0.9)


def test_a_queue_that_stands_for_two_intervals_lets_no_launch_in(
    state: Admission, watch: Watch
) -> None:
    assert rounds(state, watch, 0.9, 0.9).narrow
    assert not state.lets_in(LAUNCH, 0.0)
    assert state.lets_in(GOING_ON, 0.9)


def test_one_request_that_did_not_wait_shows_that_the_queue_emptied(
    state: Admission, watch: Watch
) -> None:
    for waited in (2.0, 1.5, 0.0, 1.9):
        state.lets_in(GOING_ON, waited)
        watch.now += 0.1
    watch.now += 0.2
    state.lets_in(GOING_ON, 0.9)
    assert state.pressure == CALM


def test_for_a_launch_that_finished_another_is_let_in(state: Admission, watch: Watch) -> None:
    narrowed(state, watch)
    assert not state.lets_in(LAUNCH, 0.0)
    state.launch_finished()
    assert [state.lets_in(LAUNCH, 0.0) for _ in range(2)] == [True, False]


def test_while_the_queue_stands_fewer_are_let_in_than_finish(
    state: Admission, watch: Watch
) -> None:
    rounds(state, watch, 0.9, 0.9)
    let_in = 0
    for _ in range(10):
        state.launch_finished()
        let_in += state.lets_in(LAUNCH, 0.0)
    assert let_in == pytest.approx(6, abs=1)


def test_the_longer_no_queue_stands_the_more_are_let_in_than_finish(
    state: Admission, watch: Watch
) -> None:
    narrowed(state, watch)
    let_in = []
    for _ in range(30):
        state.launch_finished()
        let_in.append(sum(state.lets_in(LAUNCH, 0.0) for _ in range(9)))
        watch.now += INTERVAL_SECONDS
    assert let_in[0] == 1
    assert sum(let_in[:10]) < sum(let_in[10:20]) < sum(let_in[20:])


def test_a_queue_takes_back_what_was_saved(state: Admission, watch: Watch) -> None:
    narrowed(state, watch)
    for _ in range(4):
        state.launch_finished()
    assert state.pressure.places > 4
    assert rounds(state, watch, 0.9, 0.9).places < 1.5


def test_under_lasting_overload_a_few_launches_are_let_in_all_the_same(
    state: Admission, watch: Watch
) -> None:
    """However none of them ever comes back from the EHR."""
    rounds(state, watch, *[0.9] * 30)
    assert state.lets_in(LAUNCH, 0.0)


def test_what_finishes_in_calm_times_saves_nothing_up(state: Admission, watch: Watch) -> None:
    for _ in range(50):
        state.launch_finished()
    rounds(state, watch, 0.9, 0.9)
    assert not state.lets_in(LAUNCH, 0.0)


def test_it_is_over_when_nobody_wants_the_places(state: Admission, watch: Watch) -> None:
    narrowed(state, watch)
    for _ in range(6):
        state.launch_finished()
    assert rounds(state, watch, 0.0) == CALM


def test_intervals_without_a_request_count_as_calm(state: Admission, watch: Watch) -> None:
    narrowed(state, watch)
    watch.now += 40
    assert state.lets_in(LAUNCH, 0.0)
    assert state.pressure == CALM


def test_who_is_refused_comes_back_at_different_times_later_when_few_are_let_in() -> None:
    draws = [n / 100 for n in range(100)]
    light = {retry_after_seconds(CALM, draw) for draw in draws}
    heavy = {retry_after_seconds(Pressure(narrow=True, share=0.02), draw) for draw in draws}
    assert (min(light), max(light)) == (4, 10)
    assert (min(heavy), max(heavy)) == (4, 24)
    assert len(heavy) > 15


def test_the_share_that_is_let_in_is_remembered(state: Admission, watch: Watch) -> None:
    rounds(state, watch, 0.9, 0.9)
    for _ in range(30):
        state.launch_finished()
        for _ in range(10):
            state.lets_in(LAUNCH, 0.9)
        watch.now += INTERVAL_SECONDS
    assert state.pressure.share < 0.15


KINDS = {
    ("wellknown", "healthz"): Kind.PROBE,
    ("wellknown", "readyz"): Kind.PROBE,
    ("wellknown", "metrics"): Kind.PROBE,
    ("launch", "provider"): Kind.LAUNCH,
    ("launch", "patient"): Kind.LAUNCH,
    ("sign_in", "callback"): Kind.GOING_ON,
}


def test_every_route_of_a_visit_under_way_and_of_graph_is_going_on(world: PagesWorld) -> None:
    begun = {"launch", "visits", "graph", "wellknown", "static"}
    routes = [rule.endpoint.split(".") for rule in world.app.url_map.iter_rules()]
    for blueprint, *name in routes:
        known = KINDS.get((blueprint, "".join(name)))
        expected = known or (Kind.GOING_ON if blueprint in begun else Kind.DESK)
        assert kind_of(".".join([blueprint, *name]), blueprint if name else None) is expected


def test_an_address_that_is_no_route_gives_way_first() -> None:
    assert kind_of(None, None) is Kind.DESK
