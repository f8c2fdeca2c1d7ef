"""The real Pulumi CLI runs a small program against the simulated ARM, from nothing to nothing."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from tests.infra.rehearsal.life_cycle import live


@pytest.mark.pulumi
def test_a_small_stack_lives_through_the_whole_life_cycle(tmp_path: Path) -> None:
    # A process of its own: a run that fails leaves the Automation API's event loop behind, which
    # pytest would find at the end of the session.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        apart.submit(live, tmp_path).result()
