"""`MsalTransport`: msal's requests obey the same rules as all others (egress, authority, deadline)."""

import json
import time
from collections.abc import Callable

import pytest
from tests.builders.http import guarded_http
from tests.fakes.wire import Reply, WireServer, drip
from tests.fakes.wired_microsoft import CLIENT_ID, TENANT, WiredEntra, discovery_path, token_path

from connector.adapters.entra import transport as transport_module
from connector.adapters.entra.app_tokens import AppTokens
from connector.adapters.entra.applications import Applications
from connector.adapters.entra.transport import MsalAnswer, MsalTransport
from connector.adapters.system.http import GuardedHttp
from connector.adapters.vault.files import FileKeys
from connector.ports.errors import AddressRefused, NotConnected, TryLater


@pytest.fixture
def transport(http: GuardedHttp) -> MsalTransport:
    return MsalTransport(http)


def test_an_answer_has_what_msal_reads(transport: MsalTransport, wire: WireServer) -> None:
    wire.answer("GET", "/thing", Reply(201, {"a": "ä"}, {"Retry-After": "7"}))
    answer = transport.get(f"{wire.url}/thing", params={"q": "1 2"}, headers={"X-Our": "yes"})
    assert (answer.status_code, json.loads(answer.text)) == (201, {"a": "ä"})
    assert answer.headers["retry-after"] == "7"
    assert wire.heard[0].query == {"q": "1 2"}
    assert wire.heard[0].headers["x-our"] == "yes"


@pytest.mark.parametrize("data", [{"a": "1 2", "b": "ä"}, "a=1+2&b=%C3%A4"])
def test_a_form_is_posted_as_fields_or_as_text(
    transport: MsalTransport, wire: WireServer, data: dict[str, str] | str
) -> None:
    wire.answer("POST", "/form", Reply(200, {}))
    transport.post(f"{wire.url}/form", data=data)
    assert wire.heard[0].form == {"a": "1 2", "b": "ä"}
    assert wire.heard[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_redirect_is_not_followed(transport: MsalTransport, wire: WireServer) -> None:
    wire.answer("GET", "/", Reply(302, None, {"Location": f"{wire.url}/there"}))
    assert transport.get(f"{wire.url}/").status_code == 302
    assert len(wire.heard) == 1


def test_bytes_that_are_no_text_are_still_an_answer(
    transport: MsalTransport, wire: WireServer
) -> None:
    wire.answer("GET", "/", Reply(502, b"\xff\xfe"))
    assert transport.get(f"{wire.url}/") == MsalAnswer(
        502, transport.get(f"{wire.url}/").headers, "\ufffd\ufffd"
    )


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_changes_nothing(
    app_tokens: AppTokens, entra: WiredEntra, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    token = {"access_token": "app", "token_type": "Bearer", "expires_in": 3599}
    entra.answer_token(Reply(200, token))
    assert app_tokens(TENANT) == "app"


def _drip_discovery(entra: WiredEntra) -> None:
    entra.wire.answer("GET", discovery_path(TENANT), drip(b" " * 1000))


def _drip_token(entra: WiredEntra) -> None:
    entra.answer_token(drip(b" " * 1000))


@pytest.mark.parametrize("slow_down", [_drip_discovery, _drip_token])
def test_an_entra_that_drips_ends_at_the_deadline(
    app_tokens: AppTokens,
    entra: WiredEntra,
    monkeypatch: pytest.MonkeyPatch,
    slow_down: Callable[[WiredEntra], None],
) -> None:
    monkeypatch.setattr(transport_module, "DEADLINE_SECONDS", 0.4)
    slow_down(entra)
    began = time.monotonic()
    with pytest.raises(TryLater, match="timeout"):
        app_tokens(TENANT)
    assert time.monotonic() - began < 3


def test_the_deadline_is_that_of_every_other_call() -> None:
    assert transport_module.DEADLINE_SECONDS == 8.0


def test_an_answer_without_end_is_not_entras(
    app_tokens: AppTokens, entra: WiredEntra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MOST_BYTES", 1000)
    entra.answer_token(Reply(200, b" " * 2000))
    with pytest.raises(TryLater, match="entra_answer"):
        app_tokens(TENANT)


def test_an_entra_nobody_can_connect_to_was_sent_nothing(
    http: GuardedHttp, authority: object, connector_keys: FileKeys
) -> None:
    applications = Applications(
        http, "https://localhost:1025", CLIENT_ID, lambda: connector_keys.entra_credential
    )
    with pytest.raises(NotConnected, match="no_connection"):
        applications.of(TENANT)


def test_the_egress_guard_stands_before_entra_too(
    ca_file: str, entra: WiredEntra, connector_keys: FileKeys
) -> None:
    http = guarded_http(ca_file, frozenset())
    applications = Applications(
        http, entra.wire.url, CLIENT_ID, lambda: connector_keys.entra_credential
    )
    with pytest.raises(AddressRefused, match="address_not_public"):
        applications.of(TENANT)
    assert entra.wire.connections == 0


def test_a_token_of_entra_is_asked_for_once_even_if_it_fails(
    app_tokens: AppTokens, entra: WiredEntra
) -> None:
    entra.answer_token(Reply(503, {}))
    with pytest.raises(TryLater, match="entra_failed"):
        app_tokens(TENANT)
    assert len(entra.wire.requests(token_path(TENANT))) == 1
