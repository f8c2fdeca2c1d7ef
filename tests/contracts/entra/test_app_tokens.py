"""`AppTokens`: app-only Graph tokens by certificate, one fetch however many threads ask."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Heard, Reply
from tests.fakes.wired_microsoft import CLIENT_ID, OTHER_TENANT, TENANT, WiredEntra, token_path

from connector.adapters.entra.app_tokens import AppTokens
from connector.ports.errors import Denied, OutsideError, TryLater


@pytest.fixture(autouse=True)
def numbered(entra: WiredEntra) -> None:
    """Each request lends another token."""

    def lend(heard: Heard) -> Reply:
        number = len(entra.wire.requests(heard.path))
        token = {"access_token": f"app-{number}", "token_type": "Bearer", "expires_in": 3599}
        return Reply(200, token)

    for tenant in (TENANT, OTHER_TENANT):
        entra.answer_token(lend, tenant)


def test_a_token_is_asked_for_by_certificate_and_held(
    app_tokens: AppTokens, entra: WiredEntra
) -> None:
    assert [app_tokens(TENANT) for _ in range(3)] == ["app-1"] * 3
    (heard,) = entra.wire.requests(token_path(TENANT))
    assertion = heard.form["client_assertion"]
    claims = jwt.decode(assertion, options={"verify_signature": False})
    assert heard.form["grant_type"] == "client_credentials"
    assert heard.form["scope"] == "https://graph.microsoft.com/.default"
    assert jwt.get_unverified_header(assertion)["alg"] == "PS256"
    assert (claims["iss"], claims["aud"]) == (CLIENT_ID, f"{entra.wire.url}{token_path(TENANT)}")


def test_tenants_do_not_share_tokens(app_tokens: AppTokens, entra: WiredEntra) -> None:
    app_tokens(TENANT)
    app_tokens(OTHER_TENANT)
    assert len(entra.wire.requests(token_path(TENANT))) == 1
    assert len(entra.wire.requests(token_path(OTHER_TENANT))) == 1


def test_thirty_two_threads_on_a_cold_cache_make_one_request(
    app_tokens: AppTokens, entra: WiredEntra
) -> None:
    together = threading.Barrier(32)

    def ask(_: int) -> str:
        together.wait()
        return app_tokens(TENANT)

    with ThreadPoolExecutor(32) as threads:
        assert set(threads.map(ask, range(32))) == {"app-1"}
    assert len(entra.wire.requests(token_path(TENANT))) == 1


def test_a_token_is_replaced_before_it_expires(
    app_tokens: AppTokens, entra: WiredEntra, clock: FixedClock
) -> None:
    app_tokens(TENANT)
    clock.advance(3530)
    assert app_tokens(TENANT) == "app-1"
    clock.advance(10)
    assert app_tokens(TENANT) == "app-2"


def test_a_forgotten_token_is_asked_for_again(app_tokens: AppTokens, entra: WiredEntra) -> None:
    app_tokens(TENANT)
    app_tokens.forget(TENANT)
    assert app_tokens(TENANT) == "app-2"


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (
            Reply(
                400,
                {"error": "unauthorized_client", "error_description": "AADSTS700016: not found"},
            ),
            Denied,
            "AADSTS700016",
        ),
        (
            Reply(401, {"error": "invalid_client", "error_description": "x"}),
            Denied,
            "invalid_client",
        ),
        (Reply(500, {}), TryLater, "entra_failed"),
        (Reply(200, "<html>"), TryLater, "entra_answer"),
        (Reply(200, {"token_type": "Bearer"}), Denied, "entra_answer"),
        (DROPPED, TryLater, "connection_lost"),
    ],
)
def test_a_refusal_says_what_kind_it_is(
    app_tokens: AppTokens,
    entra: WiredEntra,
    reply: Reply,
    error: type[OutsideError],
    code: str,
) -> None:
    entra.answer_token(reply)
    with pytest.raises(error) as failed:
        app_tokens(TENANT)
    assert failed.value.code == code


@pytest.mark.parametrize("tenant", ["", "..", "common/..", 7])
def test_what_is_no_tenant_id_is_denied_unasked(
    app_tokens: AppTokens, entra: WiredEntra, tenant: Any
) -> None:
    with pytest.raises(Denied, match="tenant"):
        app_tokens(str(tenant))
    assert entra.wire.heard == []
