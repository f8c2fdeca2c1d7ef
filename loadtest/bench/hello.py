"""The yardstick: the least Flask application, on gunicorn's threads as web is (performance.md 7)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flask import Flask
from scripts.sandbox_parts.plans import inherited_environment
from scripts.sandbox_parts.ports import LOOPBACK

from loadtest.bench.stand import ROOT, wait_until_alive

PATH: Final = "/"
FACTORY: Final = "loadtest.bench.hello:create_app()"


def create_app() -> Flask:
    app = Flask("hello", static_folder=None)

    @app.get(PATH)
    def hello() -> str:
        return "hello"

    @app.get("/healthz")
    def healthz() -> str:
        return "alive"

    return app


@contextmanager
def serving(port: int, log: Path, *, workers: str, threads: str) -> Iterator[tuple[str, int]]:
    """Address and process id, until the block ends."""
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--log-level", "warning"]
    shape = ["--worker-class", "gthread", "--workers", workers, "--threads", threads]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*command, *shape, "--bind", f"{LOOPBACK}:{port}", FACTORY],
            env=inherited_environment(),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            address = f"http://{LOOPBACK}:{port}"
            wait_until_alive(address, process)
            yield address, process.pid
        finally:
            process.terminate()
