#!/usr/bin/env python3
"""Write every stored column into docs/data.md: what it holds and how long it is kept.

usage: scripts/data_inventory.py

A test compares the table there with the database's metadata, so a new column is documented or
refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Column, Table

from connector.adapters.sql.tables import tenant


def inventory() -> str:
    """The table of all columns, in the order their tables depend on one another."""
    return "\n".join(
        [
            "| table | column | holds | kept |",
            "|---|---|---|---|",
            *(line for table in tenant.metadata.sorted_tables for line in _lines(table)),
        ]
    )


def _lines(table: Table) -> Iterator[str]:
    for column in table.columns:
        holds, kept = _words(column)
        yield f"| {table.name} | {column.name} | {holds} | {kept} |"


def _words(column: Column[object]) -> tuple[str, str]:
    holds, _, kept = (column.comment or "").partition("; ")
    return holds, kept


DOCUMENT = Path("docs/data.md")
BETWEEN = re.compile(r"(?<=<!-- columns -->\n).*?(?=<!-- end of columns -->)", re.DOTALL)


def main() -> None:
    written = BETWEEN.sub(lambda _match: inventory() + "\n", DOCUMENT.read_text())
    DOCUMENT.write_text(written)


if __name__ == "__main__":
    main()
