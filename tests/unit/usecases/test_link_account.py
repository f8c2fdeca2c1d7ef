"""One Microsoft sign-in links an EHR user to an account for good."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tests.builders.configurations import OTHER_TENANT, TENANT, environment, identity
from tests.builders.launches import (
    PROVIDER_OBJECT_ID,
    PROVIDER_USER,
    SECOND_PROVIDER_OBJECT_ID,
    SECOND_PROVIDER_USER,
    provider_launch,
)
from tests.builders.world import World

from connector.domain.audit import Event
from connector.domain.errors import Reason, Refused
from connector.domain.organization import EnvironmentKind

Refusal = Callable[..., Refused]
PROVIDER = identity(object_id=PROVIDER_OBJECT_ID)
SECOND_PROVIDER = identity(object_id=SECOND_PROVIDER_OBJECT_ID)


def link_of(world: World, ehr_user_id: str = PROVIDER_USER.user_id) -> str | None:
    with world.store.read() as tx:
        return tx.links.find("env-test", ehr_user_id)


def test_the_first_sign_in_links_and_is_audited(world: World) -> None:
    assert world.link_account(provider_launch(), PROVIDER, "ref-1") == PROVIDER_OBJECT_ID

    assert link_of(world) == PROVIDER_OBJECT_ID
    (line,) = [row for row in world.rows("audit_event") if row["event"] == Event.ACCOUNT_LINKED]
    assert (line["actor"], line["reference"]) == (PROVIDER_OBJECT_ID, "ref-1")
    assert (line["tenant_id"], line["environment_id"]) == (TENANT, "env-test")


def test_the_only_thing_of_the_ehr_that_is_kept_is_the_user_id(world: World) -> None:
    world.link_account(provider_launch(), PROVIDER, "ref-1")

    (row,) = world.rows("ehr_user_link")
    assert row["ehr_user_id"] == PROVIDER_USER.user_id
    assert PROVIDER_USER.fhir_id.encode() not in world.stored_bytes()


def test_signing_in_again_with_the_same_account_is_fine(world: World) -> None:
    world.link_account(provider_launch(), PROVIDER, "ref-1")

    assert world.link_account(provider_launch(), PROVIDER, "ref-2") == PROVIDER_OBJECT_ID
    assert len(world.rows("ehr_user_link")) == 1


def test_a_sign_in_long_after_its_launch_links_nothing(world: World, refusal: Refusal) -> None:
    old = provider_launch(verified_at=world.clock.now() - timedelta(minutes=10, seconds=1))

    refusal(Reason.SIGN_IN_EXPIRED, world.link_account, old, PROVIDER, "ref-1")

    assert link_of(world) is None


def test_two_ehr_users_may_belong_to_one_account(world: World) -> None:
    world.link_account(provider_launch(), PROVIDER, "ref-1")
    world.link_account(provider_launch(user=SECOND_PROVIDER_USER), PROVIDER, "ref-2")

    assert link_of(world, SECOND_PROVIDER_USER.user_id) == PROVIDER_OBJECT_ID


def test_case_27_another_account_never_takes_a_linked_user_over(
    world: World, refusal: Refusal
) -> None:
    world.link_account(provider_launch(), PROVIDER, "ref-1")
    before = world.rows("audit_event")

    refusal(
        Reason.ACCOUNT_LINKED_TO_ANOTHER_USER,
        world.link_account,
        provider_launch(),
        SECOND_PROVIDER,
        "ref-2",
    )

    assert link_of(world) == PROVIDER_OBJECT_ID
    assert world.rows("audit_event") == before


def test_an_account_of_another_tenant_is_refused(world: World, refusal: Refusal) -> None:
    stranger = replace(PROVIDER, tenant_id=OTHER_TENANT)

    refusal(Reason.ACCOUNT_OF_OTHER_TENANT, world.link_account, provider_launch(), stranger, "ref")
    assert link_of(world) is None


def test_a_guest_of_the_tenant_is_refused(world: World, refusal: Refusal) -> None:
    guest = replace(PROVIDER, is_guest=True)

    refusal(Reason.ACCOUNT_IS_GUEST, world.link_account, provider_launch(), guest, "ref")
    assert link_of(world) is None


def test_a_link_holds_in_its_own_environment_only(world: World) -> None:
    """The same EHR user ID in production is not believed to be the same person."""
    world.add_environment(
        replace(environment(), id="env-production", kind=EnvironmentKind.PRODUCTION)
    )
    world.link_account(provider_launch(environment_id="env-production"), SECOND_PROVIDER, "ref")

    assert link_of(world) is None
    assert world.link_account(provider_launch(), PROVIDER, "ref") == PROVIDER_OBJECT_ID
