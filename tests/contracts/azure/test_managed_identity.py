"""Tokens of our managed identity: lent by the machine, held until shortly before they end."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from tests.fakes.managed_identity import CLIENT_ID, HEADER, IdentityDouble
from tests.fakes.system import FixedClock
from tests.fakes.wire import DROPPED, Reply, drip

from connector.adapters.azure.identity import POSTGRESQL_SCOPE, ManagedIdentity, TokenPassword
from connector.adapters.azure.transport import AzureTransport, Budget
from connector.adapters.system.lent_tokens import HeldTokens
from connector.ports.errors import Denied, OutsideError, TryLater

VAULT_SCOPE = "https://vault.azure.net/.default"


def test_a_token_is_asked_for_as_container_apps_documents_it(
    identity: ManagedIdentity, identity_double: IdentityDouble
) -> None:
    assert identity.token(POSTGRESQL_SCOPE) == "token-1"
    (asked,) = identity_double.heard
    assert asked.query == {
        "api-version": "2019-08-01",
        "resource": "https://ossrdbms-aad.database.windows.net",
        "client_id": CLIENT_ID,
    }
    assert asked.headers["x-identity-header"] == HEADER


def test_the_system_assigned_identity_has_no_client_id(
    transport: AzureTransport, budget: Budget, clock: FixedClock, identity_double: IdentityDouble
) -> None:
    identity_double.client_id = ""
    assert ManagedIdentity("", transport, budget, HeldTokens(clock)).token(VAULT_SCOPE)
    assert "client_id" not in identity_double.heard[0].query


def test_each_scope_has_a_token_of_its_own(
    identity: ManagedIdentity, identity_double: IdentityDouble
) -> None:
    assert identity.token(VAULT_SCOPE) != identity.token(POSTGRESQL_SCOPE)
    assert identity.token(VAULT_SCOPE) == "token-1"


def test_threads_fetch_one_token(
    identity: ManagedIdentity, identity_double: IdentityDouble
) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = set(threads.map(lambda _: identity.token(VAULT_SCOPE), range(16)))
    assert tokens == {"token-1"}
    assert len(identity_double.heard) == 1


def test_a_token_is_held_until_a_minute_before_its_end(
    identity: ManagedIdentity, identity_double: IdentityDouble, clock: FixedClock
) -> None:
    identity.token(VAULT_SCOPE)
    clock.advance(timedelta(seconds=3600 - 65))
    assert identity.token(VAULT_SCOPE) == "token-1"
    clock.advance(timedelta(seconds=6))
    assert identity.token(VAULT_SCOPE) == "token-2"


@pytest.mark.parametrize("lifetime_seconds", [0, -1, -3600])
def test_a_token_that_has_ended_already_is_never_handed_on(
    lifetime_seconds: int, identity: ManagedIdentity, identity_double: IdentityDouble
) -> None:
    identity_double.lifetime_seconds = lifetime_seconds
    with pytest.raises(TryLater, match="identity_away"):
        identity.token(VAULT_SCOPE)


def test_what_was_refused_is_not_held(
    identity: ManagedIdentity, identity_double: IdentityDouble
) -> None:
    password = TokenPassword(identity)
    assert (password(), password()) == ("token-1", "token-1")
    password.forget()
    assert password() == "token-2"


FAILURES = [
    (Reply(400, {"statusCode": 400, "message": "no identity"}), Denied, "identity_refused"),
    (Reply(401, {"statusCode": 401, "message": "header"}), Denied, "identity_refused"),
    (Reply(403, "<html>"), TryLater, "identity_away"),
    (Reply(404, {}), TryLater, "identity_away"),
    (Reply(429, {}, {"Retry-After": "100"}), TryLater, "identity_away"),
    (Reply(500, {"statusCode": 500}), TryLater, "identity_away"),
    (Reply(503, None), TryLater, "identity_away"),
    (Reply(200, b"not json"), TryLater, "identity_away"),
    (Reply(200, {"access_token": "x"}), Denied, "identity_refused"),
    (Reply(200, {"access_token": "x", "expires_on": "soon"}), TryLater, "identity_away"),
    (Reply(200, b"[]"), TryLater, "identity_away"),
    (DROPPED, TryLater, "identity_away"),
]


@pytest.mark.parametrize(("reply", "kind", "code"), FAILURES, ids=lambda each: str(each)[:40])
def test_a_refusal_is_final_and_trouble_is_not(
    reply: Reply,
    kind: type[OutsideError],
    code: str,
    identity: ManagedIdentity,
    identity_double: IdentityDouble,
) -> None:
    identity_double.faults = [reply]
    with pytest.raises(kind) as failed:
        identity.token(VAULT_SCOPE)
    assert (type(failed.value), failed.value.code) == (kind, code)
    assert len(identity_double.heard) == 1


def test_after_trouble_the_next_one_gets_a_token(
    identity: ManagedIdentity, identity_double: IdentityDouble, clock: FixedClock
) -> None:
    identity_double.faults = [Reply(500, {})]
    with pytest.raises(TryLater):
        identity.token(VAULT_SCOPE)
    clock.advance(2)
    assert identity.token(VAULT_SCOPE) == "token-1"


@pytest.mark.parametrize("header", ["", "guessed"])
def test_the_endpoint_must_believe_us(
    header: str,
    identity: ManagedIdentity,
    identity_double: IdentityDouble,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDENTITY_HEADER", header or "none")
    with pytest.raises(Denied, match="identity_refused"):
        identity.token(VAULT_SCOPE)


def test_an_identity_that_is_not_ours_is_refused(
    transport: AzureTransport, budget: Budget, clock: FixedClock, identity_double: IdentityDouble
) -> None:
    other = ManagedIdentity("not-assigned", transport, budget, HeldTokens(clock))
    with pytest.raises(Denied, match="identity_refused"):
        other.token(VAULT_SCOPE)


def test_elsewhere_than_on_azure_nobody_lends_tokens(
    identity: ManagedIdentity, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{port}")
    with pytest.raises(TryLater, match="identity_missing"):
        identity.token(VAULT_SCOPE)


def test_an_endpoint_that_hangs_ends_within_the_callers_budget(
    identity: ManagedIdentity, identity_double: IdentityDouble, budget: Budget
) -> None:
    identity_double.faults = [drip(b"{}", pause_seconds=30)]
    began = time.monotonic()
    with budget.of(0.3), pytest.raises(TryLater):
        identity.token(VAULT_SCOPE)
    assert time.monotonic() - began < 2


def test_a_call_without_time_left_is_not_made(
    identity: ManagedIdentity, identity_double: IdentityDouble, budget: Budget
) -> None:
    with budget.of(8), budget.of(0), pytest.raises(TryLater, match="timeout"):
        identity.token(VAULT_SCOPE)
    assert identity_double.heard == []


def test_a_block_within_a_block_has_no_more_than_what_is_left(budget: Budget) -> None:
    with budget.of(1), budget.of(8):
        assert budget.left_seconds("https://kv.example") <= 1
    assert budget.left_seconds("https://kv.example") == 8


def test_no_token_is_logged_even_at_debug(
    identity: ManagedIdentity, identity_double: IdentityDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    identity.token(VAULT_SCOPE)
    identity_double.faults = [Reply(400, {"message": "CANARY"})]
    identity.forget(VAULT_SCOPE)
    with pytest.raises(Denied):
        identity.token(VAULT_SCOPE)
    assert "token-" not in caplog.text
    assert HEADER not in caplog.text
