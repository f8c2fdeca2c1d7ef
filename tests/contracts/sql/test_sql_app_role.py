"""What the role of the running processes is granted is what the statements of the store need."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Delete, Insert, Select, Table, Update

from connector.adapters import sql
from connector.adapters.sql.app_role import least
from connector.adapters.sql.columns import METADATA
from connector.adapters.sql.prepared import Prepared


def statements(found: object) -> Iterator[Any]:
    """Every statement in a module's globals, tuples and dictionaries among them looked into."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list | tuple | set | frozenset):
        for each in found:
            yield from statements(each)
    elif isinstance(found, Prepared):
        yield found.on("postgresql")
    elif isinstance(found, Insert | Update | Delete | Select):
        yield found


def written() -> list[Any]:
    modules = [
        importlib.import_module(f"{sql.__name__}.{each.name}")
        for each in pkgutil.iter_modules(sql.__path__)
    ]
    return [
        statement
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("__")
        for statement in statements(value)
    ]


def locked(statement: Any) -> list[str]:
    """Tables whose rows a SELECT … FOR UPDATE or SHARE locks."""
    lock = getattr(statement, "_for_update_arg", None)
    if lock is None:
        return []
    of = lock.of or [f for f in statement.get_final_froms() if isinstance(f, Table)]
    return [table.name for table in of]


def changed(statement: Any) -> list[str]:
    if isinstance(statement, Update):
        return [statement.table.name]
    if (
        isinstance(statement, Insert)
        and "DoUpdate" in type(getattr(statement, "_post_values_clause", None)).__name__
    ):
        return [statement.table.name]
    return locked(statement)


def granted(privilege: str) -> set[str]:
    return {table for table, may in least().items() if privilege in may.split(", ")}


def test_what_statements_change_or_lock_is_granted_and_nothing_else() -> None:
    assert {name for each in written() for name in changed(each)} == granted("UPDATE")


def test_what_statements_delete_from_is_granted_and_nothing_else() -> None:
    deleted = {each.table.name for each in written() if isinstance(each, Delete)}
    assert deleted == granted("DELETE")


def test_every_table_is_granted_and_the_audit_trail_is_only_added_to() -> None:
    assert set(least()) == {table.name for table in METADATA.sorted_tables} | {"alembic_version"}
    assert least()["audit_event"] == "SELECT, INSERT"
    assert least()["alembic_version"] == "SELECT"
