"""Configurations: who owns a base URL, which revision launches use, who may be faster."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.store import (
    BASE_URL,
    CUSTOMER,
    ENVIRONMENT,
    NOON,
    REVISION,
    TENANT,
    seed_environment,
)

from connector.adapters.sql.store import SqlStore
from connector.domain.configuration import Revision, RevisionState
from connector.domain.geography import Geography
from connector.domain.integration_record import IntegrationRecord
from connector.domain.launch import LaunchKind
from connector.domain.organization import EnvironmentKind
from connector.ports.storage import StorageConflict

PRODUCTION = replace(ENVIRONMENT, id="environment-production", kind=EnvironmentKind.PRODUCTION)
ACTIVE = replace(REVISION, state=RevisionState.ACTIVE, approved_at=NOON)


def add(store: SqlStore, *revisions: Revision) -> None:
    with store.write() as tx:
        for revision in revisions:
            tx.configurations.add_revision(revision)


def activate(store: SqlStore, revision: Revision) -> bool:
    with store.write() as tx:
        return tx.configurations.activate(revision)


def test_an_environment_comes_back_as_it_was_added(environment: SqlStore) -> None:
    with environment.read() as tx:
        assert tx.configurations.environment(ENVIRONMENT.id) == ENVIRONMENT
        assert list(tx.configurations.environments(TENANT)) == [ENVIRONMENT]


def test_an_environment_is_found_by_tenant_organization_and_kind(environment: SqlStore) -> None:
    with environment.read() as tx:
        find = tx.configurations.find_environment
        assert find(TENANT, "Riverside Health", EnvironmentKind.TEST) == ENVIRONMENT
        assert find(TENANT, "Riverside Health", EnvironmentKind.PRODUCTION) is None
        assert find(TENANT, "riverside health", EnvironmentKind.TEST) is None
        assert find("another-tenant", "Riverside Health", EnvironmentKind.TEST) is None


def test_unknown_ids_find_nothing(environment: SqlStore) -> None:
    with environment.read() as tx:
        found = tx.configurations
        assert found.environment("nobody's") is None
        assert found.environments("nobody's") == []
        assert found.revision("nobody's") is None
        assert found.revisions("nobody's") == []
        assert found.owner_of("https://nobody.example") is None
        assert found.door("https://nobody.example") is None
        assert found.door_of_environment("nobody's") is None
        assert found.door_of_record("https://nobody.example", "nobody's") is None
        assert tx.records.of("nobody's") == []
        assert tx.records.find("nobody's") is None
        assert tx.grants.find("nobody's") is None
        assert tx.grants.of_tenant("nobody's") == []


@pytest.mark.parametrize("organization_id", [ENVIRONMENT.organization_id, "made-up-again"])
def test_a_second_environment_joins_the_organization_of_its_name(
    environment: SqlStore, organization_id: str
) -> None:
    seed_environment(environment, replace(PRODUCTION, organization_id=organization_id))
    with environment.read() as tx:
        stored = tx.configurations.environment(PRODUCTION.id)
    assert stored == PRODUCTION


def test_an_organization_has_one_environment_of_a_kind(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict):
        seed_environment(environment, replace(ENVIRONMENT, id="again"))
    with environment.read() as tx:
        assert len(tx.configurations.environments(TENANT)) == 1


def test_two_tenants_may_use_the_same_organization_name(environment: SqlStore) -> None:
    other = replace(ENVIRONMENT, id="theirs", tenant_id="other-tenant", organization_id="other-org")
    seed_environment(environment, other)
    with environment.read() as tx:
        assert tx.configurations.environments("other-tenant") == [other]


def test_registering_a_tenant_again_changes_nothing(environment: SqlStore) -> None:
    with environment.write() as tx:
        tx.configurations.register_tenant(replace(CUSTOMER, registered_at=NOON + timedelta(days=1)))
    with environment.read() as tx:
        assert tx.configurations.environment(ENVIRONMENT.id) == ENVIRONMENT


@pytest.mark.parametrize("geography", [Geography.EMEA, Geography.APAC])
def test_a_tenant_never_moves_to_another_geography(
    environment: SqlStore, geography: Geography
) -> None:
    with pytest.raises(StorageConflict), environment.write() as tx:
        tx.configurations.register_tenant(replace(CUSTOMER, geography=geography))
    with environment.read() as tx:
        assert tx.configurations.tenant(TENANT) == CUSTOMER


def test_a_new_tenant_of_an_unknown_geography_is_refused(store: SqlStore) -> None:
    """Case 75: geography is a constraint of the database."""
    nowhere = replace(CUSTOMER, id="new-tenant", geography="antarctica")  # type: ignore[arg-type]
    with pytest.raises(StorageConflict), store.write() as tx:
        tx.configurations.register_tenant(nowhere)


def test_a_tenant_is_told_as_it_was_registered(environment: SqlStore) -> None:
    with environment.read() as tx:
        assert tx.configurations.tenant(TENANT) == CUSTOMER
        assert tx.configurations.tenant("unheard-of") is None


def test_a_licence_is_confirmed_by_somebody_at_some_time(environment: SqlStore) -> None:
    with environment.write() as tx:
        tx.configurations.confirm_licence(TENANT, "admin-2", NOON)
    with environment.read() as tx:
        known = tx.configurations.tenant(TENANT)
    assert known == replace(CUSTOMER, licence_confirmed_at=NOON, licence_confirmed_by="admin-2")


def test_the_licence_of_an_unregistered_tenant_is_not_confirmed(store: SqlStore) -> None:
    with pytest.raises(StorageConflict), store.write() as tx:
        tx.configurations.confirm_licence("unheard-of", "admin-2", NOON)


def test_an_environment_of_an_unregistered_tenant_is_refused(store: SqlStore) -> None:
    with pytest.raises(StorageConflict), store.write() as tx:
        tx.configurations.add_environment(ENVIRONMENT, NOON)


def test_a_revision_comes_back_as_it_was_added(environment: SqlStore) -> None:
    stamped = replace(
        REVISION,
        microsoft_signed_in_at=NOON + timedelta(microseconds=1),
        ehr_signed_in_at=NOON + timedelta(hours=1),
        change_request="Which client id is production?",
    )
    add(environment, stamped)
    with environment.read() as tx:
        assert tx.configurations.revision(stamped.id) == stamped


def test_revisions_come_newest_first(environment: SqlStore) -> None:
    add(environment, REVISION, replace(REVISION, id="revision-2", number=2))
    with environment.read() as tx:
        assert [r.number for r in tx.configurations.revisions(ENVIRONMENT.id)] == [2, 1]


def test_a_revision_number_is_used_once(environment: SqlStore) -> None:
    add(environment, REVISION)
    with pytest.raises(StorageConflict):
        add(environment, replace(REVISION, id="revision-again"))


def test_a_revision_of_an_unknown_environment_is_refused(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict):
        add(environment, replace(REVISION, environment_id="nobody's"))


def test_saving_a_revision_stores_every_value(environment: SqlStore) -> None:
    add(environment, REVISION)
    changed = replace(
        ACTIVE,
        fhir_base_url="https://moved.example/R4",
        clients=replace(REVISION.clients, patient="client-x"),
        endpoints=replace(REVISION.endpoints, authorize_by_post=True),
        approver=replace(REVISION.approver, object_id="approver-2"),
        change_request="Done",
    )
    with environment.write() as tx:
        assert tx.configurations.save_revision(changed, "awaiting_approval")
    with environment.read() as tx:
        assert tx.configurations.revision(REVISION.id) == changed


def test_a_revision_that_left_the_expected_state_is_not_saved(environment: SqlStore) -> None:
    add(environment, REVISION)
    with environment.write() as tx:
        assert not tx.configurations.save_revision(ACTIVE, "draft")
    with environment.read() as tx:
        assert tx.configurations.revision(REVISION.id) == REVISION


def test_saving_an_unknown_revision_stores_nothing(environment: SqlStore) -> None:
    with environment.write() as tx:
        assert not tx.configurations.save_revision(REVISION, "awaiting_approval")


def test_an_approver_sees_only_what_waits_for_them(environment: SqlStore) -> None:
    seed_environment(environment, PRODUCTION)
    somebody = replace(REVISION.approver, object_id="approver-2")
    add(
        environment,
        REVISION,
        replace(REVISION, id="approved", number=2, state=RevisionState.ACTIVE),
        replace(REVISION, id="other", number=3, approver=somebody),
        replace(REVISION, id="later", environment_id=PRODUCTION.id, created_at=NOON + timedelta(1)),
    )
    with environment.read() as tx:
        to_approve = tx.configurations.revisions_to_approve
        assert [r.id for r in to_approve(TENANT, "approver-1")] == ["revision-1", "later"]
        assert to_approve("another-tenant", "approver-1") == []


def test_an_approved_base_url_opens_the_door_to_its_revision(environment: SqlStore) -> None:
    add(environment, ACTIVE)
    assert activate(environment, ACTIVE)
    with environment.read() as tx:
        door = tx.configurations.door(BASE_URL)
        assert door is not None
        assert (door.environment, door.revision) == (ENVIRONMENT, ACTIVE)
        assert tx.configurations.door_of_environment(ENVIRONMENT.id) == door
        assert tx.configurations.owner_of(BASE_URL) == ENVIRONMENT.id


@pytest.mark.parametrize(
    "issuer", [BASE_URL.upper(), f"{BASE_URL}/", BASE_URL[:-1], f"{BASE_URL}%", "%", ""]
)
def test_no_other_spelling_of_a_base_url_opens_the_door(environment: SqlStore, issuer: str) -> None:
    """Case 5: the compare is byte for byte."""
    add(environment, ACTIVE)
    activate(environment, ACTIVE)
    with environment.read() as tx:
        assert tx.configurations.door(issuer) is None


def test_a_revision_that_only_awaits_approval_opens_no_door(environment: SqlStore) -> None:
    add(environment, REVISION)
    with environment.read() as tx:
        assert tx.configurations.door(BASE_URL) is None


def test_activating_the_next_revision_supersedes_the_last_one(environment: SqlStore) -> None:
    following = replace(ACTIVE, id="revision-2", number=2)
    add(environment, ACTIVE, following)
    activate(environment, ACTIVE)
    assert activate(environment, following)
    with environment.read() as tx:
        states = {r.id: r.state for r in tx.configurations.revisions(ENVIRONMENT.id)}
        door = tx.configurations.door(BASE_URL)
    assert states == {"revision-1": RevisionState.SUPERSEDED, "revision-2": RevisionState.ACTIVE}
    assert door is not None
    assert door.revision.id == "revision-2"


def test_a_superseded_revision_can_be_activated_again(environment: SqlStore) -> None:
    """Rollback to the previous approved revision (design.md flow 5)."""
    following = replace(ACTIVE, id="revision-2", number=2)
    add(environment, ACTIVE, following)
    activate(environment, ACTIVE)
    activate(environment, following)
    assert activate(environment, replace(ACTIVE, state=RevisionState.SUPERSEDED))
    with environment.read() as tx:
        door = tx.configurations.door(BASE_URL)
    assert door is not None
    assert door.revision == ACTIVE


def test_an_environment_that_moves_gives_its_old_base_url_free(environment: SqlStore) -> None:
    moved = replace(ACTIVE, id="revision-2", number=2, fhir_base_url="https://moved.example/R4")
    add(environment, ACTIVE, moved)
    activate(environment, ACTIVE)
    assert activate(environment, moved)
    with environment.read() as tx:
        assert tx.configurations.door(BASE_URL) is None
        assert tx.configurations.owner_of(moved.fhir_base_url) == ENVIRONMENT.id


def test_a_base_url_held_by_another_environment_is_not_taken_over(environment: SqlStore) -> None:
    """Case 41: no takeover of the first, and the loser keeps what it had."""
    seed_environment(environment, PRODUCTION)
    own = replace(
        ACTIVE, id="own", environment_id=PRODUCTION.id, fhir_base_url="https://own.example"
    )
    greedy = replace(ACTIVE, id="greedy", environment_id=PRODUCTION.id, number=2)
    add(environment, ACTIVE, own, greedy)
    activate(environment, ACTIVE)
    activate(environment, own)
    assert not activate(environment, greedy)
    with environment.read() as tx:
        assert tx.configurations.owner_of(BASE_URL) == ENVIRONMENT.id
        assert tx.configurations.owner_of("https://own.example") == PRODUCTION.id
        door = tx.configurations.door_of_environment(PRODUCTION.id)
    assert door is not None
    assert door.revision.id == "own"


def test_activating_an_unknown_revision_is_refused(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict):
        activate(environment, ACTIVE)


def test_each_environment_has_one_record_of_a_kind(environment: SqlStore) -> None:
    record = IntegrationRecord("random-name", ENVIRONMENT.id, LaunchKind.PROVIDER)
    with environment.write() as tx:
        tx.records.add(record)
    with environment.read() as tx:
        assert tx.records.of(ENVIRONMENT.id) == [record]
        assert tx.records.find("random-name") == record
        assert tx.records.find("another-name") is None
    with pytest.raises(StorageConflict), environment.write() as tx:
        tx.records.add(replace(record, id="another-name"))
