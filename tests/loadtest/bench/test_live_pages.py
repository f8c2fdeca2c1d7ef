"""Live pages note every event once, and an event that did not come is no figure."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from loadtest.bench.parts.prepared import Pass
from loadtest.bench.parts.viewers import Arrivals, Reading, watching
from loadtest.bench.wrk import NotMeasured

ADMITTED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
EVENT = b'4e\r\nid: %d\nevent: visit\ndata: {"kind": "participant"}\n\n\r\n'
PASSES = [Pass("visit-1", "c=1"), Pass("visit-2", "c=2")]


@contextmanager
def feed(*pieces: bytes) -> Iterator[str]:
    """A feed that says the same to everybody, and hangs up at an empty piece."""

    def serve(listener: socket.socket) -> None:
        for _ in PASSES:
            connection, _ = listener.accept()
            connections.append(connection)
            connection.recv(4096)
            for piece in pieces:
                connection.sendall(piece) if piece else connection.close()

    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join(5)
        for connection in connections:
            connection.close()


def test_an_event_in_pieces_is_one_event() -> None:
    reading, whole = Reading(), EVENT % 41 + EVENT % 42
    numbers = [one for byte in whole for one in reading.numbers(bytes([byte]))]
    assert numbers == [41, 42]


def test_a_number_in_the_data_of_an_event_is_no_event() -> None:
    assert Reading().numbers(b'data: {"at": "id: 7"}\n: still here\n\n') == []


def test_everybody_hears_of_an_event() -> None:
    with feed(ADMITTED, EVENT % 7) as address, watching(address, PASSES, 0) as arrivals:
        arrivals.wait_for({7: 2}, 5)
        assert len(arrivals.at[7]) == 2


def test_an_event_that_does_not_come_is_counted_among_those_expected() -> None:
    with feed(ADMITTED, EVENT % 7) as address, watching(address, PASSES, 0) as arrivals:
        arrivals.wait_for({7: 2}, 5)
        with pytest.raises(NotMeasured, match="2 of 4 events were not delivered"):
            arrivals.wait_for({7: 2, 8: 2}, 0.05)


def test_an_event_that_comes_twice_is_no_figure() -> None:
    with (
        feed(ADMITTED, EVENT % 7 + EVENT % 7 + EVENT % 8) as address,
        watching(address, PASSES, 0) as arrivals,
        pytest.raises(NotMeasured, match="twice"),
    ):
        arrivals.wait_for({7: 2, 8: 2}, 5)


def test_a_feed_that_hangs_up_is_no_figure() -> None:
    with (
        feed(ADMITTED, b"") as address,
        watching(address, PASSES, 0) as arrivals,
        pytest.raises(NotMeasured, match=r"ended \d connections"),
    ):
        arrivals.wait_for({7: 2}, 5)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"),
        (b"", "no answer"),
    ],
)
def test_who_is_not_admitted_ends_it(answer: bytes, said: str) -> None:
    with (
        feed(answer, b"") as address,
        pytest.raises(NotMeasured, match=f"not admitted: .*{said}"),
        watching(address, PASSES, 0),
    ):
        pass


def test_nobody_waits_for_nothing() -> None:
    Arrivals().wait_for({}, 0)
    with pytest.raises(NotMeasured, match="1 of 1"):
        Arrivals().wait_for({1: 1}, 0)
