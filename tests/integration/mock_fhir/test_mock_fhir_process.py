"""The simulator as people start it: `python -m mock_fhir`."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from tests.conformance.mock_fhir.ehr_driver import EhrDriver, Pkce

CONFIG = {"mychart_key": "x", "time_zone": "Europe/Berlin", "clients": []}


def start(folder: Path, port: int, **config: Any) -> subprocess.Popen[str]:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    files = [f"--{name}={folder / name}.{kind}" for name, kind in (("cert", "pem"), ("key", "pem"), ("config", "json"))]  # fmt: skip
    command = [sys.executable, "-m", "mock_fhir", f"--port={port}", *files]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(tmp_path / "ca.pem")
        yield session


def wait_until_ready(session: requests.Session, url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(requests.ConnectionError):
            session.get(f"{url}/healthz", timeout=5).raise_for_status()
            break
        assert time.monotonic() < deadline, "the simulator did not become ready"
        time.sleep(0.05)


def test_the_command_serves_both_environments_and_ends_cleanly(
    tmp_path: Path, session: requests.Session
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"https://localhost:{port}"
    with start(tmp_path, port, public_url=url) as process:
        try:
            wait_until_ready(session, url)
            for prefix in ("tst", "prd"):
                base = f"{url}/interconnect-{prefix}-oauth"
                found = session.get(f"{base}/api/FHIR/R4/metadata", timeout=5).json()
                assert found["implementation"]["url"] == f"{base}/api/FHIR/R4"
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=15)
    assert (process.returncode, errors) == (0, "")


def test_the_command_refuses_a_wrong_configuration(tmp_path: Path) -> None:
    with start(tmp_path, 1, public_url="nowhere") as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "public_url must be" in errors


def test_of_many_uses_of_a_code_at_once_exactly_one_wins(ehr: EhrDriver) -> None:
    client, pkce = ehr.register(), Pkce()
    code = ehr.code(client, pkce)
    drivers = [EhrDriver(ehr.app) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda one: one.exchange(client, code=code, code_verifier=pkce.verifier), drivers
            )
        )
    assert sorted(one.status_code for one in answers) == [200] + [400] * 15
