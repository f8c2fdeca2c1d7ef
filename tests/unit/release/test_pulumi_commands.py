"""Every pulumi and az command written down is one the real command line takes (recorded help)."""

from pathlib import Path

import pytest
from scripts.release.next_steps import after_promotion, after_shift
from tests.unit.release.recorded_help import HELP, commands_in, unknown_flags

PAGES = [
    *Path("scripts").glob("*.sh"),
    *Path("docs/ci").glob("*.yaml"),
    *Path("docs").glob("*.md"),
    *Path("docs/ci").glob("*.md"),
    *Path("docs/runbooks").glob("*.md"),
    Path("README.md"),
]
STEPS = [*after_promotion("emea-production", "sha256:" + "a" * 64, ""), *after_shift("emea-test")]


def wrong(text: str) -> list[str]:
    """Commands named in passing (`pulumi up`, `az login`) have no flags to be wrong."""
    with_flags = [call for call in commands_in(text) if any(w.startswith("-") for w in call)]
    return [problem for call in with_flags for problem in unknown_flags(call)]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_written_down_can_be_typed(page: Path) -> None:
    assert wrong(page.read_text()) == []


def test_every_next_step_can_be_typed() -> None:
    assert wrong("\n".join(STEPS)) == []


def test_the_recordings_are_of_the_pinned_command_line() -> None:
    assert "--expect-no-changes" in (HELP / "pulumi-preview.txt").read_text()
    assert "v3.259.0" in Path("tools/pulumi/go.mod").read_text()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pulumi preview --expect-no-change", "pulumi-preview: --expect-no-change"),
        ("$(pulumi stack output x --stak y)", "pulumi-stack-output: --stak"),
        ("pulumi up \\\n  --force-yes", "pulumi-up: --force-yes"),
        ("pulumi nothing --stack x", "no recorded help"),
        ("az keyvault create --purge", "az-keyvault-create: --purge"),
        ("| `pulumi up --x` |", "pulumi-up: --x"),
    ],
)
def test_a_flag_nobody_knows_is_found(text: str, problem: str) -> None:
    assert any(problem in found for found in wrong(text))
