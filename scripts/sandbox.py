"""The whole sandbox, as a library and as the command behind ``make run``.

    with Sandbox(directory) as sandbox:                 # free ports, fresh or earlier state
        session = sandbox.session()                     # trusts the sandbox's authority
        session.get(f"{sandbox.urls.connector}/readyz")
        sandbox.process("worker").kill9()
        sandbox.restart("worker")

Parts: ``mock_fhir``, ``mock_mychart``, ``mock_microsoft``, ``web``, ``worker``, ``feed``.
"""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import requests
from rich.console import Console

if not __package__:  # run as a file: let the parts be found
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.sandbox_parts import configuration
from scripts.sandbox_parts.certificates import ensure_certificates
from scripts.sandbox_parts.people import SandboxPerson, ask_people
from scripts.sandbox_parts.pipeline import ensure_pipeline_credential
from scripts.sandbox_parts.plans import (
    connector_command,
    connector_plans,
    inherited_environment,
    simulator_plan,
)
from scripts.sandbox_parts.ports import PortRefused, Ports
from scripts.sandbox_parts.processes import (
    ChildDied,
    ChildProcess,
    PartFailed,
    ProcessMemory,
    run_to_end,
)
from scripts.sandbox_parts.state_directory import DirectoryRefused, StateDirectory, write_private
from scripts.sandbox_parts.supervisor import Supervisor
from scripts.sandbox_parts.welcome import show_keeping, show_welcome

SANDBOX_FOLDER: Final = Path(__file__).resolve().parents[1] / ".sandbox"
ENTRA_CERTIFICATES: Final = "entra*-certificate.pem"  # another one for each rotation
WATCH_SECONDS: Final = 0.5


class Sandbox:
    """Every simulator and the connector with SQLite, as child processes on this machine.

    Args:
        directory: state of this sandbox; kept afterwards, continued by the next one there.
        ports: free ones by default.
        settings: connector settings that differ from the sandbox's (``CONNECTOR_...``).
        certificates: folder of the authority; the checkout's by default.
    """

    def __init__(
        self,
        directory: Path,
        ports: Ports | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        certificates: Path | None = None,
    ) -> None:
        self.state = StateDirectory(directory)
        self.ports = ports or Ports.free()
        self.urls = configuration.Urls.of(self.ports)
        self.certificates = ensure_certificates((certificates or SANDBOX_FOLDER).absolute())
        self.ca_file = self.certificates.ca_file
        self.environment = {
            **configuration.connector_environment(self.ports, self.certificates, self.state),
            **(settings or {}),
        }
        self._mychart_key = secrets.token_urlsafe(32)
        self._supervisor = Supervisor(self.state.log_file, self.ca_file)

    @property
    def database_file(self) -> Path:
        return self.state.database_file

    @property
    def pipeline_credential(self) -> Path:
        """Private key and certificate of "Connector pipeline", in one PEM file."""
        return self.state.pipeline_credential

    def start(self) -> None:
        """Everything up and ready, or nothing left behind.

        Raises:
            PortRefused: a port is taken.
            DirectoryRefused: another sandbox uses the directory.
            PartFailed: a part could not be set up, ended, or was not ready in time.
        """
        self.ports.require_free()
        with ExitStack() as undo:
            self.state.take()
            undo.callback(self.stop)
            self._start_parts()
            self._supervisor.wait_until_ready()
            undo.pop_all()

    def stop(self) -> None:
        """SIGTERM, after ten seconds SIGKILL; the state stays."""
        self._supervisor.stop()
        self.state.release()

    def process(self, name: str) -> ChildProcess:
        return self._supervisor.child(name)

    def restart(self, name: str) -> ChildProcess:
        """End the part if it runs, start it again, wait until it is ready."""
        return self._supervisor.restart(name)

    def revive_or_raise(self, console: Console) -> None:
        """Restart what died, once each. Raises ChildDied the second time."""

        def report(death: ChildDied) -> None:
            console.print(f"[red]{death.name}[/red] died and is started again.")
            console.print(str(death), markup=False, highlight=False)

        self._supervisor.revive(report)

    def log_files(self) -> list[Path]:
        return sorted(self.state.logs.glob("*.log"))

    def memory(self) -> list[ProcessMemory]:
        """One entry for each operating system process of every part."""
        return self._supervisor.memory()

    def resident_bytes(self, name: str) -> int:
        """Sum over the part's processes; pages they share are counted for each."""
        return sum(one.resident_bytes for one in self.process(name).memory())

    def session(self) -> requests.Session:
        """A client that trusts the sandbox's authority and no proxy."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.ca_file)
        return session

    def people(self) -> list[SandboxPerson]:
        with self.session() as session:
            return ask_people(session, self.urls)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_parts(self) -> None:
        """The EHR and MyChart boot while the keys are made; Microsoft needs the certificate first."""
        urls, ca_file = self.urls, self.ca_file
        self._start_simulator(
            "mock_fhir", configuration.fhir_config(urls, ca_file, self._mychart_key)
        )
        self._start_simulator(
            "mock_mychart", configuration.mychart_config(urls, ca_file, self._mychart_key)
        )
        self._set_up("keys", "init")
        microsoft = configuration.microsoft_config(
            urls,
            ca_file,
            connector_certificate="".join(
                file.read_text(encoding="ascii")
                for file in sorted(self.state.keys.glob(ENTRA_CERTIFICATES))
            ),
            pipeline_certificate=ensure_pipeline_credential(self.state.pipeline_credential),
        )
        self._start_simulator("mock_microsoft", microsoft)
        self._set_up("db", "upgrade")
        for plan in connector_plans(self.environment):
            self._supervisor.start(plan)

    def _start_simulator(self, name: str, config: Mapping[str, object]) -> None:
        file = write_private(self.state.config_file(name), json.dumps(config, indent=1))
        url: str = getattr(self.urls, name)
        self._supervisor.start(simulator_plan(name, url, self.certificates, file))

    def _set_up(self, *command: str) -> None:
        environment = {**inherited_environment(), **self.environment}
        log = self.state.log_file("setup")
        run_to_end(f"connector {' '.join(command)}", connector_command(*command), environment, log)


def main() -> None:
    """``make run``: state in ``.sandbox/run`` until RESET=1."""
    console = Console()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    try:
        _run(console)
    except KeyboardInterrupt:
        console.print("\nStopped.")
    except (PortRefused, DirectoryRefused, PartFailed) as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def _run(console: Console) -> None:
    directory = SANDBOX_FOLDER / "run"
    if os.environ.get("RESET") == "1":
        StateDirectory(directory).reset()
    sandbox = Sandbox(directory, Ports.from_environment(os.environ))
    with ExitStack() as stack:
        stack.callback(_ignore_signals)
        console.print("Starting the sandbox …")
        stack.enter_context(sandbox)
        show_welcome(console, sandbox.urls, sandbox.ca_file, sandbox.people())
        show_keeping(console, sandbox.state.path)
        while True:
            time.sleep(WATCH_SECONDS)
            sandbox.revive_or_raise(console)


def _ignore_signals() -> None:
    """An impatient second Ctrl-C must not leave children behind."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)


if __name__ == "__main__":
    main()
