"""The sandbox as a library, over stand-ins of every part: start, break, restart, stop."""

import json
import socket
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from scripts.sandbox import Sandbox
from scripts.sandbox_parts import supervisor
from scripts.sandbox_parts.ports import PortRefused, Ports
from scripts.sandbox_parts.processes import ChildDied, NotReady, SetupFailed
from scripts.sandbox_parts.state_directory import DirectoryRefused

MakeSandbox = Callable[..., Sandbox]
PARTS = ["mock_fhir", "mock_mychart", "mock_microsoft", "web", "worker", "feed"]


def own_children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_every_part_is_ready_when_the_sandbox_is_entered(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        session = sandbox.session()
        urls = [sandbox.urls.mock_fhir, sandbox.urls.mock_mychart, sandbox.urls.mock_microsoft]
        statuses = [session.get(f"{url}/healthz", timeout=5).status_code for url in urls]
        worker = session.get(f"{sandbox.urls.connector}/readyz", timeout=5).json()["worker"]
        session.close()
        running = [sandbox.process(name).is_running for name in PARTS]
    assert statuses == [200, 200, 200]
    assert worker == "alive"
    assert running == [True] * len(PARTS)


def test_nothing_is_left_running_when_the_sandbox_is_left(make_sandbox: MakeSandbox) -> None:
    with make_sandbox():
        assert len(own_children()) >= len(PARTS)
    assert own_children() == []


def test_state_is_continued_by_the_next_sandbox_of_the_directory(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as first:
        first.database_file.write_text("kept")
    with make_sandbox() as second:
        assert second.database_file.read_text() == "kept"


def test_logs_of_every_part_are_kept(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        logs = {file.stem: file.read_text() for file in sandbox.log_files()}
    assert logs.keys() == {*PARTS, "setup"}
    assert "mock_fhir starts" in logs["mock_fhir"]
    assert "keys init starts" in logs["setup"]


def test_files_with_secrets_are_readable_by_the_owner_only(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        files = [sandbox.state.config_file("mock_fhir"), sandbox.state.config_file("mock_mychart")]
        modes = {stat.S_IMODE(file.stat().st_mode) for file in files}
        folder = stat.S_IMODE(sandbox.state.path.stat().st_mode)
    assert (modes, folder) == ({0o600}, 0o700)


def test_microsoft_is_given_the_certificate_that_keys_init_made(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        config = json.loads(sandbox.state.config_file("mock_microsoft").read_text())
    assert config["apps"][0]["certificate_pem"].startswith("-----BEGIN CERTIFICATE")


def test_connector_does_not_inherit_settings_of_another_one(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("CONNECTOR_UNHEARD_OF", "1")
    with make_sandbox() as sandbox:
        environment = sandbox.process("web").plan.environment
    assert environment["CONNECTOR_DATABASE_URL"] == f"sqlite:///{sandbox.database_file}"
    assert "CONNECTOR_UNHEARD_OF" not in environment


def test_setting_given_to_the_sandbox_reaches_the_connector(
    tmp_path: Path, authority: Path
) -> None:
    sandbox = Sandbox(tmp_path, settings={"CONNECTOR_WEB_WORKERS": "4"}, certificates=authority)
    assert sandbox.environment["CONNECTOR_WEB_WORKERS"] == "4"


def test_killed_worker_stays_dead_until_it_is_restarted(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        killed = sandbox.process("worker")
        killed.kill9()
        assert killed.exit_code == -9
        sandbox.restart("worker")
        assert sandbox.process("worker").is_running
        assert sandbox.process("worker").pid != killed.pid


def test_kill9_takes_the_descendants_along(
    make_sandbox: MakeSandbox, is_alive: Callable[..., bool]
) -> None:
    with make_sandbox() as sandbox:
        descendants = psutil.Process(sandbox.process("web").pid).children(recursive=True)
        sandbox.process("web").kill9()
        assert descendants
        assert not any(is_alive(one) for one in descendants)


def test_killing_twice_is_no_error(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        sandbox.process("worker").kill9()
        sandbox.process("worker").kill9()
        assert not sandbox.process("worker").is_running
        assert sandbox.process("worker").memory() == []


def test_part_that_ignores_sigterm_is_killed_in_the_end(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_WITHIN_SECONDS", 0.2)
    with make_sandbox(feed="stubborn") as sandbox:
        stubborn = sandbox.process("feed")
    assert stubborn.exit_code == -9
    assert own_children() == []


def test_memory_is_summed_over_the_processes_of_a_part(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        web = sandbox.process("web").memory()
        total = sandbox.resident_bytes("web")
        listed = {one.name for one in sandbox.memory()}
    assert len(web) == 2
    assert total > max(one.resident_bytes for one in web) > 1_000_000
    assert listed == set(PARTS)


@pytest.mark.parametrize("command", ["keys init", "db upgrade"])
def test_failed_set_up_is_told_with_its_last_words_and_leaves_nothing_running(
    make_sandbox: MakeSandbox, command: str
) -> None:
    sandbox = make_sandbox(**{command: "fail"})
    with pytest.raises(SetupFailed, match="tea leaves") as failed:
        sandbox.start()
    assert command in str(failed.value)
    assert own_children() == []


@pytest.mark.parametrize("part", PARTS)
def test_part_that_dies_at_start_is_told_with_its_last_words(
    make_sandbox: MakeSandbox, part: str
) -> None:
    sandbox = make_sandbox(**{part: "fail"})
    with pytest.raises(ChildDied, match="tea leaves") as died:
        sandbox.start()
    assert died.value.name == part
    assert own_children() == []


@pytest.mark.parametrize("part", ["mock_microsoft", "worker", "feed"])
def test_part_that_never_becomes_ready_is_named(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(supervisor.Supervisor.wait_until_ready, "__defaults__", (None, 1.0))
    sandbox = make_sandbox(**{part: "mute"})
    with pytest.raises(NotReady) as late:
        sandbox.start()
    assert late.value.name == part
    assert own_children() == []


def test_second_sandbox_of_a_directory_is_refused(
    make_sandbox: MakeSandbox, authority: Path
) -> None:
    with make_sandbox() as first:
        second = Sandbox(first.state.path, certificates=authority)
        with pytest.raises(DirectoryRefused, match="in use"):
            second.start()
        assert first.process("web").is_running


def test_taken_port_is_named_before_anything_starts(
    make_sandbox: MakeSandbox, tmp_path: Path, authority: Path
) -> None:
    make_sandbox()
    ports = Ports.free()
    with socket.create_server(("127.0.0.1", ports.mock_mychart)):
        sandbox = Sandbox(tmp_path / "state", ports, certificates=authority)
        with pytest.raises(PortRefused, match="MOCK_MYCHART_PORT"):
            sandbox.start()
    assert not (tmp_path / "state").exists()
    assert own_children() == []


def test_unknown_part_is_refused_with_the_known_ones(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox, pytest.raises(KeyError, match="mock_fhir"):
        sandbox.process("wrker")


def test_part_that_dies_is_reported_and_restarted_once(make_sandbox: MakeSandbox) -> None:
    screen = Console(file=StringIO())
    with make_sandbox() as sandbox:
        sandbox.process("feed").kill9()
        sandbox.revive_or_raise(screen)
        assert sandbox.process("feed").is_running
        sandbox.process("feed").kill9()
        with pytest.raises(ChildDied, match="SIGKILL"):
            sandbox.revive_or_raise(screen)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    assert "feed died and is started again" in shown
    assert "feed starts" in shown


def test_healthy_sandbox_has_nothing_to_revive(make_sandbox: MakeSandbox) -> None:
    with make_sandbox() as sandbox:
        pids = [sandbox.process(name).pid for name in PARTS]
        sandbox.revive_or_raise(Console(file=StringIO()))
        assert [sandbox.process(name).pid for name in PARTS] == pids
