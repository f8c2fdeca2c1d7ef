"""An admin confirms where the tenant's data belong; what Entra says wins (case 75)."""

from collections.abc import Callable

import pytest
from tests.builders.configurations import NOON, TENANT, an_admin, identity, tenant
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused
from connector.domain.geography import Geography
from connector.domain.organization import MicrosoftIdentity, Tenant

Refusal = Callable[..., Refused]
AMERICAS, EMEA, APAC = Geography.AMERICAS, Geography.EMEA, Geography.APAC
SILENT = an_admin(country="", region_scope="")


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def registered(world: World) -> Tenant | None:
    with world.store.read() as tx:
        return tx.configurations.tenant(TENANT)


def nothing_is_kept(world: World) -> bool:
    return registered(world) is None and world.rows("audit_event") == []


# The working world ------------------------------------------------------------------------------


@pytest.mark.parametrize("admin", [an_admin(), SILENT], ids=["Entra agrees", "Entra says nothing"])
def test_a_confirmed_tenant_is_registered_with_who_and_when(
    world: World, admin: MicrosoftIdentity
) -> None:
    confirmed = world.confirm_geography(admin, AMERICAS, "ref-1")

    assert confirmed == registered(world)
    assert confirmed == Tenant(TENANT, AMERICAS, admin.country, NOON, admin.object_id)


def test_the_confirmation_is_audited(world: World) -> None:
    world.confirm_geography(an_admin(), AMERICAS, "ref-1")

    (line,) = world.rows("audit_event")
    assert (line["event"], line["reference"]) == (Event.GEOGRAPHY_CONFIRMED, "ref-1")
    assert (line["tenant_id"], line["actor"]) == (TENANT, an_admin().object_id)
    assert world.audited(Event.GEOGRAPHY_CONFIRMED) == [{"geography": "americas", "country": "US"}]


def test_confirming_again_keeps_the_first_word_and_says_nothing_new(world: World) -> None:
    first = world.confirm_geography(an_admin(), AMERICAS, "ref-1")
    world.clock.advance(60)

    again = world.confirm_geography(an_admin(object_id="another-admin"), AMERICAS, "ref-2")

    assert again == first == registered(world)
    assert len(world.rows("audit_event")) == 1


# Refused, and nothing kept ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "who",
    [identity(), an_admin(is_guest=True), an_admin(directory_roles=frozenset({"x"}))],
    ids=["a member", "a guest", "another role"],
)
def test_only_an_administrator_confirms(
    world: World, refusal: Refusal, who: MicrosoftIdentity
) -> None:
    refusal(Reason.ROLE_MISSING, world.confirm_geography, who, AMERICAS, "ref")
    assert nothing_is_kept(world)


@pytest.mark.parametrize("chosen", [EMEA, APAC])
def test_case_75_choosing_another_geography_leads_to_its_portal_and_keeps_nothing(
    world: World, refusal: Refusal, chosen: Geography
) -> None:
    refused = refusal(Reason.GEOGRAPHY_OTHER, world.confirm_geography, SILENT, chosen, "ref")
    assert refused.facts == {"geography": chosen.value}
    assert nothing_is_kept(world)


@pytest.mark.parametrize("chosen", list(Geography))
def test_case_75_a_tenant_entra_keeps_elsewhere_is_sent_there_whatever_the_admin_says(
    world: World, refusal: Refusal, chosen: Geography
) -> None:
    german = an_admin(country="DE", region_scope="EU")
    refused = refusal(Reason.GEOGRAPHY_OTHER, world.confirm_geography, german, chosen, "ref")
    assert refused.facts == {"geography": "emea"}
    assert nothing_is_kept(world)


@pytest.mark.parametrize("chosen", [EMEA, APAC])
def test_case_75_what_entra_says_wins_over_what_the_admin_says(
    world: World, refusal: Refusal, chosen: Geography
) -> None:
    refused = refusal(
        Reason.GEOGRAPHY_CONTRADICTED, world.confirm_geography, an_admin(), chosen, "ref"
    )
    assert refused.facts == {"microsoft_says": "americas", "chosen": chosen.value}
    assert nothing_is_kept(world)


def test_the_region_scope_alone_contradicts_as_well(world: World, refusal: Refusal) -> None:
    admin = an_admin(country="", region_scope="NA")
    refusal(Reason.GEOGRAPHY_CONTRADICTED, world.confirm_geography, admin, EMEA, "ref")


def test_case_75_a_tenant_registered_for_another_geography_stays_where_it_is(
    world: World, refusal: Refusal
) -> None:
    """A database restored into the wrong deployment moves nobody."""
    elsewhere = tenant(geography=EMEA)
    with world.store.write() as tx:
        tx.configurations.register_tenant(elsewhere)

    refused = refusal(Reason.GEOGRAPHY_OTHER, world.confirm_geography, SILENT, AMERICAS, "ref")

    assert refused.facts == {"geography": "emea"}
    assert registered(world) == elsewhere
    assert world.rows("audit_event") == []


# Licences ---------------------------------------------------------------------------------------


def test_licences_are_confirmed_once_with_who_and_when(world: World) -> None:
    world.confirm_geography(an_admin(), AMERICAS, "ref-1")
    world.clock.advance(60)
    at = world.clock.now()

    world.confirm_licence(an_admin(), "ref-2")
    world.clock.advance(60)
    world.confirm_licence(an_admin(object_id="another-admin"), "ref-3")

    found = registered(world)
    assert found is not None
    assert (found.licence_confirmed_at, found.licence_confirmed_by) == (at, an_admin().object_id)
    lines = [
        r["reference"] for r in world.rows("audit_event") if r["event"] == Event.LICENCE_CONFIRMED
    ]
    assert lines == ["ref-2"]


def test_licences_come_after_the_geography(world: World, refusal: Refusal) -> None:
    refusal(Reason.GEOGRAPHY_UNCONFIRMED, world.confirm_licence, an_admin(), "ref")
    assert nothing_is_kept(world)


def test_only_an_administrator_confirms_licences(world: World, refusal: Refusal) -> None:
    world.confirm_geography(an_admin(), AMERICAS, "ref-1")

    refusal(Reason.ROLE_MISSING, world.confirm_licence, identity(), "ref")

    found = registered(world)
    assert found is not None
    assert found.licence_confirmed_at is None
