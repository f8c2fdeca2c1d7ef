"""Who gives way under load, decided from waits, kind and clock alone."""

from dataclasses import dataclass

import pytest
from tests.unit.web.pages_world import PagesWorld

from connector.web.admission import (
    Admission,
    Kind,
    Pressure,
    gives_way,
    kind_of,
    retry_after_seconds,
)

CALM = Pressure()
QUEUE = Pressure(least_seconds=0.5)
HALF = Pressure(share=0.5)
NEVER, ALWAYS = 0.999, 0.0  # the draws that refuse and admit whenever a share says so


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


def seconds_of(state: Admission, watch: Watch, *waits: float) -> Pressure:
    """A calm second, then one request at the beginning of each, which waited so long."""
    for waited in (0.0, *waits):
        state.saw(waited)
        watch.now += 1.0
    return state.saw(waits[-1])


@pytest.mark.parametrize("kind", Kind)
def test_who_did_not_wait_is_let_in(kind: Kind) -> None:
    assert not gives_way(kind, 0.0, CALM, NEVER)


@pytest.mark.parametrize("kind", Kind)
def test_one_long_wait_alone_refuses_nobody(kind: Kind) -> None:
    assert not gives_way(kind, 0.9, CALM, NEVER)


@pytest.mark.parametrize("kind", Kind)
def test_in_a_standing_queue_who_did_not_wait_is_let_in(kind: Kind) -> None:
    assert not gives_way(kind, 0.01, QUEUE, NEVER)


@pytest.mark.parametrize(
    ("kind", "refused"),
    [(Kind.PROBE, False), (Kind.GOING_ON, False), (Kind.LAUNCH, True), (Kind.DESK, True)],
)
def test_a_standing_queue_refuses_new_launches_and_the_portal_only(
    kind: Kind, *, refused: bool
) -> None:
    assert gives_way(kind, 0.4, QUEUE, ALWAYS) is refused


def test_the_portal_gives_way_before_launches_do() -> None:
    growing = Pressure(least_seconds=0.2)
    assert gives_way(Kind.DESK, 0.2, growing, ALWAYS)
    assert not gives_way(Kind.LAUNCH, 0.2, growing, NEVER)


def test_while_launches_are_refused_the_portal_is_too() -> None:
    assert gives_way(Kind.DESK, 0.0, HALF, ALWAYS)


def test_a_share_of_the_launches_is_let_in() -> None:
    assert not gives_way(Kind.LAUNCH, 0.0, HALF, 0.49)
    assert gives_way(Kind.LAUNCH, 0.0, HALF, 0.5)


@pytest.mark.parametrize("kind", [Kind.PROBE, Kind.GOING_ON])
def test_what_has_begun_is_refused_by_no_share(kind: Kind) -> None:
    assert not gives_way(kind, 7.9, Pressure(least_seconds=7.0, share=0.02), NEVER)


def test_a_launch_that_waited_a_whole_interval_is_proof_enough() -> None:
    assert gives_way(Kind.LAUNCH, 1.01, CALM, ALWAYS)


def test_what_has_begun_is_refused_when_its_browser_has_gone() -> None:
    assert gives_way(Kind.GOING_ON, 8.1, CALM, ALWAYS)


def test_a_probe_is_answered_however_late() -> None:
    assert not gives_way(Kind.PROBE, 60.0, Pressure(50.0, 0.02), NEVER)


def test_a_second_of_waiting_alone_closes_no_share(state: Admission, watch: Watch) -> None:
    assert seconds_of(state, watch, 0.9) == Pressure(0.9, 1.0)


def test_a_queue_that_stands_for_two_seconds_lowers_the_share(
    state: Admission, watch: Watch
) -> None:
    assert seconds_of(state, watch, 0.9, 0.9) == Pressure(0.9, 0.7)


def test_one_request_that_did_not_wait_shows_that_the_queue_emptied(
    state: Admission, watch: Watch
) -> None:
    for waited in (2.0, 1.5, 0.0, 1.9):
        state.saw(waited)
        watch.now += 0.2
    watch.now += 0.3
    assert state.saw(0.9) == CALM


def test_under_lasting_overload_a_few_launches_are_let_in_all_the_same(
    state: Admission, watch: Watch
) -> None:
    assert seconds_of(state, watch, *[2.0] * 60).share == 0.02


def test_the_share_is_whole_again_within_half_a_minute(state: Admission, watch: Watch) -> None:
    seconds_of(state, watch, *[2.0] * 60)
    assert seconds_of(state, watch, *[0.0] * 21).share == 1.0


def test_seconds_without_a_request_count_as_calm(state: Admission, watch: Watch) -> None:
    seconds_of(state, watch, *[2.0] * 60)
    watch.now += 30
    assert state.saw(0.0) == CALM


def test_who_is_refused_comes_back_at_different_times_later_when_few_are_let_in() -> None:
    draws = [n / 100 for n in range(100)]
    light = {retry_after_seconds(CALM, draw) for draw in draws}
    heavy = {retry_after_seconds(Pressure(share=0.02), draw) for draw in draws}
    assert (min(light), max(light)) == (4, 10)
    assert (min(heavy), max(heavy)) == (4, 39)
    assert len(heavy) > 30


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
