"""An address that reads like another tenant's is refused at entry (case 41, ADR 9)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.builders.configurations import (
    OTHER_TENANT,
    PRODUCTION_BASE,
    TENANT,
    TEST_BASE,
    an_admin,
    approver,
    endpoints,
)
from tests.builders.sharing import enter, entered, fabrikam_live, guest_admin, register
from tests.builders.world import World
from tests.fakes.smart import FakeSmart

from connector.domain.audit import Event
from connector.domain.configuration import SmartEndpoints
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


def test_an_address_is_told_once_by_its_owner_and_not_to_the_owner(world: World) -> None:
    """A guest's claim of the same address adds nothing."""
    fabrikam_live(world)
    with world.store.read() as tx:
        seen = {each: tx.grants.live_elsewhere(each) for each in (TENANT, OTHER_TENANT, "third")}

    live = [LiveAddress(TEST_BASE, endpoints(TEST_BASE))]
    assert seen == {TENANT: [], OTHER_TENANT: live, "third": live}
