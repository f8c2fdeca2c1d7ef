"""`GuardedHttp` against a true wire: `ports.http.Http`."""

import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from tests.fakes.wire import DROPPED, Reply, WireServer, drip

from connector.adapters.system import http as http_module
from connector.adapters.system.http import GuardedHttp
from connector.ports.errors import (
    AddressRefused,
    BadAnswer,
    NotConnected,
    OutsideError,
    TryLater,
)


def test_an_answer_comes_back_whole_with_lower_case_header_names(
    http: GuardedHttp, wire: WireServer
) -> None:
    wire.answer("GET", "/thing", Reply(201, {"a": 1}, {"X-Custom": "yes"}))
    answer = http.send("GET", f"{wire.url}/thing?q=1%202", headers={"Accept": "application/json"})
    assert (answer.status, answer.body) == (201, b'{"a": 1}')
    assert answer.headers["x-custom"] == "yes"
    assert wire.heard[0].query == {"q": "1 2"}
    assert wire.heard[0].headers["accept"] == "application/json"


def test_a_body_is_sent_with_its_length(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("POST", "/form", Reply(204))
    answer = http.send("POST", f"{wire.url}/form", body=b"a=1&b=2")
    assert (answer.status, answer.body) == (204, b"")
    assert wire.heard[0].form == {"a": "1", "b": "2"}


def test_connections_are_kept_and_used_again(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(200, {}))
    for _ in range(5):
        http.send("GET", f"{wire.url}/")
    assert (len(wire.heard), wire.connections) == (5, 1)


def test_a_connection_idle_for_too_long_is_not_trusted_to_be_alive(
    http: GuardedHttp, wire: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.answer("GET", "/", Reply(200, {}))
    http.send("GET", f"{wire.url}/")
    monkeypatch.setattr(http_module, "IDLE_SECONDS", 0.0)
    http.send("GET", f"{wire.url}/")
    assert wire.connections == 2


def test_many_threads_share_the_pool_without_mixing_answers(
    http: GuardedHttp, wire: WireServer
) -> None:
    wire.answer("GET", "/echo", lambda heard: Reply(200, {"n": heard.query["n"]}))

    def ask(number: int) -> bytes:
        return http.send("GET", f"{wire.url}/echo?n={number}").body

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(80)))
    assert answers == [f'{{"n": "{number}"}}'.encode() for number in range(80)]
    assert wire.connections <= 8


def test_more_hosts_than_pools_only_costs_connections(
    http: GuardedHttp, wire: WireServer, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA
) -> None:
    monkeypatch.setattr(http_module, "MOST_HOSTS", 1)
    wire.answer("GET", "/", Reply(200, {}))
    with WireServer(authority.issue_cert("localhost")) as other:
        other.answer("GET", "/", Reply(200, {}))
        for server in (wire, other, wire):
            assert http.send("GET", f"{server.url}/").status == 200
    assert wire.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_returned_not_followed(
    http: GuardedHttp, wire: WireServer, status: int
) -> None:
    wire.answer("GET", "/here", Reply(status, None, {"Location": f"{wire.url}/there"}))
    assert http.send("GET", f"{wire.url}/here").status == status
    assert [heard.path for heard in wire.heard] == ["/here"]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_ignored(
    http: GuardedHttp, wire: WireServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    wire.answer("GET", "/", Reply(200, {}))
    assert http.send("GET", f"{wire.url}/").status == 200


# --- size -----------------------------------------------------------------------------------------


def test_a_body_of_exactly_the_limit_is_read(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(200, b"x" * 1000))
    assert len(http.send("GET", f"{wire.url}/", max_bytes=1000).body) == 1000


def test_a_larger_body_is_refused_and_its_connection_not_used_again(
    http: GuardedHttp, wire: WireServer
) -> None:
    # Everything sent has been read when the limit is reached, and more is announced.
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"
    unfinished = Reply(raw=(head, b"x" * 2 * 65_536, b"x"), pause_seconds=0.2)
    wire.answer("GET", "/", unfinished, Reply(200, {}))
    with pytest.raises(BadAnswer, match="too_large"):
        http.send("GET", f"{wire.url}/", max_bytes=100_000)
    assert http.send("GET", f"{wire.url}/").body == b"{}"


def test_a_gzip_bomb_is_stopped_by_what_comes_out_of_it(
    http: GuardedHttp, wire: WireServer
) -> None:
    bomb = gzip.compress(b"0" * 50_000_000, compresslevel=9)
    wire.answer("GET", "/", Reply(200, bomb, {"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="too_large"):
            http.send("GET", f"{wire.url}/", max_bytes=100_000)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 5_000_000


def test_garbage_that_says_it_is_gzip_is_a_bad_answer(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(200, b"not gzip at all", {"Content-Encoding": "gzip"}))
    with pytest.raises(BadAnswer, match="content_encoding"):
        http.send("GET", f"{wire.url}/")


# --- time -----------------------------------------------------------------------------------------


def _took(http: GuardedHttp, url: str, deadline_seconds: float) -> tuple[TryLater, float]:
    began = time.monotonic()
    with pytest.raises(TryLater) as failed:
        http.send("POST", url, body=b"x", deadline_seconds=deadline_seconds)
    return failed.value, time.monotonic() - began


def test_a_body_that_drips_ends_at_the_deadline(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("POST", "/", drip(b" " * 1000))
    error, seconds = _took(http, f"{wire.url}/", 0.4)
    assert (error.code, error.maybe_done) == ("timeout", True)
    assert 0.3 < seconds < 2


def test_a_body_that_begins_and_then_stalls_ends_at_the_deadline(
    http: GuardedHttp, wire: WireServer
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    wire.answer("POST", "/", Reply(raw=(head, *[b"x"] * 9), pause_seconds=0.8))
    error, seconds = _took(http, f"{wire.url}/", 0.9)
    assert error.code == "timeout"
    assert seconds < 1.4


def test_headers_that_drip_end_at_the_deadline(http: GuardedHttp, wire: WireServer) -> None:
    header = b"X-Slow: " + b"y" * 1000
    pieces = (b"HTTP/1.1 200 OK\r\n", *(header[i : i + 1] for i in range(len(header))))
    wire.answer("POST", "/", Reply(raw=pieces, pause_seconds=0.05))
    error, seconds = _took(http, f"{wire.url}/", 0.4)
    assert (error.code, error.maybe_done) == ("timeout", True)
    assert seconds < 2


def test_a_peer_that_never_answers_ends_at_the_deadline(
    http: GuardedHttp, wire: WireServer
) -> None:
    wire.answer("POST", "/", Reply(raw=(b"",), pause_seconds=30))
    error, seconds = _took(http, f"{wire.url}/", 0.3)
    assert (error.code, error.maybe_done) == ("timeout", True)
    assert seconds < 2


def test_a_name_look_up_that_hangs_ends_at_the_deadline(ca_file: str) -> None:
    hanging = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        hanging.wait(10)
        return []

    http = GuardedHttp(ca_file, frozenset(), resolve=resolve)
    error, seconds = _took(http, "https://slow.example/", 0.3)
    hanging.set()
    assert (type(error), error.code) == (NotConnected, "name_timeout")
    assert not error.maybe_done
    assert seconds < 2


def test_a_tcp_peer_that_never_shakes_hands_ends_at_the_deadline(
    http: GuardedHttp, silent_port: int
) -> None:
    error, seconds = _took(http, f"https://localhost:{silent_port}/", 0.3)
    assert (type(error), error.code) == (NotConnected, "connect_timeout")
    assert not error.maybe_done
    assert seconds < 2


# --- connections that fail ------------------------------------------------------------------------


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_closed_port_is_nothing_done(http: GuardedHttp, wire: WireServer) -> None:
    with WireServer(trustme.CA().issue_cert("localhost")) as gone:
        url = gone.url
    with pytest.raises(NotConnected, match="no_connection") as failed:
        http.send("GET", url)
    assert not failed.value.maybe_done
    assert failed.value.host == "localhost"


def test_a_name_nobody_knows_is_nothing_done(ca_file: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("unknown")

    with pytest.raises(NotConnected, match="name_unknown") as failed:
        GuardedHttp(ca_file, frozenset(), resolve=resolve).send("GET", "https://nobody.example/")
    assert not failed.value.maybe_done


def test_a_dropped_connection_may_have_done_it(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("POST", "/", DROPPED)
    with pytest.raises(TryLater, match="connection_lost") as failed:
        http.send("POST", f"{wire.url}/", body=b"x")
    assert failed.value.maybe_done
    assert not isinstance(failed.value, NotConnected)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n",),
        (b"this is not HTTP\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",),
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 100_000 + b"\r\n\r\n",),
    ],
    ids=["truncated", "cut chunk", "bad chunk", "not http", "many headers", "long header"],
)
def test_a_broken_answer_is_lost_not_believed(
    http: GuardedHttp, wire: WireServer, pieces: tuple[bytes, ...]
) -> None:
    wire.answer("GET", "/", Reply(raw=pieces))
    with pytest.raises(TryLater, match="connection_lost") as failed:
        http.send("GET", f"{wire.url}/")
    assert failed.value.maybe_done


# --- certificates (reliability.md case 40) --------------------------------------------------------


def _certificate_error(http: GuardedHttp, certificate: trustme.LeafCert) -> OutsideError:
    with WireServer(certificate) as server:
        server.answer("GET", "/", Reply(200, {}))
        with pytest.raises(TryLater) as failed:
            http.send("GET", f"{server.url}/")
    assert server.heard == []
    assert not failed.value.maybe_done
    # Asking again at once finds the same certificate.
    assert not isinstance(failed.value, NotConnected)
    return failed.value


def test_the_given_authority_is_trusted_besides_the_machines_own(
    ca_file: str, wire: WireServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL reads the machine's authorities from the file this variable names."""
    machines, wire_answer = trustme.CA(), Reply(200, {})
    machines.cert_pem.write_to_path(str(tmp_path / "machine.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "machine.pem"))
    http = GuardedHttp(ca_file, frozenset({"localhost"}))
    with WireServer(machines.issue_cert("localhost")) as public:
        for server in (public, wire):
            server.answer("GET", "/", wire_answer)
            assert http.send("GET", f"{server.url}/").status == 200
    http.close()


def test_a_certificate_of_another_authority_is_diagnosed(http: GuardedHttp) -> None:
    error = _certificate_error(http, trustme.CA().issue_cert("localhost"))
    assert error.code in {"certificate_authority_unknown", "certificate_self_signed"}


def test_a_certificate_of_another_host_is_diagnosed(
    http: GuardedHttp, authority: trustme.CA
) -> None:
    error = _certificate_error(http, authority.issue_cert("elsewhere.example"))
    assert error.code == "certificate_of_other_host"


def test_an_expired_certificate_is_diagnosed(http: GuardedHttp, authority: trustme.CA) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - OpenSSL has its own clock
    error = _certificate_error(
        http,
        authority.issue_cert(
            "localhost", not_before=yesterday - timedelta(days=9), not_after=yesterday
        ),
    )
    assert error.code == "certificate_expired"


def test_tls_1_2_host_names_and_authorities_are_required(
    http: GuardedHttp,
) -> None:
    assert http._context.minimum_version.name == "TLSv1_2"
    assert http._context.check_hostname
    assert http._context.verify_mode.name == "CERT_REQUIRED"


def test_plain_http_on_the_port_is_diagnosed(http: GuardedHttp) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    with pytest.raises(NotConnected, match=r"tls_failed|no_connection"):
        http.send("GET", f"https://localhost:{server.server_address[1]}/")
    thread.join()
    server.server_close()


def test_an_address_that_is_refused_reaches_nobody(ca_file: str, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(200, {}))
    with pytest.raises(AddressRefused, match="address_not_public"):
        GuardedHttp(ca_file, frozenset()).send("GET", f"{wire.url}/")
    assert wire.connections == 0


def test_all_addresses_of_a_host_are_tried(ca_file: str, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(200, {}))
    http = GuardedHttp(ca_file, frozenset({"localhost"}), resolve=lambda *_: ["::1", "127.0.0.1"])
    assert http.send("GET", f"{wire.url}/").status == 200
    http.close()
