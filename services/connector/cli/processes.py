"""`connector web`, `worker`, `feed`: the long-running processes."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from connector.cli.speech import settings
from connector.settings import Settings


@click.command("web")
def run_web() -> None:
    """Answer browsers and webhooks until told to stop.

    Example:
      connector web

    Exit codes: 0 told to stop, 1 another one uses this SQLite database, 2 wrong settings.
    """
    loaded = _process("web")
    from connector.bootstrap import require_keys
    from connector.wsgi import Web

    require_keys(loaded)  # gunicorn would say of a worker process without keys only that it died
    _only_one(loaded, "web", lambda: Web(loaded).run())


@click.command("worker")
def run_worker() -> None:
    """Apply events, deliver write-backs, keep subscriptions, until told to stop.

    What is claimed is finished before it stops; what a killed worker held comes back by itself.

    Example:
      connector worker

    Exit codes: 0 told to stop, 1 another one uses this SQLite database, 2 wrong settings.
    """
    loaded = _process("worker")
    from connector.bootstrap import build_worker

    def serve() -> None:
        worker = build_worker(loaded)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stopping.set())
        worker.run()

    _only_one(loaded, "worker", serve)


@click.command("feed")
def run_feed() -> None:
    """Serve the live events of visits until told to stop.

    Example:
      connector feed

    Exit codes: 0 told to stop, 1 another one uses this SQLite database, 2 wrong settings.
    """
    loaded = _process("feed")
    from connector.feed import serve

    _only_one(loaded, "feed", lambda: serve(loaded))


def _process(name: str) -> Settings:
    """Settings and logging of a long-running process.

    prometheus-client decides at its first import whether processes share their numbers, so the
    variable it looks for is set before anything imports it.
    """
    loaded = settings()
    if loaded.metrics_directory:
        Path(loaded.metrics_directory).mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(loaded.metrics_directory)
    from connector.bootstrap import begin_logging

    begin_logging(loaded, name)
    return loaded


def _only_one(loaded: Settings, role: str, serve: Callable[[], None]) -> None:
    """SQLite is one host's database: a second process of the same role is refused."""
    from connector.bootstrap import sole_owner

    with sole_owner(loaded, role) as alone:
        if not alone:
            click.echo(
                f"another {role} already uses this SQLite database; several replicas need "
                "PostgreSQL: set CONNECTOR_DATABASE_URL to postgresql+psycopg://…",
                err=True,
            )
            sys.exit(1)
        serve()
