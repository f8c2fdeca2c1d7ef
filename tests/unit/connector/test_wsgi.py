"""`connector web`: what gunicorn is told; the application itself is built after the fork."""

import gc
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config

from connector.settings import Settings
from connector.wsgi import TellingWorker, Web, courtesy_seconds


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(
        Settings(
            public_url="https://connector.example",
            database_url=f"sqlite:///{tmp_path / 'connector.db'}",
            data_geography="emea",
            keys_directory=tmp_path / "keys",
            microsoft_client_id="aaaaaaaa-0000-4000-8000-000000000001",
        )
    )


def test_nothing_is_written_to_the_home_directory(web: Web, tmp_path: Path) -> None:
    """It is read-only in a container, and who may open a control socket may stop the workers."""
    web.cfg.set("control_socket", str(tmp_path / "home/.gunicorn/gunicorn.ctl"))
    arbiter = Arbiter(web)
    arbiter._start_control_server()
    assert arbiter._control_server is None
    assert not (tmp_path / "home").exists()


def test_what_lives_as_long_as_the_process_is_not_gone_through_during_launches(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.wsgi.build_web", lambda _settings: Flask("built"))
    try:
        assert web.load().name == "built"
        assert gc.get_freeze_count() > len(gc.get_objects())
    finally:
        gc.unfreeze()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def a_worker(processes: int, connections: int) -> TellingWorker:
    worker = TellingWorker.__new__(TellingWorker)
    worker.cfg = Config()
    worker.cfg.set("workers", processes)
    worker.nr_conns = connections
    worker.pending_conns = deque()
    worker.poller = selectors.DefaultSelector()
    return worker


def accepted(worker: TellingWorker, listener: socket.socket) -> int:
    before = worker.nr_conns
    worker.accept(listener)
    for connection in worker.pending_conns:
        connection.sock.close()
    worker.poller.close()
    return int(worker.nr_conns - before)


def test_the_more_connections_a_process_has_the_longer_others_go_first() -> None:
    waits = [courtesy_seconds(connections) for connections in range(600)]
    assert waits[0] == 0
    assert waits == sorted(set(waits))
    assert waits[-1] < 0.001


@pytest.mark.parametrize(("processes", "waits"), [(1, []), (2, [courtesy_seconds(7)])])
def test_only_where_there_are_others_somebody_may_go_first(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, processes: int, waits: list[float]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with socket.create_connection(listener.getsockname()):
        assert accepted(a_worker(processes, connections=7), listener) == 1
    assert waited == waits


def test_a_connection_that_another_process_took_is_none_of_ours(listener: socket.socket) -> None:
    assert accepted(a_worker(2, connections=7), listener) == 0
