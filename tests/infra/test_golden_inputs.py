"""The exact infrastructure of every stack is in git: a pull request shows what it changes (check 5)."""

import pytest
from scripts.golden_inputs import FOLDER, rendered

from rehearsal.recording import ALL, recorded


@pytest.mark.parametrize("stack", ALL)
def test_what_a_stack_registers_is_what_was_read_and_agreed(stack: str) -> None:
    written = (FOLDER / f"{stack}.json").read_text()
    assert rendered(recorded(stack)) == written, "look at `make golden-diff`, then `make golden`"
