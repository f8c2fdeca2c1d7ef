"""How each part is started: always with the interpreter that runs the sandbox."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scripts.sandbox_parts.certificates import Certificates
from scripts.sandbox_parts.processes import ProcessPlan, Readiness

CONNECTOR_PREFIX: Final = "CONNECTOR_"
WORKER_ALIVE: Final = r'"worker":\s*"alive"'


def simulator_plan(name: str, url: str, certificates: Certificates, config: Path) -> ProcessPlan:
    """``python -m mock_xxx``; ``url`` is its public one."""
    port = url.rsplit(":", 1)[1]
    served = ("--cert", str(certificates.cert_file), "--key", str(certificates.key_file))
    return ProcessPlan(
        name=name,
        argv=(sys.executable, "-m", name, "--port", port, *served, "--config", str(config)),
        readiness=Readiness(f"{url}/healthz"),
        environment=inherited_environment(),
    )


def connector_plans(settings: Mapping[str, str]) -> list[ProcessPlan]:
    """web, worker and feed. The worker serves nothing: ``/readyz`` of web tells of its heartbeat."""
    web, feed = settings["CONNECTOR_PUBLIC_URL"], settings["CONNECTOR_FEED_URL"]
    readiness = {
        "web": Readiness(f"{web}/readyz"),
        "worker": Readiness(f"{web}/readyz", WORKER_ALIVE),
        "feed": Readiness(f"{feed}/readyz"),
    }
    environment = {**inherited_environment(), **settings}
    return [
        ProcessPlan(name, connector_command(name), ready, environment)
        for name, ready in readiness.items()
    ]


def connector_command(*arguments: str) -> tuple[str, ...]:
    """The console script beside this interpreter, not whatever PATH holds."""
    return (str(Path(sys.executable).with_name("connector")), *arguments)


def inherited_environment() -> dict[str, str]:
    """This process's environment without settings of another connector and without its proxy for localhost."""
    kept = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    local = "localhost,127.0.0.1,::1"
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": local, "no_proxy": local}


def _is_foreign(name: str) -> bool:
    return name.startswith((CONNECTOR_PREFIX, "GUNICORN_", "FLASK_"))
