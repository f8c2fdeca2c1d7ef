"""The small ones: clock, ids, and the session msal speaks through."""

from datetime import UTC

import pytest
import requests
from tests.fakes.system import FixedClock, SequentialIds
from tests.fakes.wire import Reply, WireServer

from connector.adapters.system.clock import SystemClock
from connector.adapters.system.ids import RandomIds
from connector.adapters.system.session import MicrosoftSession
from connector.ports.system import Clock, Ids


@pytest.mark.parametrize("clock", [SystemClock(), FixedClock()])
def test_a_clock_is_aware_utc_and_never_runs_back(clock: Clock) -> None:
    first, second = clock.now(), clock.now()
    assert first.tzinfo is UTC
    assert first <= second


@pytest.mark.parametrize("ids", [RandomIds(), SequentialIds()])
def test_ids_are_distinct_and_url_safe(ids: Ids) -> None:
    identifiers = [ids.identifier() for _ in range(1000)]
    secrets = [ids.secret() for _ in range(1000)]
    assert len({*identifiers, *secrets}) == 2000
    assert {len(each) for each in identifiers} == {22}
    assert {len(each) for each in secrets} == {43}
    assert all(each.replace("-", "").replace("_", "").isalnum() for each in identifiers + secrets)
    assert all(0 <= ids.jitter() < 1 for _ in range(1000))


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_session_trusts_our_authority_whatever_the_environment_says(
    ca_file: str, wire: WireServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/etc/ssl/certs/ca-certificates.crt")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    wire.answer("GET", "/", Reply(200, {"ok": True}))
    with MicrosoftSession(ca_file) as session:
        assert session.get(f"{wire.url}/").json() == {"ok": True}


def test_the_session_trusts_nobody_else(wire: WireServer) -> None:
    with MicrosoftSession(None) as session, pytest.raises(requests.exceptions.SSLError):
        session.get(f"{wire.url}/")
    assert wire.heard == []


def test_the_session_follows_no_redirect(ca_file: str, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(302, None, {"Location": f"{wire.url}/there"}))
    with MicrosoftSession(ca_file) as session:
        assert session.get(f"{wire.url}/").status_code == 302
    assert len(wire.heard) == 1


def test_the_session_has_a_timeout_when_the_caller_names_none(
    ca_file: str, wire: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.system.session.READ_SECONDS", 0.2)
    wire.answer("GET", "/", Reply(raw=(b"",), pause_seconds=30))
    with MicrosoftSession(ca_file) as session, pytest.raises(requests.exceptions.ReadTimeout):
        session.get(f"{wire.url}/")
    assert len(wire.heard) == 1


def test_the_session_speaks_https_only(ca_file: str) -> None:
    with (
        MicrosoftSession(ca_file) as session,
        pytest.raises(requests.exceptions.InvalidSchema, match="not_https"),
    ):
        session.get("http://localhost:1/")
