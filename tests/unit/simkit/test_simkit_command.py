from pathlib import Path

import pytest

from simkit.command import CONFIG_VARIABLE, HOST_VARIABLE, read_command


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


def test_behind_an_ingress_the_configuration_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, '{"public_url": "https://ehr.example"}')
    monkeypatch.setenv(HOST_VARIABLE, "0.0.0.0")
    command = read_command("test", ["--port", "8441"])
    assert (command.host, command.cert_file, command.key_file) == ("0.0.0.0", None, None)
    assert command.config == {"public_url": "https://ehr.example"}


def test_a_file_wins_over_the_environment_and_loopback_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, "{")
    config = tmp_path / "config.json"
    config.write_text('{"from": "file"}')
    command = read_command("test", arguments(config))
    assert (command.host, command.config) == ("127.0.0.1", {"from": "file"})


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "--config"), ("{", "cannot read"), ('["shared-key"]', "one JSON object")],
)
def test_a_wrong_variable_ends_the_command_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, words: str
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, value)
    with pytest.raises(SystemExit) as ended:
        read_command("test", ["--port", "8441"])
    said = capsys.readouterr().err
    assert (ended.value.code, "shared-key" in said) == (2, False)
    assert words in said
    assert CONFIG_VARIABLE in said


@pytest.mark.parametrize("lonely", [["--cert", "c.pem"], ["--key", "k.pem"]])
def test_a_certificate_without_its_key_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lonely: list[str]
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, "{}")
    with pytest.raises(SystemExit):
        read_command("test", ["--port", "8441", *lonely])
    assert "--cert and --key go together" in capsys.readouterr().err
