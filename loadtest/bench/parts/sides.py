"""This version and, where asked for, an earlier checkout: each with web and feed of its own on a copy of the database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.sandbox_parts.ports import LOOPBACK, Ports

from loadtest.bench.parts.database import Database
from loadtest.bench.parts.prepared import Browsers, Prepared
from loadtest.bench.stand import ROOT, Recorded, running, serving, wait_until_alive
from loadtest.bench.wrk import NotMeasured, family_of
from loadtest.stage.sampler import Family

NOW: Final = "now"
BEFORE: Final = "before"
# The longest there may be: nothing looks for attendance while a worker is measured.
_ATTENDANCE: Final = {"CONNECTOR_ATTENDANCE_AFTER_SECONDS": "1800"}


@dataclass(slots=True)
class Side:
    """`folder` is its own; `launched` counts the second halves its web was sent."""

    name: str
    source: Path
    folder: Path
    prepared: Prepared
    database: Database
    web: tuple[str, Family]
    feed: tuple[str, Family]
    browsers: Browsers
    launched: int = 0

    def settings(self, database: Database) -> dict[str, str]:
        """Of one more process of this side, on another database."""
        return {**_settings(self.prepared.recorded, self.folder), **database.setting}


@contextmanager
def side(prepared: Prepared, name: str, checkout: Path, folder: Path) -> Iterator[Side]:
    """Web and feed run until the block ends. Raises: NotMeasured: they cannot run on our database."""
    source = source_of(checkout)
    folder.mkdir()
    ports, database = Ports.free(), prepared.database.copied(folder / "connector.db")
    settings = {
        **_settings(prepared.recorded, folder),
        **database.setting,
        "CONNECTOR_FEED_BIND": f"{LOOPBACK}:{ports.feed}",
    }
    recorded = Recorded(
        prepared.recorded.script, settings, prepared.recorded.fhir_base, prepared.recorded.iss
    )
    feed_address = f"http://{LOOPBACK}:{ports.feed}"
    with (
        serving(recorded, source, ports.connector, folder / "web.log") as web,
        running("feed", settings, source, folder / "feed.log") as feed,
    ):
        wait_until_alive(feed_address, feed)
        yield Side(
            name=name,
            source=source,
            folder=folder,
            prepared=prepared,
            database=database,
            web=(web.address, Family(web.process)),
            feed=(feed_address, family_of(feed.pid)),
            browsers=Browsers(web.address, recorded),
        )


def source_of(checkout: Path) -> Path:
    """Where its packages lie.

    Raises:
        NotMeasured: no connector lies there, or one whose database is another than ours.
    """
    source = checkout / "services"
    theirs, ours = _migrations(source), _migrations(ROOT / "services")
    if not theirs:
        raise NotMeasured(f"{checkout} is no checkout: there is no services/connector in it")
    if theirs != ours:
        other = ", ".join(sorted(theirs ^ ours))
        raise NotMeasured(
            f"{checkout} has another database than this version ({other}): "
            "they cannot take turns on the same rows"
        )
    return source


def _migrations(source: Path) -> frozenset[str]:
    found = (source / "connector" / "migrations" / "versions").glob("[0-9]*.py")
    return frozenset(one.stem for one in found)


def _settings(recorded: Recorded, folder: Path) -> Mapping[str, str]:
    """What processes of one side share with nobody else."""
    return {
        **recorded.environment,
        **_ATTENDANCE,
        "CONNECTOR_METRICS_DIRECTORY": str(folder / "metrics"),
        "CONNECTOR_AUDIT_ANCHOR_FILE": str(folder / "audit-anchor.jsonl"),
    }
