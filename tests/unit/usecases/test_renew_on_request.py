"""Graph asks for a renewal on the lifecycle URL: only what is proven ours is renewed (cases 54, 65)."""

import pytest
from tests.builders.configurations import OTHER_TENANT, TENANT
from tests.builders.launches import PROVIDER_OBJECT_ID, provider_launch
from tests.builders.world import World

from connector.ports.errors import BadAnswer
from connector.usecases.prove_notification import client_state_of


@pytest.fixture
def secret(world: World) -> str:
    """The client state of the one watched meeting, whose subscription is confirmed."""
    opened = world.open_visit.for_provider(provider_launch(), PROVIDER_OBJECT_ID, "ref")
    world.watch_meetings()
    assert world.keep_subscriptions.due(10) == []
    return client_state_of(world.sealer, opened.visit.id)


def body(world: World, *items: tuple[str, str]) -> bytes:
    return world.reader.post([(graph_id, state, TENANT, None) for graph_id, state in items])


def test_a_subscription_graph_asks_about_is_renewed_at_once(world: World, secret: str) -> None:
    world.renew_on_request(body(world, ("subscription-1", secret)))

    world.watch_meetings()

    assert world.subscriptions.calls[-1] == ("renew", "subscription-1")


@pytest.mark.parametrize(
    ("graph_id", "state"),
    [
        ("subscription-1", "wrong"),
        ("subscription-1", ""),
        ("subscription-1", "visit-of-nobody."),
    ],
)
def test_case_54_an_item_that_is_not_proven_ours_changes_nothing(
    world: World, secret: str, graph_id: str, state: str
) -> None:
    world.renew_on_request(body(world, (graph_id, state)))

    assert world.keep_subscriptions.due(10) == []


def test_case_54_another_tenant_s_item_changes_nothing(world: World, secret: str) -> None:
    world.renew_on_request(world.reader.post([("subscription-1", secret, OTHER_TENANT, None)]))

    assert world.keep_subscriptions.due(10) == []


def test_a_foreign_item_does_not_keep_ours_from_being_renewed(world: World, secret: str) -> None:
    world.renew_on_request(body(world, ("subscription-of-others", "x"), ("subscription-1", secret)))

    assert len(world.keep_subscriptions.due(10)) == 1


def test_case_56_a_body_that_is_not_graph_s_changes_nothing(world: World, secret: str) -> None:
    world.renew_on_request(b"not json")
    world.reader.faults.fail("split", BadAnswer("too_many_items"))
    world.renew_on_request(body(world, ("subscription-1", secret)))

    assert world.keep_subscriptions.due(10) == []
