#!/usr/bin/env python3
"""Run a command with a throw-away PostgreSQL server: `make test-postgres`.

usage: scripts/postgres_test_server.py -- .venv/bin/pytest -m postgres

The cluster lives in a temporary folder, listens on loopback only, forgets durability for speed, and
is gone afterwards. The command finds it in TEST_POSTGRES_URL; its exit status is ours. Missing
server binaries are installed by name when we are root.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DEBIAN_BINARIES = Path("/usr/lib/postgresql")
SECONDS_TO_START = 30
SUPERUSER = "postgres"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "log_min_messages": "panic",
}


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print(__doc__)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server stops with us
    binaries = find_binaries() or install()
    if binaries is None:
        print("No PostgreSQL server here: install it (Debian: apt-get install postgresql).")
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="postgres-test-") as folder,
        server(binaries, Path(folder)) as url,
    ):
        environment = os.environ | {"TEST_POSTGRES_URL": url}
        return subprocess.run(command, env=environment, check=False).returncode


def find_binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`; the newest version if there are several."""
    installed = sorted(
        DEBIAN_BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]), reverse=True
    )
    on_path = shutil.which("initdb")
    candidates = [*installed, *([Path(on_path).resolve()] if on_path else [])]
    return candidates[0].parent if candidates else None


def install() -> Path | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
    return find_binaries()


@contextmanager
def server(binaries: Path, folder: Path, settings: Mapping[str, str] = SETTINGS) -> Iterator[str]:
    """A running server; its superuser needs no password from this machine's loopback."""
    # PostgreSQL refuses to run as root; its package brings a user of that name.
    owner = SUPERUSER if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)
    data = str(folder / "data")
    initdb = [str(binaries / "initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
    subprocess.run(
        [*initdb, "--no-sync"], user=owner, cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    port = free_port()
    address = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
    chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen(
        [str(binaries / "postgres"), *address, *chosen], user=owner, cwd=folder
    )
    try:
        wait_until_ready(binaries, port, process)
        yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # "fast": roll back and stop
        process.wait(timeout=SECONDS_TO_START)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_ready(binaries: Path, port: int, process: "subprocess.Popen[bytes]") -> None:
    """Raises: RuntimeError: the server ended, or was not ready in time."""
    deadline = time.monotonic() + SECONDS_TO_START
    question = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run([*question, "-U", SUPERUSER], check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
