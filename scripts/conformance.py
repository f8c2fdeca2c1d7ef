#!/usr/bin/env python3
"""Write docs/conformance.md: which test holds which check of the specifications.

usage: scripts/conformance.py

A test cites a check in its name or docstring: `S40` and `C07` (ehr.md 2.2), `case 48`
(reliability.md 4.10). A test compares the page with the tests.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path("tests")
DOCUMENT = Path("docs/conformance.md")
_CHECK = re.compile(r"(?<![A-Za-z0-9])([SC])(\d{2})[a-f]?(?![0-9A-Za-z])", re.IGNORECASE)
_CASE = re.compile(
    r"(?<![A-Za-z])cases?[ _](\d{1,2}(?:(?:[-, ]+| and |_and_)\d{1,2})*)", re.IGNORECASE
)
_FIRST_PAGE = 3

HEAD = """# Conformance: which test holds which check

Made by `scripts/conformance.py` from the tests' names and docstrings. S: the EHR's authorization server and FHIR API (SMART 2.2, RFC 9700); C: the connector as a SMART client;
case: faults and abuse. The checks are described in the project's specifications.

| check | tests | where |
|---|---|---|
"""


def cited() -> dict[str, set[str]]:
    """Check id to the files whose tests cite it."""
    found: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for path in sorted(TESTS.rglob("test_*.py")):
        for text in _texts(ast.parse(path.read_text())):
            for check in _checks(text):
                found[check].add(str(path))
                counts[check] += 1
    return {f"{check}|{counts[check]}": found[check] for check in sorted(found, key=_order)}


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield f"{node.name} {ast.get_docstring(node) or ''}"


def _checks(text: str) -> set[str]:
    named = {
        f"{letter.upper()}{digits}" for letter, digits in _CHECK.findall(text.replace("_", " "))
    }
    return named | {f"case {n}" for numbers in _CASE.findall(text) for n in _numbers(numbers)}


def _numbers(text: str) -> Iterator[int]:
    """`48-50`, `48, 50` and `48 and 50`."""
    parts = [int(n) for n in re.findall(r"\d+", text)]
    if "-" in text and len(parts) == len(("first", "last")):
        yield from range(parts[0], parts[1] + 1)
    else:
        yield from parts


def _order(check: str) -> tuple[str, int]:
    return re.sub(r"\d", "", check), int(re.sub(r"\D", "", check))


def page() -> str:
    rows = []
    for key, files in cited().items():
        check, _, count = key.partition("|")
        shown = ", ".join(f"`{f.removeprefix('tests/')}`" for f in sorted(files)[:_FIRST_PAGE])
        more = f" and {len(files) - _FIRST_PAGE} more" if len(files) > _FIRST_PAGE else ""
        rows.append(f"| {check} | {count} | {shown}{more} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(page())
