"""A second replica on SQLite is refused at start; PostgreSQL takes any number."""

import subprocess
import sys

import pytest

from connector.adapters.sql.single_host import SecondReplicaRefused
from connector.adapters.sql.store import SqlStore

HOLD = """
import sys
from connector.adapters.sql.store import SqlStore
SqlStore(sys.argv[1]).hold_single_host_lock(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_of_a_role_is_refused_on_sqlite_only(
    store: SqlStore, other_store: SqlStore, dialect: str
) -> None:
    store.hold_single_host_lock("web")
    outcomes = {"sqlite": SecondReplicaRefused, "postgresql": None}
    assert refusal_of(other_store, "web") is outcomes[dialect]


def test_roles_do_not_exclude_one_another(store: SqlStore, other_store: SqlStore) -> None:
    store.hold_single_host_lock("web")
    assert refusal_of(other_store, "worker") is None


def test_holding_a_role_again_is_no_conflict_with_oneself(store: SqlStore) -> None:
    store.hold_single_host_lock("web")
    assert refusal_of(store, "web") is None


def test_a_closed_store_lets_go_of_its_role(store: SqlStore, other_store: SqlStore) -> None:
    store.hold_single_host_lock("web")
    store.close()
    assert refusal_of(other_store, "web") is None


def test_a_killed_process_lets_go_of_its_role(store: SqlStore, database_url: str) -> None:
    command = [sys.executable, "-c", HOLD, database_url, "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        refused_meanwhile = refusal_of(store, "worker")
        process.kill()
        process.wait(10)
    assert refused_meanwhile is (SecondReplicaRefused if store._is_sqlite else None)
    assert refusal_of(store, "worker") is None


@pytest.mark.parametrize("role", ["", "../web", "Web", "web worker"])
def test_a_role_is_one_plain_word(role: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = SqlStore(f"sqlite:///{tmp_path_factory.mktemp('roles')}/connector.db")
    with pytest.raises(ValueError, match="lower-case word"):
        store.hold_single_host_lock(role)


def refusal_of(store: SqlStore, role: str) -> type[Exception] | None:
    try:
        store.hold_single_host_lock(role)
    except SecondReplicaRefused as err:
        return type(err)
    return None
