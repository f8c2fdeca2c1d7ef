"""Every environment there is, for operators who examine them all."""

from dataclasses import replace
from datetime import timedelta

from tests.builders.store import ENVIRONMENT, NOON, TENANT

from connector.adapters.sql.store import SqlStore
from connector.domain.organization import EnvironmentKind


def test_no_environment_is_no_id(store: SqlStore) -> None:
    with store.read() as tx:
        assert list(tx.configurations.environment_ids()) == []


def test_environments_are_listed_oldest_first(environment: SqlStore) -> None:
    earlier = replace(ENVIRONMENT, id="z-by-its-letter", kind=EnvironmentKind.PRODUCTION)
    with environment.write() as tx:
        tx.configurations.add_environment(earlier, NOON - timedelta(days=1))
    with environment.read() as tx:
        assert list(tx.configurations.environment_ids()) == [earlier.id, ENVIRONMENT.id]
        assert len(tx.configurations.environments(TENANT)) == 2
