import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from flask import Flask
from tests.unit.simkit.counting_world import CountingWorld

from simkit.app import Simulator, create_simulator
from simkit.command import CONFIG_VARIABLE
from simkit.outbound import recorded_session
from simkit.server import Embedded

PROGRAM = """
import sys
from simkit.app import Simulator, create_simulator
from simkit.server import serve
from tests.unit.simkit.counting_world import CountingWorld
serve(create_simulator("x", Simulator(title="x"), CountingWorld()), port=int(sys.argv[1]),
      cert_file=sys.argv[2], key_file=sys.argv[3], on_start=lambda: print("started", flush=True))
"""


def counter(_base_url: str) -> Flask:
    return create_simulator(__name__, Simulator(title="Counter"), CountingWorld())


def session(ca_file: str | None = None) -> requests.Session:
    simulator = Simulator(title="caller")
    return recorded_session(simulator.journal, simulator.clock, ca_file=ca_file, timeout_seconds=5)


def test_embedded_server_answers_over_tls_at_the_url_its_application_was_told(
    tls_files: dict[str, str],
) -> None:
    told: list[str] = []

    def remembered(base_url: str) -> Flask:
        told.append(base_url)
        return counter(base_url)

    with Embedded(remembered, cert_file=tls_files["cert"], key_file=tls_files["key"]) as server:
        answer = session(tls_files["ca"]).get(f"{server.url}/healthz")
    assert answer.json() == {"status": "ok"}
    assert told == [server.url]


def test_a_dropped_answer_reaches_the_caller_as_a_connection_error() -> None:
    with Embedded(counter) as server:
        session().post(f"{server.url}/sim/faults", json={"route": "/x", "drop": True})
        with pytest.raises(requests.ConnectionError):
            session().get(f"{server.url}/x")


def test_calls_to_others_are_recorded_even_when_they_fail() -> None:
    simulator = Simulator(title="caller")
    caller = recorded_session(simulator.journal, simulator.clock, ca_file=None)
    with Embedded(counter) as server:
        caller.post(f"{server.url}/nothing?x=1", data={"a": "b"})
    with pytest.raises(requests.ConnectionError):
        caller.get(f"{server.url}/gone")
    found = [(entry.direction, entry.path, entry.status) for entry in simulator.journal.entries()]
    assert found == [("out", "/nothing", 404), ("out", "/gone", 0)]
    assert simulator.journal.entries()[0].request_body == "a=b"


def test_an_unknown_authority_is_not_trusted(tls_files: dict[str, str], tmp_path: Path) -> None:
    with (
        Embedded(counter, cert_file=tls_files["cert"], key_file=tls_files["key"]) as server,
        pytest.raises(requests.exceptions.SSLError),
    ):
        session().get(f"{server.url}/healthz")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_ready(url: str, ca_file: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(requests.ConnectionError):
            session(ca_file).get(f"{url}/healthz").raise_for_status()
            break
        assert time.monotonic() < deadline, "the server did not become ready"
        time.sleep(0.05)


def test_gunicorn_serves_tls_1_2_or_newer_drops_on_demand_and_ends_cleanly(
    tls_files: dict[str, str],
) -> None:
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, str(port), tls_files["cert"], tls_files["key"]]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        url = f"https://localhost:{port}"
        try:
            wait_until_ready(url, tls_files["ca"])
            session(tls_files["ca"]).post(f"{url}/sim/faults", json={"route": "/x", "drop": True})
            with pytest.raises(requests.ConnectionError):
                session(tls_files["ca"]).get(f"{url}/x")
            assert protocol_spoken(port, tls_files["ca"]) in ("TLSv1.2", "TLSv1.3")
        finally:
            server.send_signal(signal.SIGTERM)
            output, _ = server.communicate(timeout=15)
    assert (server.returncode, output) == (0, "started\n")


def protocol_spoken(port: int, ca_file: str) -> str | None:
    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.version()


PLAIN_CONFIGS = {
    "mock_fhir": {"public_url": "https://ehr.example", "mychart_key": "shared"},
    "mock_mychart": {
        "public_url": "https://mychart.example",
        "ehr_key": "shared",
        "environments": {"test": {"ehr_url": "https://ehr.example/interconnect-tst-oauth"}},
    },
    "mock_microsoft": {"public_url": "https://microsoft.example"},
}


@pytest.mark.parametrize("name", PLAIN_CONFIGS)
def test_every_simulator_speaks_plain_http_where_an_ingress_ends_tls(name: str) -> None:
    port = free_port()
    environment = {**os.environ, CONFIG_VARIABLE: json.dumps(PLAIN_CONFIGS[name])}
    command = [sys.executable, "-m", name, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env=environment) as server:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", "")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=15)
    assert server.returncode == 0
