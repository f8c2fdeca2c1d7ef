"""`connector`: what operators run. Every command reads the environment and exits 0, 1 or 2.

0 done, 1 it could not be done, 2 the command or the settings are wrong.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from connector.ports.storage import OwedMessage
from connector.settings import Settings, SettingsInvalid, load_settings


@click.group()
def main() -> None:
    """Run and look after the Teams EHR connector."""


@main.group()
def keys() -> None:
    """The connector's keys."""


@main.group()
def db() -> None:
    """The connector's database."""


@keys.command("init")
def keys_init() -> None:
    """Make the keys that are missing in CONNECTOR_KEYS_DIRECTORY; existing ones stay."""
    from connector.adapters.system.clock import SystemClock
    from connector.adapters.vault.generation import make_keys

    settings = _settings()
    make_keys(settings.keys_directory, SystemClock().now())
    click.echo(f"keys are in {settings.keys_directory}")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version's tables."""
    from connector.adapters.sql.migrate import upgrade

    upgrade(_settings().database_url)
    click.echo("the database is up to date")


@main.command("web")
def run_web() -> None:
    """Answer browsers and webhooks until told to stop."""
    settings = _process("web")
    from connector.wsgi import Web

    _only_one(settings, "web", lambda: Web(settings).run())


@main.command("worker")
def run_worker() -> None:
    """Apply events, deliver write-backs, keep subscriptions, until told to stop."""
    settings = _process("worker")
    from connector.bootstrap import build_worker

    def serve() -> None:
        worker = build_worker(settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stopping.set())
        worker.run()

    _only_one(settings, "worker", serve)


@main.command("feed")
def run_feed() -> None:
    """Serve the live events of visits until told to stop."""
    settings = _process("feed")
    from connector.feed import serve

    _only_one(settings, "feed", lambda: serve(settings))


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsInvalid as err:
        for problem in err.problems:
            click.echo(problem, err=True)
        sys.exit(2)


def _process(name: str) -> Settings:
    """Settings and logging of a long-running process.

    prometheus-client decides at its first import whether processes share their numbers, so the
    variable it looks for is set before anything imports it.
    """
    settings = _settings()
    if settings.metrics_directory:
        Path(settings.metrics_directory).mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_directory)
    from connector.bootstrap import begin_logging

    begin_logging(settings, name)
    return settings


def _only_one(settings: Settings, role: str, serve: Callable[[], None]) -> None:
    """SQLite is one host's database: a second process of the same role is refused."""
    from connector.bootstrap import sole_owner

    with sole_owner(settings, role) as alone:
        if not alone:
            click.echo(
                f"another {role} already uses this SQLite database; several replicas need "
                "PostgreSQL: set CONNECTOR_DATABASE_URL to postgresql+psycopg://…",
                err=True,
            )
            sys.exit(1)
        serve()


@main.group()
def outbox() -> None:
    """Write-backs the EHR has not taken."""


@outbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of lines.")
def outbox_list(*, as_json: bool) -> None:
    """List what is owed, why it waits, and whether it can be replayed."""
    from connector.bootstrap import build_outbox_desk

    _show(build_outbox_desk(_settings()).owed(), as_json=as_json)


@outbox.command("replay")
@click.option("--id", "message_id", type=int, help="This parked message.")
@click.option("--all", "everything", is_flag=True, help="Every parked message that still can be.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of lines.")
def outbox_replay(*, message_id: int | None, everything: bool, as_json: bool) -> None:
    """Send parked messages again; exits 1 if there was none to send."""
    from connector.bootstrap import build_outbox_desk

    if (message_id is None) is not everything:
        raise click.UsageError("give either --id N or --all")
    replayed = build_outbox_desk(_settings())(message_id)
    _show(replayed, as_json=as_json)
    sys.exit(0 if replayed else 1)


def _show(messages: Sequence[OwedMessage], *, as_json: bool) -> None:
    """Ids, states and codes; what is sealed stays sealed."""
    lines = [
        {
            "id": message.id,
            "visit": message.visit_id,
            "environment": message.environment_id,
            "state": message.state.value,
            "code": message.code,
            "attempts": message.attempts,
            "since": message.created_at.isoformat(),
            "replayable": message.replayable,
        }
        for message in messages
    ]
    if as_json:
        click.echo(json.dumps(lines))
    for line in [] if as_json else lines:
        click.echo(" ".join(f"{name}={value}" for name, value in line.items()))
