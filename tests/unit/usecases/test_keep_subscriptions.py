"""Every open meeting is watched, and none that is over: cases 64-66 of reliability.md."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders.configurations import NOON, TENANT
from tests.builders.launches import PROVIDER_OBJECT_ID, provider_launch
from tests.builders.world import World

from connector.domain.visit import VisitState
from connector.ports.errors import BadAnswer, Denied, Gone, OutsideError, TryLater
from connector.usecases.keep_subscriptions import LIFETIME, RENEW_WITHIN
from connector.usecases.prove_notification import client_state_of

NEARLY_LAPSED = LIFETIME - RENEW_WITHIN + timedelta(seconds=1)


@pytest.fixture
def visit_id(world: World) -> str:
    return world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref").visit.id


pytestmark = pytest.mark.usefixtures("visit_id")


def watch(world: World) -> dict[str, Any]:
    (row,) = world.rows("meeting_watch")
    return row


def finish(world: World) -> None:
    with world.store.write() as tx:
        over = replace(world.visit(), state=VisitState.ENDED, ended_at=world.clock.now())
        tx.visits.save(over)


def methods(world: World) -> list[str]:
    return [method for method, _ in world.subscriptions.calls]


def test_a_new_meeting_is_subscribed_to_with_a_secret_of_its_visit(
    world: World, visit_id: str
) -> None:
    world.watch_meetings()

    (live,) = world.subscriptions.live.values()
    assert live == {
        "tenant_id": TENANT,
        "join_url": "https://teams.example/l/meetup-join/1",
        "client_state": client_state_of(world.sealer, visit_id),
        "expires_at": NOON + LIFETIME,
    }
    assert watch(world)["graph_id"] == "subscription-1"


def test_a_watched_meeting_is_left_alone_until_its_last_hour(world: World) -> None:
    world.watch_meetings()
    world.clock.advance(LIFETIME - RENEW_WITHIN)
    world.watch_meetings()

    assert methods(world) == ["create"]


def test_a_subscription_is_renewed_before_it_lapses(world: World) -> None:
    world.watch_meetings()
    world.clock.advance(NEARLY_LAPSED)

    world.watch_meetings()

    assert methods(world) == ["create", "renew"]
    assert world.subscriptions.live["subscription-1"]["expires_at"] == world.clock.now() + LIFETIME
    assert world.keep_subscriptions.due(10) == []


def test_case_65_a_subscription_graph_has_forgotten_is_made_anew(
    world: World, visit_id: str
) -> None:
    world.watch_meetings()
    world.subscriptions.forget("subscription-1")
    world.clock.advance(NEARLY_LAPSED)

    world.watch_meetings()
    world.watch_meetings()

    assert methods(world) == ["create", "renew", "create"]
    assert (watch(world)["graph_id"], watch(world)["visit_id"]) == ("subscription-2", visit_id)


@pytest.mark.parametrize(
    "error",
    [TryLater("http_503"), Denied("Forbidden"), BadAnswer("not_json")],
    ids=str,
)
def test_cases_64_and_66_a_failure_is_tried_again_after_a_pause(
    world: World, error: OutsideError
) -> None:
    world.subscriptions.faults.fail("create", error)
    world.watch_meetings()

    world.watch_meetings()
    assert methods(world) == ["create"], "not at once"
    world.clock.advance(1)
    world.watch_meetings()

    assert methods(world) == ["create", "create"]
    assert len(world.subscriptions.live) == 1


def test_case_64_graph_s_pause_is_kept(world: World) -> None:
    throttled = TryLater("http_429", retry_after_seconds=120)
    world.subscriptions.faults.fail("create", throttled)
    world.watch_meetings()

    world.clock.advance(119)
    world.watch_meetings()
    assert methods(world) == ["create"]
    world.clock.advance(1)
    world.watch_meetings()

    assert methods(world) == ["create", "create"]


def test_case_64_a_pause_of_graph_never_shortens_our_own(world: World) -> None:
    world.subscriptions.faults.fail(
        "create", TryLater("http_429", retry_after_seconds=1), times=None
    )
    for _ in range(600):
        world.watch_meetings()
        world.clock.advance(1)

    assert len(methods(world)) < 20


def test_a_lost_answer_leaves_one_subscription_only(world: World) -> None:
    world.subscriptions.faults.fail("create", TryLater("timeout", maybe_done=True), after=True)
    world.watch_meetings()
    world.clock.advance(5)
    world.watch_meetings()

    assert list(world.subscriptions.live) == ["subscription-2"]
    assert watch(world)["graph_id"] == "subscription-2"


def test_a_worker_that_was_killed_leaves_the_meeting_to_the_next(world: World) -> None:
    assert len(world.keep_subscriptions.due(10)) == 1
    assert world.keep_subscriptions.due(10) == []

    world.clock.advance(121)
    world.watch_meetings()

    assert len(world.subscriptions.live) == 1


# Over -------------------------------------------------------------------------------------------


def test_a_meeting_nobody_wants_watched_is_unsubscribed_from(world: World, visit_id: str) -> None:
    world.watch_meetings()
    with world.store.write() as tx:
        tx.watches.unwant(visit_id, world.clock.now())

    world.watch_meetings()

    assert world.subscriptions.live == {}
    assert world.rows("meeting_watch") == []


def test_a_meeting_that_was_never_subscribed_to_is_just_forgotten(
    world: World, visit_id: str
) -> None:
    with world.store.write() as tx:
        tx.watches.unwant(visit_id, world.clock.now())

    world.watch_meetings()

    assert methods(world) == []
    assert world.rows("meeting_watch") == []


def test_a_subscription_that_cannot_be_deleted_now_is_deleted_later(
    world: World, visit_id: str
) -> None:
    world.watch_meetings()
    with world.store.write() as tx:
        tx.watches.unwant(visit_id, world.clock.now())
    world.subscriptions.faults.fail("delete", TryLater("http_503"))

    world.watch_meetings()
    assert len(world.subscriptions.live) == 1
    world.clock.advance(5)
    world.watch_meetings()

    assert world.subscriptions.live == {}


def test_the_meeting_of_a_finished_visit_is_watched_until_its_subscription_would_lapse(
    world: World,
) -> None:
    """People come back within minutes; nobody does after twelve hours."""
    world.watch_meetings()
    finish(world)
    world.watch_meetings()
    assert methods(world) == ["create"]

    world.clock.advance(NEARLY_LAPSED)
    world.watch_meetings()

    assert methods(world) == ["create", "delete"]
    assert world.subscriptions.live == {}
    assert world.rows("meeting_watch") == []


def test_a_finished_visit_that_a_provider_takes_up_again_is_watched_again(world: World) -> None:
    world.watch_meetings()
    finish(world)
    world.clock.advance(NEARLY_LAPSED)
    world.watch_meetings()

    world.open_visit.for_provider(provider_launch("again"), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()

    assert list(world.subscriptions.live) == ["subscription-2"]


def test_a_visit_taken_up_while_its_subscription_is_deleted_is_watched_anew(world: World) -> None:
    world.watch_meetings()
    finish(world)
    world.clock.advance(NEARLY_LAPSED)
    delete = world.subscriptions.delete

    def taken_up_meanwhile(tenant_id: str, graph_id: str) -> None:
        delete(tenant_id, graph_id)
        world.open_visit.for_provider(provider_launch("again"), PROVIDER_OBJECT_ID, "ref")

    world.subscriptions.delete = taken_up_meanwhile  # type: ignore[method-assign]
    world.watch_meetings()
    world.watch_meetings()

    assert list(world.subscriptions.live) == ["subscription-2"]
    assert watch(world)["graph_id"] == "subscription-2"


def test_a_delete_graph_answers_with_gone_is_a_delete(world: World, visit_id: str) -> None:
    world.watch_meetings()
    with world.store.write() as tx:
        tx.watches.unwant(visit_id, world.clock.now())
    world.subscriptions.faults.fail("delete", Gone("http_404"))

    world.watch_meetings()
    world.watch_meetings()

    assert world.rows("meeting_watch") == []
