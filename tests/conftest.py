"""What holds for every test: no synthetic person in any output, and properties that do not flake."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.builders.canaries import CANARIES

# No deadline and no example database: two busy cores must not decide whether a property holds.
settings.register_profile(
    "kit", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kit")


@pytest.fixture(autouse=True)
def no_person_in_any_output(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test whose captured stdout, stderr or log names a synthetic person (design.md 6)."""
    yield
    leaks = leaks_in(request.node._report_sections)
    assert not leaks, f"a canary reached the output: {', '.join(leaks)}"


def leaks_in(sections: Iterable[tuple[str, str, str]]) -> list[str]:
    """Where a canary stands, as `when kind`, of (when, kind, text) sections; never the canary itself."""
    return [
        f"{when} {kind}"
        for when, kind, text in sections
        if any(canary in text for canary in CANARIES)
    ]
