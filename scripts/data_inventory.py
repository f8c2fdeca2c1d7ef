#!/usr/bin/env python3
"""Print every stored column as a markdown table: what it holds and how long it is kept.

usage: scripts/data_inventory.py

`docs/data.md` holds this table; a test compares the two, so a new column is documented or refused.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Table

from connector.adapters.sql.tables import METADATA


def inventory() -> str:
    """The table of all columns, in the order their tables depend on one another."""
    return "\n".join(
        [
            "| table | column | holds | kept |",
            "|---|---|---|---|",
            *(line for table in METADATA.sorted_tables for line in _lines(table)),
        ]
    )


def _lines(table: Table) -> Iterator[str]:
    for column in table.columns:
        holds, kept = _words(column)
        yield f"| {table.name} | {column.name} | {holds} | {kept} |"


def _words(column: Column[object]) -> tuple[str, str]:
    holds, _, kept = (column.comment or "").partition("; ")
    return holds, kept


if __name__ == "__main__":
    print(inventory())
