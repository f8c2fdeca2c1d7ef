"""What one connection makes of the answers a peer may send: RFC 9112, and `ports.http.Http`."""

import gzip
import zlib

import pytest
from tests.fakes.wire import Reply, WireServer

from connector.adapters.system.connection import request_bytes
from connector.adapters.system.egress import Destination
from connector.adapters.system.http import GuardedHttp
from connector.ports.errors import BadAnswer, TryLater

_OK = b"HTTP/1.1 200 OK\r\n"


def _asked(http: GuardedHttp, wire: WireServer, *pieces: bytes) -> bytes:
    wire.answer("GET", "/", Reply(raw=pieces), Reply(200, b"next"))
    return http.send("GET", f"{wire.url}/").body


def _next_needs_a_connection_of_its_own(http: GuardedHttp, wire: WireServer) -> bool:
    assert http.send("GET", f"{wire.url}/").body == b"next"
    return wire.connections == 2


def test_an_interim_answer_is_passed_over_with_its_headers(
    http: GuardedHttp, wire: WireServer
) -> None:
    """RFC 9110 section 15.2."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = _OK + b"Content-Length: 2\r\n\r\nok"
    wire.answer("GET", "/", Reply(raw=(interim + final,)))
    answer = http.send("GET", f"{wire.url}/")
    assert (answer.status, answer.body, "link" in answer.headers) == (200, b"ok", False)


def test_an_interim_answer_alone_is_no_answer(http: GuardedHttp, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(raw=(b"HTTP/1.1 100 Continue\r\n\r\n",)))
    with pytest.raises(TryLater, match="connection_lost"):
        http.send("GET", f"{wire.url}/")


def test_an_answer_without_a_length_ends_with_its_connection(
    http: GuardedHttp, wire: WireServer
) -> None:
    """RFC 9112 section 6.3, rule 8."""
    assert _asked(http, wire, _OK + b"\r\nall ", b"of it") == b"all of it"
    assert _next_needs_a_connection_of_its_own(http, wire)


def test_chunks_are_put_together_and_their_trailer_is_no_header(
    http: GuardedHttp, wire: WireServer
) -> None:
    head = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
    raw = (head, b"3\r\nall\r\n", b"3\r\n of\r\n0\r\nRetry-After: 9\r\n\r\n")
    wire.answer("GET", "/", Reply(raw=raw))
    answer = http.send("GET", f"{wire.url}/")
    assert (answer.body, "retry-after" in answer.headers) == (b"all of", False)


@pytest.mark.parametrize(
    "framing",
    [b"0\r\nEndless: " + b"y" * 300_000, b"1;" + b"y" * 300_000 + b"\r\nx\r\n"],
    ids=["trailer", "chunk extension"],
)
def test_what_surrounds_a_body_is_capped_as_well(
    http: GuardedHttp, wire: WireServer, framing: bytes
) -> None:
    head = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
    wire.answer("GET", "/", Reply(raw=(head, framing)))
    with pytest.raises(BadAnswer, match="too_large"):
        http.send("GET", f"{wire.url}/", max_bytes=1000)


def test_a_body_in_the_smallest_chunks_is_read_to_its_limit(
    http: GuardedHttp, wire: WireServer
) -> None:
    head = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
    wire.answer("GET", "/", Reply(raw=(head, b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")))
    assert http.send("GET", f"{wire.url}/", max_bytes=50_000).body == b"x" * 50_000


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: -2\r\n",
        b"Content-Length: 2\r\nFolded: a\r\n b\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"No colon\r\n",
        b"Bare: line\n",
    ],
)
def test_an_answer_two_readers_could_read_differently_is_not_believed(
    http: GuardedHttp, wire: WireServer, head: bytes
) -> None:
    """RFC 9112 sections 5.2, 6.1 and 6.3; what smuggles an answer past a proxy."""
    with pytest.raises(TryLater, match="connection_lost") as failed:
        _asked(http, wire, _OK + head + b"\r\nok")
    assert failed.value.maybe_done


def test_a_switch_of_protocols_nobody_asked_for_is_not_believed(
    http: GuardedHttp, wire: WireServer
) -> None:
    with pytest.raises(TryLater, match="connection_lost"):
        _asked(http, wire, b"HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")


@pytest.mark.parametrize("more", [b"HTTP/1.1 500 Smuggled\r\n\r\n", b"rubbish", b"\r\n\r\nx"])
def test_whatever_follows_an_answer_serves_nobody_else(
    http: GuardedHttp, wire: WireServer, more: bytes
) -> None:
    raw = (_OK + b"Content-Length: 2\r\n\r\nok" + more, b"")
    wire.answer("GET", "/", Reply(raw=raw, pause_seconds=0.5), Reply(200, b"next"))
    assert http.send("GET", f"{wire.url}/").body == b"ok"
    assert _next_needs_a_connection_of_its_own(http, wire)


@pytest.mark.parametrize(
    "head",
    [
        _OK + b"Connection: close\r\nContent-Length: 2\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n",
    ],
    ids=["told to close", "of HTTP/1.0"],
)
def test_a_connection_that_ends_with_its_answer_is_not_used_again(
    http: GuardedHttp, wire: WireServer, head: bytes
) -> None:
    wire.answer(
        "GET", "/", Reply(raw=(head + b"\r\nok", b""), pause_seconds=0.5), Reply(200, b"next")
    )
    assert http.send("GET", f"{wire.url}/").body == b"ok"
    assert _next_needs_a_connection_of_its_own(http, wire)


def test_a_kept_connection_that_the_peer_closed_is_not_asked(
    http: GuardedHttp, wire: WireServer
) -> None:
    assert _asked(http, wire, _OK + b"Content-Length: 2\r\n\r\nok") == b"ok"
    assert wire.hung_up.acquire(timeout=10)
    assert _next_needs_a_connection_of_its_own(http, wire)


def test_headers_named_twice_are_one_list(http: GuardedHttp, wire: WireServer) -> None:
    """RFC 9110 section 5.3."""
    raw = _OK + b"A: 1\r\na:  2 \r\nContent-Length: 0\r\n\r\n"
    wire.answer("GET", "/", Reply(raw=(raw,)))
    assert http.send("GET", f"{wire.url}/").headers["a"] == "1, 2"


@pytest.mark.parametrize(
    ("coding", "coded"),
    [
        ("gzip", gzip.compress(b"plain", mtime=0)),
        ("X-GZIP", gzip.compress(b"plain", mtime=0)),
        ("deflate", zlib.compress(b"plain")),
        ("identity", b"plain"),
    ],
)
def test_a_coding_nobody_asked_for_is_undone(
    http: GuardedHttp, wire: WireServer, coding: str, coded: bytes
) -> None:
    wire.answer("GET", "/", Reply(200, coded, {"Content-Encoding": coding}))
    assert http.send("GET", f"{wire.url}/").body == b"plain"


@pytest.mark.parametrize(
    ("coding", "coded"),
    [
        ("br", b"x"),
        ("gzip, gzip", gzip.compress(b"x", mtime=0)),
        ("gzip", gzip.compress(b"plain" * 9, mtime=0)[:-9]),
    ],
    ids=["unknown", "twice", "cut short"],
)
def test_a_coding_that_cannot_be_undone_is_a_bad_answer(
    http: GuardedHttp, wire: WireServer, coding: str, coded: bytes
) -> None:
    wire.answer("GET", "/", Reply(200, coded, {"Content-Encoding": coding}))
    with pytest.raises(BadAnswer, match="content_encoding"):
        http.send("GET", f"{wire.url}/")


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "a\0", "\u2713"])
def test_a_header_that_would_become_two_is_not_sent(
    http: GuardedHttp, wire: WireServer, value: str
) -> None:
    """A token comes from outside; in a header it must stay one line (RFC 9110 section 5.5)."""
    with pytest.raises(ValueError, match=r"line break|latin-1"):
        http.send("GET", f"{wire.url}/", headers={"Authorization": value})
    assert (wire.heard, wire.connections) == ([], 0)


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("POST", b"abc", b"3"), ("POST", b"", b"0"), ("PATCH", None, b"0"), ("GET", None, None)],
)
def test_a_request_says_how_long_its_body_is(
    method: str, body: bytes | None, length: bytes | None
) -> None:
    said = request_bytes(method, Destination("ehr.example", 443, "/a"), {}, body)
    named = [line for line in said.split(b"\r\n") if line.startswith(b"Content-Length")]
    assert named == ([] if length is None else [b"Content-Length: " + length])


@pytest.mark.parametrize(
    ("port", "host"), [(443, b"Host: ehr.example"), (8443, b"Host: ehr.example:8443")]
)
def test_the_port_is_named_where_it_is_not_the_usual_one(port: int, host: bytes) -> None:
    said = request_bytes("GET", Destination("ehr.example", port, "/a"), {}, None)
    assert said.split(b"\r\n")[1] == host
