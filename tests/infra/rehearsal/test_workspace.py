"""The throw-away home of the Pulumi CLI."""

from pathlib import Path

import pytest

from rehearsal.workspace import BUILT_CLI, NoCli, find_cli


def test_without_a_cli_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCli, match="make pulumi-cli"):
        find_cli(tmp_path)


def test_the_cli_built_in_the_repository_goes_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = tmp_path / "pulumi"
    on_path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_cli(tmp_path) == on_path
    built = tmp_path / BUILT_CLI
    built.parent.mkdir(parents=True)
    built.touch()
    assert find_cli(tmp_path) == built
