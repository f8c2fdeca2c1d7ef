"""Shared addresses: one owner, guests by an accepted grant, and launches routed by their record."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from tests.builders.store import BASE_URL, CUSTOMER, ENVIRONMENT, NOON, REVISION, seed_environment

from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import Revision, RevisionState
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.sharing import Grant, GrantState
from connector.ports.storage import StorageConflict

GUEST_TENANT = "guest-tenant"
GUEST = replace(ENVIRONMENT, id="guest-env", tenant_id=GUEST_TENANT, organization_id="guest-org")
THIRD = replace(ENVIRONMENT, id="third-env", tenant_id="third", organization_id="third-org")
OWNED = replace(REVISION, state=RevisionState.ACTIVE, approved_at=NOON)
GUESTS = replace(OWNED, id="guest-revision", environment_id=GUEST.id, tenant_id=GUEST_TENANT)
GRANT = Grant(
    id="grant",
    fhir_base_url=BASE_URL,
    owner_environment_id=ENVIRONMENT.id,
    owner_tenant_id=ENVIRONMENT.tenant_id,
    guest_tenant_id=GUEST_TENANT,
    state=GrantState.OFFERED,
    offered_at=NOON,
    offered_by="admin-1",
)
ACCEPTED = replace(GRANT, state=GrantState.ACCEPTED, answered_at=NOON, answered_by="admin-2")


def go_live(store: SqlStore, revision: Revision) -> bool:
    with store.write() as tx:
        tx.configurations.add_revision(revision)
        return tx.configurations.activate(revision)


@pytest.fixture
def shared(store: SqlStore) -> SqlStore:
    """The owner is live and has offered; the guest has an environment and a record."""
    for environment in (ENVIRONMENT, GUEST, THIRD):
        seed_environment(store, environment)
    assert go_live(store, OWNED)
    with store.write() as tx:
        tx.records.add(IntegrationRecord("owner-record", ENVIRONMENT.id, LaunchKind.PROVIDER))
        tx.records.add(IntegrationRecord("guest-record", GUEST.id, LaunchKind.PROVIDER))
        tx.grants.add(GRANT)
    return store


def accept(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.grants.save(ACCEPTED, GrantState.OFFERED)


def door_of(store: SqlStore, record_id: str) -> str | None:
    with store.read() as tx:
        found = tx.configurations.door_of_record(BASE_URL, record_id)
    return found and found[0].environment.id


def test_an_offer_alone_lets_nobody_in(shared: SqlStore) -> None:
    """Case 41: no takeover of an address, not even by whom it was offered to."""
    assert not go_live(shared, GUESTS)
    assert door_of(shared, "guest-record") is None


def test_an_accepted_grant_lets_the_guest_in_beside_the_owner(shared: SqlStore) -> None:
    accept(shared)
    assert go_live(shared, GUESTS)
    assert door_of(shared, "guest-record") == GUEST.id
    assert door_of(shared, "owner-record") == ENVIRONMENT.id
    with shared.read() as tx:
        owner = tx.configurations.door(BASE_URL)
        assert tx.configurations.owner_of(BASE_URL) == ENVIRONMENT.id
    assert owner is not None
    assert owner.environment == ENVIRONMENT


def test_a_third_tenant_is_let_in_by_nobody_elses_grant(shared: SqlStore) -> None:
    accept(shared)
    assert not go_live(
        shared, replace(GUESTS, id="third", environment_id=THIRD.id, tenant_id="third")
    )


def test_a_withdrawn_grant_ends_the_guests_launches(shared: SqlStore) -> None:
    accept(shared)
    go_live(shared, GUESTS)
    with shared.write() as tx:
        assert tx.grants.save(replace(ACCEPTED, state=GrantState.WITHDRAWN), GrantState.ACCEPTED)
        assert tx.grants.drop_claims(GRANT.id) == ["guest-revision"]
        assert tx.grants.drop_claims(GRANT.id) == []
    assert door_of(shared, "guest-record") is None
    assert door_of(shared, "owner-record") == ENVIRONMENT.id


def withdraw(store: SqlStore) -> Sequence[str]:
    with store.write() as tx:
        assert tx.grants.save(replace(ACCEPTED, state=GrantState.WITHDRAWN), GrantState.ACCEPTED)
        return tx.grants.drop_claims(GRANT.id)


def test_a_grant_withdrawn_while_its_guest_goes_live_leaves_no_claim(shared: SqlStore) -> None:
    """Case 41: the withdrawal waits for the claim that stands on the grant, and takes it along."""
    accept(shared)
    with ThreadPoolExecutor(1) as pool:
        with shared.write() as tx:
            tx.configurations.add_revision(GUESTS)
            assert tx.configurations.activate(GUESTS)
            withdrawn = pool.submit(withdraw, shared)
            wait([withdrawn], 0.5)
        assert withdrawn.result() == [GUESTS.id]
    with shared.read() as tx:
        assert tx.configurations.door_of_environment(GUEST.id) is None


def test_guests_launch_no_more_when_the_owner_leaves_the_address(shared: SqlStore) -> None:
    """Whoever claims the address next is not who gave the grant."""
    accept(shared)
    go_live(shared, GUESTS)
    with shared.write() as tx:
        tx.configurations.retire(OWNED)
    newcomer = replace(OWNED, id="third", environment_id=THIRD.id, tenant_id="third")
    assert go_live(shared, newcomer)
    assert door_of(shared, "guest-record") is None
    with shared.read() as tx:
        assert tx.grants.accepted(BASE_URL, GUEST_TENANT) is None
        retired = tx.configurations.revision(OWNED.id)
    assert retired is not None
    assert retired.state is RevisionState.RETIRED


def test_a_grant_is_of_one_address_and_its_owner_cannot_take_it_elsewhere(shared: SqlStore) -> None:
    accept(shared)
    moved = replace(OWNED, id="moved", number=2, fhir_base_url="https://else.example/R4")
    newcomer = replace(OWNED, id="third", environment_id=THIRD.id, tenant_id="third")
    assert go_live(shared, moved)
    assert go_live(shared, newcomer)
    with shared.read() as tx:
        assert tx.grants.accepted(BASE_URL, GUEST_TENANT) is None
        assert tx.grants.accepted(moved.fhir_base_url, GUEST_TENANT) is None
    assert not go_live(shared, GUESTS)


def test_a_record_opens_no_door_at_another_address(shared: SqlStore) -> None:
    with shared.read() as tx:
        assert tx.configurations.door_of_record("https://else.example", "owner-record") is None


def test_a_grant_is_answered_once(shared: SqlStore) -> None:
    accept(shared)
    with shared.write() as tx:
        declined = replace(GRANT, state=GrantState.DECLINED)
        assert not tx.grants.save(declined, GrantState.OFFERED)
        assert tx.grants.find(GRANT.id) == ACCEPTED


def test_both_tenants_see_a_grant_and_nobody_else(shared: SqlStore) -> None:
    with shared.read() as tx:
        assert tx.grants.of_tenant(ENVIRONMENT.tenant_id) == [GRANT]
        assert tx.grants.of_tenant(GUEST_TENANT) == [GRANT]
        assert tx.grants.of_tenant("third") == []


def test_a_grant_by_an_unknown_tenant_is_refused(shared: SqlStore) -> None:
    with pytest.raises(StorageConflict), shared.write() as tx:
        tx.grants.add(replace(GRANT, id="other", owner_tenant_id="unheard-of"))


def test_a_verified_record_remembers_who_and_when(shared: SqlStore) -> None:
    with shared.write() as tx:
        tx.records.mark_verified("owner-record", "analyst-1", NOON)
        found = tx.records.find("owner-record")
    assert found is not None
    assert (found.verified_by, found.verified_at) == ("analyst-1", NOON)


def test_verification_is_forgotten_for_one_environment_only(shared: SqlStore) -> None:
    with shared.write() as tx:
        for record in ("owner-record", "guest-record"):
            tx.records.mark_verified(record, "analyst-1", NOON)
        tx.records.forget_verification(ENVIRONMENT.id)
    with shared.read() as tx:
        owners, guests = tx.records.find("owner-record"), tx.records.find("guest-record")
    assert owners is not None
    assert guests is not None
    assert (owners.verified_at, owners.verified_by) == (None, "")
    assert guests.verified_at == NOON


def test_verifying_an_unknown_record_is_refused(store: SqlStore) -> None:
    with pytest.raises(StorageConflict), store.write() as tx:
        tx.records.mark_verified("nobody's", "analyst-1", NOON)


def test_registering_a_known_tenant_keeps_its_licence(shared: SqlStore) -> None:
    with shared.write() as tx:
        tx.configurations.confirm_licence(CUSTOMER.id, "admin-1", NOON)
        tx.configurations.register_tenant(CUSTOMER)
    with shared.read() as tx:
        known = tx.configurations.tenant(CUSTOMER.id)
    assert known is not None
    assert known.licence_confirmed_by == "admin-1"
