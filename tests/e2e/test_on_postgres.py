"""PostgreSQL by one setting: the whole sandbox on it, configured and used."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator
from scripts.story.scenes import (
    SetUp,
    Visit,
    first_sign_in,
    meet,
    no_second_sign_in,
    watch,
    written_back,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[Sandbox]:
    url = os.environ["TEST_POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    with Sandbox(tmp_path, settings={"CONNECTOR_DATABASE_URL": url}) as running:
        yield running


def test_a_visit_is_held_and_written_back_on_postgresql(on_postgres: Sandbox) -> None:
    cast, narrator = Cast(on_postgres), Narrator(Console(file=io.StringIO()))
    SetUp(cast, narrator, "test").play()
    visit = Visit(cast, narrator, "test", "PCHALMERS")
    visit.find()
    first_sign_in(visit)
    no_second_sign_in(visit)
    meet(visit, "Guest on PostgreSQL")
    watch(visit, "Guest on PostgreSQL")
    written_back(visit)
    assert not Path(on_postgres.database_file).exists(), "nothing went into SQLite"
