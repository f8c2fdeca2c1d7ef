"""`python -m mock_microsoft` as the sandbox starts it."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.conformance.mock_microsoft.microsoft_desk import ADAM, CONTOSO, configuration

START_SECONDS = 30


def command(certificates: Any, port: int, config_file: Path) -> list[str]:
    files = ["--cert", certificates.cert_file, "--key", certificates.key_file]
    return [
        sys.executable,
        "-m",
        "mock_microsoft",
        "--port",
        str(port),
        *files,
        "--config",
        str(config_file),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"public_url": "http://localhost:8443"},
        {"apps": [{"client_id": "not-a-guid", "name": "x", "redirect_uris": []}]},
        {"unknown": 1},
    ],
)
def test_a_wrong_configuration_is_refused_before_listening(
    certificates: Any, tmp_path: Path, change: dict[str, Any]
) -> None:
    config_file = tmp_path / "config.json"
    config_file.write_text(json.dumps({"public_url": "https://localhost:1", **change}))
    run = subprocess.run(
        command(certificates, 1, config_file),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert run.returncode == 2
    assert "wrong configuration" in run.stderr


def test_the_command_serves_over_tls_delivers_and_stops_on_sigterm(
    certificates: Any, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"https://localhost:{port}"
    config_file = tmp_path / "config.json"
    config_file.write_text(configuration(url, certificates.ca_file).model_dump_json())
    process = subprocess.Popen(command(certificates, port, config_file))
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.verify = certificates.ca_file
            assert wait_until_ready(session, url)
            document = session.get(f"{url}/{CONTOSO}/v2.0/.well-known/openid-configuration").json()
            people = session.get(f"{url}/sim/people").json()["tenants"][0]["people"]
        assert document["issuer"] == f"{url}/{CONTOSO}/v2.0"
        assert ADAM in [person["id"] for person in people]
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) == 0


def wait_until_ready(session: requests.Session, url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            return session.get(f"{url}/healthz").status_code == 200
        except requests.ConnectionError:
            time.sleep(0.05)
    return False
