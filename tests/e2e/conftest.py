"""The whole sandbox, configured by clicking as the demo does; one for all tests of this folder."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.story.cast import Cast
from scripts.story.narrator import Narrator
from scripts.story.scenes import SetUp, Visit, first_sign_in


@pytest.fixture(scope="session")
def narrator() -> Narrator:
    return Narrator(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    directory: Path = tmp_path_factory.mktemp("sandbox")
    with Sandbox(directory) as running:
        yield running


@pytest.fixture(scope="session")
def cast(sandbox: Sandbox, narrator: Narrator) -> Cast:
    """Everybody, after the test environment was entered, approved and pasted."""
    everybody = Cast(sandbox)
    SetUp(everybody, narrator, "test").play()
    return everybody


@pytest.fixture
def visit_of(cast: Cast, narrator: Narrator) -> Callable[[str], Visit]:
    """Today's open visit of a patient; its clinician's account is linked by then."""

    def find(username: str) -> Visit:
        found = Visit(cast, narrator, "test", username)
        found.find()
        return found

    linked = find("PCHALMERS")
    if not linked.provider_begins().has("join-now"):
        first_sign_in(linked)
    return find
