"""Lines of the audit trail as files: JSON objects, and CSV that a spreadsheet opens without harm."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from connector.ports.audit_log import AuditLine

COLUMNS = (
    "id",
    "at",
    "event",
    "outcome",
    "reference",
    "tenant_id",
    "environment_id",
    "actor",
    "facts",
    "hash",
)
# What spreadsheets take for a formula (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_json(line: AuditLine) -> dict[str, Any]:
    """`at` is ISO 8601 in UTC; `facts` is an object of strings."""
    return {name: getattr(line, name) for name in COLUMNS} | {
        "at": line.at.isoformat(),
        "facts": dict(line.facts),
    }


def as_json_lines(lines: Iterable[AuditLine]) -> Iterator[str]:
    """One object a line, in ASCII: no character of a name can turn a terminal around."""
    return (f"{json.dumps(as_json(line))}\n" for line in lines)


def as_csv(lines: Iterable[AuditLine]) -> Iterator[str]:
    """Rows of RFC 4180, each cell quoted, the names of the columns first."""
    yield _row(COLUMNS)
    for line in lines:
        facts = json.dumps(dict(line.facts), ensure_ascii=False, sort_keys=True)
        yield _row([_cell(v) for v in (as_json(line) | {"facts": facts}).values()])


def _cell(value: object) -> str:
    """An apostrophe makes text of what would be a formula; the rest stays as it is."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cells: Iterable[str]) -> str:
    row = io.StringIO()
    csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return row.getvalue()
