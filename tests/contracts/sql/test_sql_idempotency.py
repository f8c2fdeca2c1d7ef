"""Kept answers of the API: a key is taken once, and let go of only by whoever holds it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders.store import NOON, TENANT

from connector.adapters.sql.store import SqlStore
from connector.ports.idempotency import IN_PROGRESS, KeptAnswer

TAKEN = KeptAnswer(TENANT, "admin-1", "key-1", "hash-1", IN_PROGRESS, "", NOON)
DONE = replace(TAKEN, status=201, answer='{"a": 1}', created_at=NOON + timedelta(seconds=2))


def kept(store: SqlStore) -> KeptAnswer | None:
    with store.read() as tx:
        return tx.idempotency.find(TAKEN.tenant_id, TAKEN.actor, TAKEN.key)


def take(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.idempotency.keep(TAKEN)


def test_an_answer_replaces_the_taking_of_its_key(store: SqlStore) -> None:
    take(store)
    with store.write() as tx:
        assert tx.idempotency.replace(TAKEN, DONE)
    assert kept(store) == DONE


@pytest.mark.parametrize(
    "other",
    [
        replace(TAKEN, created_at=NOON + timedelta(microseconds=1)),
        replace(TAKEN, status=200),
        replace(TAKEN, key="key-2"),
        replace(TAKEN, actor="admin-2"),
        replace(TAKEN, tenant_id="22222222-2222-4333-8444-555555555555"),
    ],
)
def test_what_is_not_held_any_more_is_neither_replaced_nor_dropped(
    store: SqlStore, other: KeptAnswer
) -> None:
    take(store)
    with store.write() as tx:
        assert not tx.idempotency.replace(other, replace(DONE, key=other.key))
        tx.idempotency.drop(other)
    assert kept(store) == TAKEN


def test_a_dropped_key_is_free(store: SqlStore) -> None:
    take(store)
    with store.write() as tx:
        tx.idempotency.drop(TAKEN)
    assert kept(store) is None
    take(store)
