"""An address that reads like another tenant's is refused at entry (case 41, ADR 9)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import (
    NOON,
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    active,
    an_admin,
    approver,
    endpoints,
    the_approver,
)
from tests.builders.sharing import (
    FABRIKAM,
    approve,
    enter,
    entered,
    fabrikam_awaits,
    fabrikam_live,
    guest_admin,
    register,
)
from tests.builders.world import World
from tests.fakes.smart import FakeSmart

from connector.domain.audit import Event
from connector.domain.configuration import Revision, RevisionState, SmartEndpoints
from connector.domain.errors import Reason, Refused
from connector.domain.lookalike import LiveAddress

Refusal = Callable[..., Refused]
ALIKE = TEST_BASE.replace("contoso", "contosso")
OTHER_VERSION = TEST_BASE.replace("R4", "DSTU2")


class AsOtherVersion(FakeSmart):
    """One EHR, whichever version of its API is asked."""

    def discover(self, fhir_base_url: str) -> SmartEndpoints:
        return endpoints(TEST_BASE)


@pytest.fixture(autouse=True)
def _fabrikam_is_registered(world: World) -> None:
    register(world, OTHER_TENANT)


def test_case_41_a_host_that_reads_like_another_tenants_is_refused_and_nothing_kept(
    world: World, refusal: Refusal
) -> None:
    refused = refusal(Reason.URL_LOOKS_LIKE_ANOTHER, enter, world, ALIKE)

    assert refused.facts == {"why": "host_reads_alike"}
    assert [row["tenant_id"] for row in world.rows("ehr_environment")] == [TENANT]
    assert world.audited(Event.CONFIGURATION_SUBMITTED) == []


def test_case_41_the_same_ehr_under_another_spelling_is_refused(
    world: World, refusal: Refusal
) -> None:
    """Whatever the address, its EHR names the sign-in of the live one."""
    one_version_only = replace(world.enter_configuration, smart=AsOtherVersion())
    world.directory.add(OTHER_TENANT, approver())

    refused = refusal(
        Reason.URL_LOOKS_LIKE_ANOTHER,
        one_version_only,
        guest_admin(),
        entered(OTHER_VERSION),
        "ref",
    )

    assert refused.facts == {"why": "same_ehr"}


def test_the_production_environment_of_the_same_server_has_a_sign_in_of_its_own(
    world: World,
) -> None:
    assert enter(world, PRODUCTION_BASE).fhir_base_url == PRODUCTION_BASE


def test_a_tenant_may_look_like_itself(world: World) -> None:
    world.smart.add_ehr(ALIKE)
    form = replace(entered(ALIKE), organization_name="Contoso Health")
    assert world.enter_configuration(an_admin(), form, "ref").fhir_base_url == ALIKE


def test_a_host_an_operator_vouches_for_is_let_in(world: World) -> None:
    host = "ehr.contosso.example"
    vouching = replace(world.enter_configuration, vouched_hosts=frozenset({host}))
    world.directory.add(OTHER_TENANT, approver())
    world.smart.add_ehr(ALIKE)
    assert vouching(guest_admin(), entered(ALIKE), "ref").fhir_base_url == ALIKE


# Looked at again when it goes live: somebody else may have been faster since it was entered --------


def both_wait(world: World) -> Revision:
    """Fabrikam entered an address; Contoso goes live with one that reads like it after that."""
    return fabrikam_awaits(world, fhir_base_url=ALIKE, endpoints=endpoints(ALIKE))


def test_case_41_an_approval_does_not_bring_a_lookalike_live(
    world: World, refusal: Refusal
) -> None:
    waiting = both_wait(world)

    refused = refusal(Reason.URL_LOOKS_LIKE_ANOTHER, approve, world, waiting)

    assert refused.facts == {"why": "host_reads_alike"}
    assert world.audited(Event.CONFIGURATION_APPROVED) == []
    with world.store.read() as tx:
        assert tx.configurations.revision(waiting.id) == waiting
        assert tx.configurations.door_of_environment(waiting.environment_id) is None


def test_an_approval_passes_where_an_operator_vouched_for_the_host(world: World) -> None:
    waiting = both_wait(world)
    vouching = replace(
        world.approve_configuration, vouched_hosts=frozenset({"ehr.contosso.example"})
    )

    who = the_approver(tenant_id=OTHER_TENANT)
    approved = vouching.approve(who, waiting.id, waiting.digest(), "ref")
    assert approved.state is RevisionState.ACTIVE


def test_case_41_a_rollback_does_not_bring_a_lookalike_back(world: World, refusal: Refusal) -> None:
    """Live with it before Contoso was, moved away, and now back."""
    waiting = both_wait(world)
    elsewhere = active(
        id="rev-elsewhere",
        environment_id=FABRIKAM.id,
        tenant_id=OTHER_TENANT,
        number=2,
        fhir_base_url=PRODUCTION_BASE,
    )
    with world.store.write() as tx:
        approved = replace(waiting, state=RevisionState.SUPERSEDED, approved_at=NOON)
        assert tx.configurations.save_revision(approved, waiting.state.value)
        tx.configurations.add_revision(elsewhere)
        assert tx.configurations.activate(elsewhere)

    arguments = (guest_admin(), FABRIKAM.id, elsewhere.id, "ref")
    refusal(Reason.URL_LOOKS_LIKE_ANOTHER, world.roll_back, *arguments)

    with world.store.read() as tx:
        door = tx.configurations.door_of_environment(FABRIKAM.id)
    assert door is not None
    assert door.revision == elsewhere


def test_the_first_of_a_pair_an_operator_vouched_for_is_not_locked_out(world: World) -> None:
    """Contoso is live, Fabrikam was vouched for: Contoso goes on editing its own address."""
    waiting = both_wait(world)
    with world.store.write() as tx:
        assert tx.configurations.activate(waiting)
    world.smart.add_ehr(TEST_BASE)
    form = replace(entered(TEST_BASE), organization_name="Contoso Health")

    edited = world.enter_configuration(an_admin(), form, "ref")
    assert edited.fhir_base_url == TEST_BASE


def test_an_address_is_told_once_by_its_owner_and_not_to_the_owner(world: World) -> None:
    """A guest's claim of the same address adds nothing."""
    fabrikam_live(world)
    with world.store.read() as tx:
        seen = {each: tx.grants.live_elsewhere(each) for each in (TENANT, OTHER_TENANT, "third")}

    live = [LiveAddress(TEST_BASE, endpoints(TEST_BASE))]
    assert seen == {TENANT: [], OTHER_TENANT: live, "third": live}
