"""The ground on this machine: a sandbox in a temporary folder, on free ports, with SQLite or a PostgreSQL of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types
from scripts import postgres_test_server
from scripts.sandbox import Sandbox

from loadtest.scenario import Database, StageAction, StagePlan
from loadtest.stage.controls import Controls
from loadtest.stage.ground import Addresses, GroundRefused
from loadtest.stage.preparation import Place, book, link_clinicians, set_up
from loadtest.target import BookedVisit

ENVIRONMENT: Final = "test"
PARTS: Final = ("web", "worker", "feed", "mock_fhir", "mock_mychart", "mock_microsoft")
RESTARTED: Final = {StageAction.KILL_WORKER: "worker", StageAction.KILL_FEED: "feed"}


@dataclass(slots=True)
class AtHome:
    sandbox: Sandbox
    plan: StagePlan
    postgres_pid: int | None
    addresses: Addresses = field(init=False)
    controls: Controls = field(init=False)

    def __post_init__(self) -> None:
        urls = self.sandbox.urls
        self.addresses = Addresses(
            connector_url=urls.connector,
            feed_url=urls.feed,
            ehr_url=urls.ehr(ENVIRONMENT),
            mychart_url=urls.mychart(ENVIRONMENT),
            microsoft_url=urls.mock_microsoft,
            ca_file=Path(self.sandbox.ca_file),
        )
        self.controls = Controls(
            self.addresses.session(), self.addresses.ehr_url, self.addresses.microsoft_url
        )

    @property
    def is_ours(self) -> bool:
        return True

    @property
    def database(self) -> str:
        return self.plan.database.value

    @property
    def web_processes(self) -> int:
        return self.plan.web_processes

    def prepare(self) -> str:
        """Configured, and the clinicians' accounts linked with visits of their own; says what was done."""
        done: list[str] = []
        place = Place(self.sandbox.urls, self.addresses.ca_file)
        set_up(place, ENVIRONMENT, done.append)
        link_clinicians(self.addresses, self.controls, ENVIRONMENT)
        return done[0]

    def visits(self, count: int) -> tuple[BookedVisit, ...]:
        return book(self.controls, count)

    def pids(self) -> Mapping[str, int]:
        found = {name: self.sandbox.process(name).pid for name in PARTS}
        return found | ({"postgres": self.postgres_pid} if self.postgres_pid else {})

    def kill(self, what: StageAction) -> None:
        if what is StageAction.KILL_WEB_WORKER:
            psutil.Process(self.sandbox.process("web").pid).children()[0].kill()
            return
        self.sandbox.process(RESTARTED[what]).kill9()
        self.sandbox.restart(RESTARTED[what])


@contextmanager
def at_home(plan: StagePlan, folder: Path) -> Iterator[AtHome]:
    """Everything started; ended and forgotten afterwards, but for the logs in `folder`.

    Raises:
        GroundRefused: PostgreSQL is wanted and not installed.
        PartFailed: a part did not start.
    """
    settings = {
        "CONNECTOR_WEB_WORKERS": str(plan.web_processes),
        "CONNECTOR_WEB_THREADS": str(plan.web_threads),
    }
    with (
        _database(plan.database, folder) as (database, postgres_pid),
        Sandbox(folder / "sandbox", settings=settings | database) as sandbox,
    ):
        yield AtHome(sandbox, plan, postgres_pid)


@contextmanager
def _database(kind: Database, folder: Path) -> Iterator[tuple[dict[str, str], int | None]]:
    """The connector's setting, and the server's process where there is one."""
    if kind is Database.SQLITE:
        yield {}, None
        return
    binaries = postgres_test_server.find_binaries() or postgres_test_server.install()
    if binaries is None:
        raise GroundRefused("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    cluster = folder / "postgres"
    cluster.mkdir(mode=0o755)
    with postgres_test_server.server(binaries, cluster) as url:
        pid = int((cluster / "data" / "postmaster.pid").read_text().split()[0])
        setting = url.replace("postgresql://", "postgresql+psycopg://", 1)
        yield {"CONNECTOR_DATABASE_URL": setting}, pid
