"""Links, spent launch states, heartbeats."""

from datetime import timedelta

import pytest
from tests.builders.store import ENVIRONMENT, NOON, TENANT

from connector.adapters.sql.store import SqlStore
from connector.ports.storage import StorageConflict


def link(store: SqlStore, object_id: str, environment_id: str = ENVIRONMENT.id) -> None:
    with store.write() as tx:
        tx.links.add(environment_id, "ehr-user-1", TENANT, object_id, NOON)


def test_a_link_is_found_by_environment_and_ehr_user(environment: SqlStore) -> None:
    link(environment, "object-1")
    with environment.read() as tx:
        assert tx.links.find(ENVIRONMENT.id, "ehr-user-1") == "object-1"
        assert tx.links.find(ENVIRONMENT.id, "EHR-USER-1") is None
        assert tx.links.find("elsewhere", "ehr-user-1") is None


def test_the_first_link_of_an_ehr_user_stays(environment: SqlStore) -> None:
    link(environment, "object-1")
    link(environment, "object-2")
    with environment.read() as tx:
        assert tx.links.find(ENVIRONMENT.id, "ehr-user-1") == "object-1"


def test_a_link_in_an_unknown_environment_is_refused(environment: SqlStore) -> None:
    with pytest.raises(StorageConflict):
        link(environment, "object-1", "nobody's")


def test_a_launch_state_is_redeemed_once(store: SqlStore) -> None:
    """Cases 1 and 3."""
    with store.write() as tx:
        assert tx.redemptions.redeem("hash", "visit-1", NOON)
        assert not tx.redemptions.redeem("hash", "visit-2", NOON)
    with store.write() as tx:
        assert not tx.redemptions.redeem("hash", "visit-1", NOON)
        assert tx.redemptions.find("hash") == "visit-1"


def test_a_state_that_was_not_redeemed_is_told_from_one_without_a_visit(store: SqlStore) -> None:
    with store.write() as tx:
        tx.redemptions.redeem("approval", "", NOON)
    with store.read() as tx:
        assert tx.redemptions.find("approval") == ""
        assert tx.redemptions.find("unknown") is None


def test_spent_states_are_purged_by_age(store: SqlStore) -> None:
    with store.write() as tx:
        tx.redemptions.redeem("old", "", NOON)
        tx.redemptions.redeem("new", "", NOON + timedelta(hours=2))
        assert tx.redemptions.purge(NOON + timedelta(hours=1)) == 1
        assert tx.redemptions.find("old") is None
        assert tx.redemptions.find("new") == ""


def test_the_last_heartbeat_is_remembered_by_name(store: SqlStore) -> None:
    with store.write() as tx:
        tx.heartbeat("worker", NOON)
        tx.heartbeat("worker", NOON + timedelta(seconds=5))
    with store.read() as tx:
        assert tx.last_heartbeat("worker") == NOON + timedelta(seconds=5)
        assert tx.last_heartbeat("feed") is None
