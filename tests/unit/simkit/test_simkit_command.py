from pathlib import Path

import pytest

from simkit.command import read_command


def arguments(config: Path) -> list[str]:
    return ["--port", "8441", "--cert", "c.pem", "--key", "k.pem", "--config", str(config)]


def test_the_configuration_file_is_read(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"public_url": "https://localhost:8441"}')
    command = read_command("test", arguments(config))
    assert (command.port, command.config) == (8441, {"public_url": "https://localhost:8441"})


@pytest.mark.parametrize(("text", "words"), [("{", "cannot read"), ("[]", "one JSON object")])
def test_a_wrong_configuration_ends_the_command_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    config = tmp_path / "config.json"
    config.write_text(text)
    with pytest.raises(SystemExit):
        read_command("test", arguments(config))
    assert words in capsys.readouterr().err


def test_a_missing_configuration_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read_command("test", arguments(tmp_path / "absent.json"))
    assert "absent.json" in capsys.readouterr().err
