"""What a stack registers is recorded once a process: its tests go to the same worker."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            params = getattr(item, "callspec", None)
            stack = params.params.get("stack", "emea-test") if params else "emea-test"
            item.add_marker(pytest.mark.xdist_group(str(stack)))
