"""`PublishedKeys`: who signed a token, and how often anybody is asked for keys."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from tests.fakes.issuer import Issuer
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply, WireServer

from connector.adapters.system.http import GuardedHttp
from connector.adapters.system.signed_tokens import PublishedKeys
from connector.ports.errors import TryLater, Untrusted
from connector.ports.http import Answer

CLAIMS = {"sub": "somebody"}
KEYS = "https://ehr.example/keys"


class DeadServer:
    """Implements `ports.http.Http`: every request times out, `seconds` later."""

    def __init__(self, clock: FixedClock, seconds: float = 8.0) -> None:
        self.asked = 0
        self._clock = clock
        self._seconds = seconds

    def send(self, method: str, url: str, **options: Any) -> Answer:
        self.asked += 1
        self._clock.advance(self._seconds)
        raise TryLater("timeout", maybe_done=True)


class SlowServer:
    """Implements `ports.http.Http`: publishes the issuer's keys once `released`."""

    def __init__(self, issuer: Issuer) -> None:
        self.count = 0
        self.asked, self.released = threading.Event(), threading.Event()
        self._body = json.dumps(issuer.jwks()).encode()

    def send(self, method: str, url: str, **options: Any) -> Answer:
        self.count += 1
        self.asked.set()
        assert self.released.wait(10)
        return Answer(200, {"content-type": "application/json"}, self._body)


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def keys(http: GuardedHttp, clock: FixedClock, wire: WireServer, issuer: Issuer) -> PublishedKeys:
    wire.answer("GET", "/keys", Reply(200, issuer.jwks()))
    return PublishedKeys(http, clock)


@pytest.fixture
def jwks_uri(wire: WireServer) -> str:
    return f"{wire.url}/keys"


def test_a_signed_token_gives_its_claims(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str
) -> None:
    assert keys.claims(jwks_uri, issuer.sign(CLAIMS)) == CLAIMS


def test_claims_are_not_looked_at(keys: PublishedKeys, issuer: Issuer, jwks_uri: str) -> None:
    odd = {"exp": 1, "nbf": 9_999_999_999, "iat": "soon", "aud": 7, "iss": [], "sub": 1, "jti": 2}
    assert keys.claims(jwks_uri, issuer.sign({**odd, "iss": "x"})) == {**odd, "iss": "x"}


def test_keys_are_read_once_for_many_tokens(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    for number in range(20):
        keys.claims(jwks_uri, issuer.sign({"sub": str(number)}))
    assert len(wire.heard) == 1


def test_a_cold_cache_is_filled_by_one_of_many_threads(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    token, together = issuer.sign(CLAIMS), threading.Barrier(8)

    def verify(_: int) -> Any:
        together.wait()
        return keys.claims(jwks_uri, token)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(verify, range(8))) == [CLAIMS] * 8
    assert len(wire.heard) == 1


def test_a_token_without_kid_is_fine_if_one_key_is_published(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str
) -> None:
    assert keys.claims(jwks_uri, issuer.sign(CLAIMS, kid=None)) == CLAIMS


def test_a_token_without_kid_is_refused_if_two_keys_are_published(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    wire.answer("GET", "/keys", Reply(200, issuer.jwks(Issuer("second", "key-2"))))
    with pytest.raises(Untrusted, match="key_ambiguous"):
        keys.claims(jwks_uri, issuer.sign(CLAIMS, kid=None))


def test_two_keys_of_one_kid_are_refused(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    wire.answer("GET", "/keys", Reply(200, issuer.jwks(Issuer("second", "key-1"))))
    with pytest.raises(Untrusted, match="key_ambiguous"):
        keys.claims(jwks_uri, issuer.sign(CLAIMS))


def test_a_signature_by_another_key_of_the_same_name_is_refused(
    keys: PublishedKeys, jwks_uri: str
) -> None:
    with pytest.raises(Untrusted, match="signature"):
        keys.claims(jwks_uri, Issuer("attacker", "key-1").sign(CLAIMS))


def test_a_changed_payload_is_refused(keys: PublishedKeys, issuer: Issuer, jwks_uri: str) -> None:
    head, _, signature = issuer.sign(CLAIMS).split(".")
    payload = issuer.sign({"sub": "somebody else"}).split(".")[1]
    with pytest.raises(Untrusted, match="signature"):
        keys.claims(jwks_uri, f"{head}.{payload}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "....",
        "é.é.é",
        "x" * 20_000,
        "e30.e30.",
        "bnVsbA.e30.e30",
    ],
)
def test_what_is_not_a_token_is_refused_without_asking_for_keys(
    keys: PublishedKeys, jwks_uri: str, wire: WireServer, token: str
) -> None:
    with pytest.raises(Untrusted):
        keys.claims(jwks_uri, token)
    assert wire.heard == []


def test_a_payload_that_is_no_object_is_refused(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str
) -> None:
    signed = jwt.api_jws.encode(b"[1]", issuer.private, "RS256", headers={"kid": "key-1"})
    with pytest.raises(Untrusted, match="token_malformed"):
        keys.claims(jwks_uri, signed)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "EC"},
        {"use": "enc"},
        {"alg": "RS512"},
        {"n": None},
        {"n": 17},
        {"n": "AQAB"},
        {"e": None},
        {"e": "!"},
        {"kid": "other"},
        {"kid": 5},
    ],
    ids=str,
)
def test_a_published_key_that_is_not_an_rsa_signing_key_is_passed_over(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer, change: dict[str, Any]
) -> None:
    wire.answer("GET", "/keys", Reply(200, {"keys": [issuer.jwk(**change), 7, None]}))
    with pytest.raises(Untrusted, match="key_unknown"):
        keys.claims(jwks_uri, issuer.sign(CLAIMS))


def test_a_key_of_1024_bits_is_passed_over(
    keys: PublishedKeys, jwks_uri: str, wire: WireServer
) -> None:
    weak = Issuer("weak", "key-1", bits=1024)
    wire.answer("GET", "/keys", Reply(200, weak.jwks()))
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = weak.sign(CLAIMS)
    with pytest.raises(Untrusted, match="key_unknown"):
        keys.claims(jwks_uri, token)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, {}),
        Reply(404, {}),
        Reply(302, None, {"Location": "https://elsewhere.example/"}),
        Reply(200, "<html>"),
        Reply(200, b"{"),
        Reply(200, [1]),
        DROPPED,
    ],
)
def test_unreadable_keys_are_try_later_when_none_are_held(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer, reply: Reply
) -> None:
    wire.answer("GET", "/keys", reply)
    with pytest.raises(TryLater) as failed:
        keys.claims(jwks_uri, issuer.sign(CLAIMS))
    assert failed.value.code.startswith("jwks_")
    assert failed.value.host == "localhost"


def test_those_who_waited_for_a_failed_read_do_not_each_try_again(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    wire.answer("GET", "/keys", Reply(503, {}))
    for _ in range(10):
        with pytest.raises(TryLater):
            keys.claims(jwks_uri, issuer.sign(CLAIMS))
    assert len(wire.heard) == 1


def test_a_read_that_takes_long_to_fail_is_shared_by_all_who_wait_for_it(
    issuer: Issuer, clock: FixedClock
) -> None:
    """Case 15: a dead JWKS server costs a launch one timeout, however many launch at once."""
    dead, token, together = DeadServer(clock), issuer.sign(CLAIMS), threading.Barrier(5)
    keys = PublishedKeys(dead, clock)

    def verify(_: int) -> str:
        together.wait()
        with pytest.raises(TryLater) as failed:
            keys.claims(KEYS, token)
        return failed.value.code

    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(verify, range(5))) == ["jwks_timeout"] * 5
    assert dead.asked == 1


def test_nobody_waits_for_a_reread_while_usable_keys_are_held(
    issuer: Issuer, clock: FixedClock
) -> None:
    slow, token = SlowServer(issuer), issuer.sign(CLAIMS)
    keys = PublishedKeys(slow, clock)
    slow.released.set()
    keys.claims(KEYS, token)
    clock.advance(timedelta(hours=1))
    slow.released.clear()
    slow.asked.clear()
    with ThreadPoolExecutor(2) as threads:
        rereading = threads.submit(keys.claims, KEYS, token)
        assert slow.asked.wait(5)
        try:
            assert threads.submit(keys.claims, KEYS, token).result(5) == CLAIMS
            assert not rereading.done()
        finally:
            slow.released.set()
        assert rereading.result(5) == CLAIMS
    assert slow.count == 2


def test_a_reread_that_took_long_to_fail_is_not_repeated_for_a_minute(
    issuer: Issuer, clock: FixedClock
) -> None:
    server, token = SlowServer(issuer), issuer.sign(CLAIMS)
    server.released.set()
    keys = PublishedKeys(server, clock)
    keys.claims(KEYS, token)
    clock.advance(timedelta(hours=1))
    dead = DeadServer(clock, seconds=70)
    keys._http = dead
    for _ in range(3):
        assert keys.claims(KEYS, token) == CLAIMS
    assert dead.asked == 1
    clock.advance(60)
    assert keys.claims(KEYS, token) == CLAIMS
    assert dead.asked == 2


def test_keys_are_read_again_once_the_server_is_back(
    keys: PublishedKeys,
    issuer: Issuer,
    jwks_uri: str,
    wire: WireServer,
    clock: FixedClock,
) -> None:
    wire.answer("GET", "/keys", Reply(503, {}), Reply(200, issuer.jwks()))
    with pytest.raises(TryLater):
        keys.claims(jwks_uri, issuer.sign(CLAIMS))
    clock.advance(3)
    assert keys.claims(jwks_uri, issuer.sign(CLAIMS)) == CLAIMS


def test_a_withdrawn_key_is_dropped_within_the_hour(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer, clock: FixedClock
) -> None:
    keys.claims(jwks_uri, issuer.sign(CLAIMS))
    wire.answer("GET", "/keys", Reply(200, Issuer("second", "key-2").jwks()))
    clock.advance(timedelta(hours=1))
    with pytest.raises(Untrusted, match="key_unknown"):
        keys.claims(jwks_uri, issuer.sign(CLAIMS))


def test_issuers_do_not_share_keys(
    keys: PublishedKeys, issuer: Issuer, jwks_uri: str, wire: WireServer
) -> None:
    other = Issuer("second", "key-2")
    wire.answer("GET", "/other", Reply(200, other.jwks()))
    keys.claims(f"{wire.url}/other", other.sign(CLAIMS))
    with pytest.raises(Untrusted, match="key_unknown"):
        keys.claims(jwks_uri, other.sign(CLAIMS))
