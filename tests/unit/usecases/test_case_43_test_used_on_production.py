"""Case 43: what belongs to test is refused on production, and the environment is named.

At promotion and at entry: test's address and client ids. At launch: test's records, codes and identity tokens.
"""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from tests.builders.configurations import (
    PRODUCTION_BASE,
    TEST_BASE,
    active,
    an_admin,
    approver,
    clients,
)
from tests.builders.launches import PROVIDER_USER, appointment
from tests.builders.promotions import PRODUCTION_CLIENTS, live, plan, production
from tests.builders.world import World

from connector.domain.configuration import Revision
from connector.domain.errors import Reason, Refused
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.domain.promotion import Item
from connector.usecases.begin_launch import AuthorizationRequest
from connector.usecases.enter_configuration import EnteredConfiguration

Refusal = Callable[..., Refused]


@pytest.fixture
def world(world: World) -> World:
    """Test and production are both in use."""
    world.add_environment(production())
    world.smart.add_ehr(PRODUCTION_BASE)
    live(world, 1)
    world.book(appointment(), PRODUCTION_BASE)
    return world


def begin(world: World) -> AuthorizationRequest:
    return world.begin_launch(LaunchKind.PROVIDER, PRODUCTION_BASE, "launch-token")


def of_production(**changes: str) -> dict[str, str]:
    return {"environment": "production", "recordId": "record-provider-env-production"} | changes


def blocking(world: World, **changes: object) -> list[Item]:
    return [item for item in plan(world, **changes).blockers if "test" in str(item.facts)]


def test_a_launch_with_production_s_own_record_passes(world: World) -> None:
    request = begin(world)
    query = world.sign_in(request, PROVIDER_USER, of_production())

    completed = world.complete_launch(request.transaction, query)
    assert completed.door.environment.id == "env-production"


@pytest.mark.parametrize(
    ("changes", "reason", "facts"),
    [
        (
            {"environment": "test"},
            Reason.ENVIRONMENT_MISMATCH,
            {"record": "other", "environment": "production"},
        ),
        (
            {"recordId": "record-provider"},
            Reason.RECORD_UNKNOWN,
            {"kind": "provider", "environment": "production"},
        ),
    ],
)
def test_a_record_of_test_is_refused_on_production(
    world: World, refusal: Refusal, changes: dict[str, str], reason: Reason, facts: dict[str, str]
) -> None:
    request = begin(world)
    query = world.sign_in(request, PROVIDER_USER, of_production(**changes))

    assert refusal(reason, world.complete_launch, request.transaction, query).facts == facts


def test_a_code_of_the_test_ehr_is_refused_on_production_and_goes_nowhere(
    world: World, refusal: Refusal
) -> None:
    request = begin(world)
    of_test = world.begin_launch(LaunchKind.PROVIDER, TEST_BASE, "launch-token")
    query = world.sign_in(of_test, PROVIDER_USER) | {"state": request.transaction.state}

    refusal(Reason.ISSUER_MIXED_UP, world.complete_launch, request.transaction, query)
    assert world.smart.count("redeem_code") == 0


def test_an_identity_token_of_the_test_ehr_is_refused_on_production(
    world: World, refusal: Refusal
) -> None:
    """Even where the test EHR calls itself production in the callback."""
    request = begin(world)
    of_test = world.begin_launch(LaunchKind.PROVIDER, TEST_BASE, "launch-token")
    query = world.sign_in(of_test, PROVIDER_USER)
    forged = query | {
        "state": request.transaction.state,
        "iss": request.door.revision.endpoints.issuer,
    }

    refused = refusal(Reason.EHR_DENIED, world.complete_launch, request.transaction, forged)
    assert refused.facts["code"] == "invalid_grant"


def test_test_s_address_is_no_production_address(world: World) -> None:
    (item,) = blocking(world, fhir_base_url=TEST_BASE)
    assert item.facts == {"environment": "test", "environment_id": "env-test"}


def test_test_s_clients_are_no_production_clients(world: World) -> None:
    with world.store.read() as tx:
        of_test = tx.configurations.revisions("env-test")[0].clients
    assert of_test != PRODUCTION_CLIENTS

    (item,) = blocking(world, clients=of_test)
    assert item.facts == {"of_test": "provider, patient, backend"}


def edit(world: World, kind: EnvironmentKind, base: str, **clients: str) -> Revision:
    """An admin enters a new revision of an environment that exists."""
    form = EnteredConfiguration(
        organization_name="Contoso Health",
        kind=kind,
        fhir_base_url=base,
        approver_sign_in_name=approver().sign_in_name,
        time_zone="America/Chicago",
        clients=replace(PRODUCTION_CLIENTS, **clients),
    )
    return world.enter_configuration(an_admin(), form, "ref")


def test_test_s_clients_are_not_entered_for_production_whatever_they_are_for(
    world: World, refusal: Refusal
) -> None:
    of_test = clients()
    mixed = {"patient": of_test.patient, "backend": of_test.provider}

    refused = refusal(
        Reason.CLIENTS_MIXED_UP, edit, world, EnvironmentKind.PRODUCTION, PRODUCTION_BASE, **mixed
    )

    assert refused.facts == {"environment": "test", "clients": "patient, backend"}
    assert len(world.rows("configuration_revision")) == 2
    assert edit(world, EnvironmentKind.PRODUCTION, PRODUCTION_BASE).number == 2


def test_production_s_clients_are_not_entered_for_test(world: World, refusal: Refusal) -> None:
    world.smart.add_ehr(TEST_BASE)
    refused = refusal(Reason.CLIENTS_MIXED_UP, edit, world, EnvironmentKind.TEST, TEST_BASE)
    assert refused.facts == {"environment": "production", "clients": "provider, patient, backend"}


def test_client_ids_that_test_gave_up_are_free(world: World) -> None:
    moved = clients(provider="t2", patient="t3", backend="t4")
    world.approve(active(id="rev-test-2", number=2, clients=moved))

    former = asdict(clients())
    assert edit(world, EnvironmentKind.PRODUCTION, PRODUCTION_BASE, **former).number == 2
