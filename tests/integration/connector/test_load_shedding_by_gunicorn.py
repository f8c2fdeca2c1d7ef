"""The real worker class: what waits before the threads is seen, and new launches give way to begun ones (case 78)."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.builders.configurations import TEST_BASE
from tests.integration.connector.slow_web import EHR_SECONDS

LAUNCH = "/launch/patient?" + urlencode({"iss": TEST_BASE, "launch": "l1"})
THREADS = 2


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str


@dataclass
class Server:
    port: int
    silent: list[socket.socket] = field(default_factory=list)

    def get(self, path: str, cookies: str = "") -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(
                "GET", path, headers={"Host": "connector.example", "Cookie": cookies}
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def begun(self) -> tuple[str, str]:
        """A launch whose patient has signed in at the EHR: address and cookie of the callback."""
        begun = self.get(LAUNCH)
        agreed = self.get("/sim/patient-agrees?" + urlencode({"at": begun.headers["Location"]}))
        cookie = begun.headers["Set-Cookie"].partition(";")[0]
        return "/launch/callback?" + urlencode(json.loads(agreed.body)), cookie


def until(condition: object, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.integration.connector.slow_web"]
    process = subprocess.Popen([*command, str(tmp_path), str(port)], stdout=subprocess.DEVNULL)
    running = Server(port)
    try:
        assert until(running.answers, 30)
        yield running
    finally:
        for connection in running.silent:
            connection.close()
        process.terminate()
        process.wait(40)


def queue_ms(callback: Future[Answer]) -> float:
    queued = re.search(r"queue;dur=([0-9.]+)", callback.result().headers["Server-Timing"])
    assert queued is not None
    return float(queued.group(1))


def test_a_new_launch_is_refused_while_begun_ones_finish(server: Server) -> None:
    begun = [server.begun() for _ in range(THREADS + 1)]
    with ThreadPoolExecutor(8) as people:
        callbacks = [people.submit(server.get, *one) for one in begun]
        time.sleep(0.4)
        late = people.submit(server.get, LAUNCH)
        probe = people.submit(server.get, "/healthz")
    refused = late.result()
    assert (refused.status, refused.headers["Refresh"]) == (503, refused.headers["Retry-After"])
    assert "Many visits are beginning" in refused.body
    assert probe.result().status == 200
    assert [callback.result().status for callback in callbacks] == [303] * len(begun)
    # The one for whom no thread was free; who that is, the network decides.
    assert max(map(queue_ms, callbacks)) > EHR_SECONDS * 500
    assert until(lambda: server.get(LAUNCH).status in {302, 303}, 5)


def test_silent_connections_hold_no_thread(server: Server) -> None:
    server.silent += [
        socket.create_connection(("127.0.0.1", server.port)) for _ in range(3 * THREADS)
    ]
    began = time.monotonic()
    assert server.get("/healthz").status == 200
    assert time.monotonic() - began < 2
