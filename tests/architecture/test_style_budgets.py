"""The limits of style.md section 5 that no linter knows: sizes, broad excepts, route length."""

import ast
from pathlib import Path

import pytest

SOURCES = (Path("services"), Path("infra"), Path("loadtest"))
LONGEST_FUNCTION = 60
LONGEST_FILE = 400
LONGEST_ROUTE = 25
PERCENTILE_95 = 35
ROUTE_VERBS = {"get", "post", "put", "patch", "delete", "route"}

FILES = sorted(
    path for root in SOURCES for path in root.rglob("*.py") if ".egg-info" not in path.parts
)


def functions(path: Path) -> list[tuple[str, int, ast.FunctionDef | ast.AsyncFunctionDef]]:
    tree = ast.parse(path.read_text())
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        (f"{path}:{n.lineno} {n.name}", (n.end_lineno or n.lineno) - n.lineno + 1, n) for n in nodes
    ]


def is_route(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [d.func for d in node.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(c, ast.Attribute) and c.attr in ROUTE_VERBS for c in calls)


ALL = [entry for path in FILES for entry in functions(path)]


def test_no_function_is_longer_than_sixty_lines() -> None:
    assert [name for name, size, _ in ALL if size > LONGEST_FUNCTION] == []


def test_ninety_five_percent_of_functions_fit_in_thirty_five_lines() -> None:
    sizes = sorted(size for _, size, _ in ALL)
    assert sizes[int(len(sizes) * 0.95)] <= PERCENTILE_95


def test_no_route_is_longer_than_twenty_five_lines() -> None:
    assert [name for name, size, node in ALL if is_route(node) and size > LONGEST_ROUTE] == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_is_longer_than_four_hundred_lines(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= LONGEST_FILE


def test_the_connector_catches_everything_in_two_places_only() -> None:
    broad = [
        f"{path}:{node.lineno}"
        for path in FILES
        if path.parts[1] == "connector"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert len(broad) <= 2, broad


def test_nobody_leaves_a_to_do() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    left = [str(p) for p in FILES if any(word in p.read_text() for word in words)]
    assert left == []
